"""Undo: the conversations that /new, /model, /reset and /delete ended, to be put back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rtcli.errors import UsageError
from rtcli.protocol.items import Item
from rtcli.session.conversation import Conversation
from rtcli.session.lifecycle import Lifecycle
from rtcli.session.link import Link
from rtcli.session.transfer import TransferResult, put_back

_MAX_STEPS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """A conversation before `command` ended it: its items, and of cut answers the words that were heard."""

    command: str
    model: str | None
    items: Sequence[Item]
    as_heard: Sequence[Item]
    call_ids: Mapping[str, str]

    @property
    def texts(self) -> TransferResult:
        """What another connection takes of it."""
        return put_back(self.items, self.as_heard, (), self.call_ids)


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a step: how many items are there again, and how many changes the server did not take."""

    step: Step
    items: int
    untaken: int
    lost: TransferResult


class Undo:
    """Keeps the newest conversations that a command ended, and those that an undo ended."""

    def __init__(self, link: Link, lifecycle: Lifecycle, conversation: Conversation) -> None:
        self._link = link
        self._lifecycle = lifecycle
        self._conversation = conversation
        self._done: deque[Step] = deque(maxlen=_MAX_STEPS)
        self._undone: deque[Step] = deque(maxlen=_MAX_STEPS)

    def keep(self, command: str) -> None:
        """Keep the conversation as it is: `command` is about to end it."""
        self._undone.clear()
        self._done.append(self._present(command))

    def forget(self) -> None:
        """The command came to nothing."""
        self._done.pop()

    async def undo(self) -> Restored:
        """Put back what the last command ended. Raises UsageError where nothing is kept, and like `reconnect`."""
        return await self._move(self._done, self._undone, "nothing to undo")

    async def redo(self) -> Restored:
        """Take the last undo back; raises like it."""
        return await self._move(self._undone, self._done, "nothing to redo")

    async def _move(self, source: deque[Step], target: deque[Step], nothing: str) -> Restored:
        if not source:
            raise UsageError(nothing, why="/new, /model, /reset and /delete can be undone")
        step = source[-1]
        replaced = self._present(step.command)
        restored = await self._restore(step)
        source.pop()
        target.append(replaced)
        return restored

    async def _restore(self, step: Step) -> Restored:
        if step.model == self._lifecycle.endpoint.model and self._lifecycle.connected:
            history = list(self._link.state.history)
            result = put_back(step.items, step.as_heard, history, step.call_ids)
            untaken = await self._conversation.reset(result.items)
        else:
            result = await self._lifecycle.reconnect(model=step.model, items=step.texts)
            untaken = result.untaken
        return Restored(step, len(step.items), untaken, result)

    def _present(self, command: str) -> Step:
        state = self._link.state
        model, items = self._lifecycle.endpoint.model, tuple(state.history)
        return Step(command, model, items, tuple(state.as_heard()), dict(state.items.call_ids))
