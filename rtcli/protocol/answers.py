"""Which sent events still wait for an answer, and what the events that came back say about success."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rtcli.errors import ExitCode
from rtcli.protocol.catalog import EVENT_TYPES
from rtcli.protocol.error_attribution import possible_event_types

_Event = Mapping[str, Any]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _field(name: str) -> Callable[[_Event], str | None]:
    return lambda event: _text(event.get(name))


def _inner_id(name: str) -> Callable[[_Event], str | None]:
    def read(event: _Event) -> str | None:
        inner = event.get(name)
        return _text(inner.get("id")) if isinstance(inner, Mapping) else None

    return read


# The id that an event is about, sent or received. A type without a row is answered in order alone.
_ABOUT: dict[str, Callable[[_Event], str | None]] = {
    "conversation.item.create": _inner_id("item"),
    "conversation.item.retrieve": _field("item_id"),
    "conversation.item.truncate": _field("item_id"),
    "conversation.item.delete": _field("item_id"),
    "response.cancel": _field("response_id"),
    "conversation.item.done": _inner_id("item"),
    "conversation.item.retrieved": _inner_id("item"),
    "conversation.item.truncated": _field("item_id"),
    "conversation.item.deleted": _field("item_id"),
    "response.created": _inner_id("response"),
    "response.done": _inner_id("response"),
    "response.output_item.added": _inner_id("item"),
    "input_audio_buffer.committed": _field("item_id"),
}
# These bring items that no conversation.item.create asked for: the model's own, and sound that became an item.
_BRINGS_AN_ITEM = frozenset({"response.output_item.added", "input_audio_buffer.committed"})
# What others make too, so that a reply without a known id need not be about ours.
_MADE_BY_OTHERS_TOO = frozenset({"conversation.item.create", "response.create"})
# A server that still speaks the beta's names announces a client's item once, with this.
_BETA_REPLIES = {"conversation.item.created": "conversation.item.done"}
_REPLIES = frozenset(row.reply for row in EVENT_TYPES.values() if row.reply)


@dataclass(slots=True, eq=False)
class Waiting:
    """A sent event: `reply` is the type that answers it, `about` the id which that reply carries (None: any).

    `number` is the caller's own. `begun` says that the server took it on: a response.create whose response was created.
    """

    type: str
    event_id: str | None
    reply: str | None
    about: str | None
    number: int = 0
    begun: bool = False


class Answers:
    """The sent events that are not answered yet.

    An answer is the next reply of the type that the catalog names (of the same id, where there is one), or an error
    about the event (see `refused`). Events are handled in the order sent, so a reply also settles the events before
    it that have no reply.
    """

    def __init__(self) -> None:
        self._sent: list[Waiting] = []
        self._not_ours: set[str] = set()

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What a reply is still expected for, oldest first."""
        return tuple(entry for entry in self._sent if entry.reply)

    def sent(self, event: _Event, number: int = 0) -> None:
        """Note an event that goes out; `number` is what the caller knows it by."""
        name = str(event.get("type"))
        row = EVENT_TYPES.get(name)
        read = _ABOUT.get(name)
        about = read(event) if read else None
        self._sent.append(Waiting(name, _text(event.get("event_id")), row.reply if row else None, about, number))

    def received(self, event: _Event) -> None:
        """Note an event that came back."""
        name = str(event.get("type"))
        if name == "error":
            self._refuse(event)
            return
        name = _BETA_REPLIES.get(name, name)
        read = _ABOUT.get(name)
        about = read(event) if read else None
        if about and name in _BRINGS_AN_ITEM:
            self._not_ours.add(about)
        if name == "response.created":
            self._begin(about)
        elif name in _REPLIES:
            self._answer(name, about)

    def _begin(self, response_id: str | None) -> None:
        """A response begins: the oldest response.create that has none asked for it, else nobody here did."""
        for entry in self._sent:
            if entry.type == "response.create" and not entry.begun:
                entry.begun, entry.about = True, response_id
                self._drop_silent_before(entry)
                return
        if response_id:
            self._not_ours.add(response_id)

    def _answer(self, reply: str, about: str | None) -> None:
        """One reply answers one event of each type that has it: response.done ends a create and a cancel."""
        answered: dict[str, Waiting] = {}
        for entry in self._sent:
            if entry.reply == reply and self._fits(entry, about):
                answered.setdefault(entry.type, entry)
        for entry in answered.values():
            if not entry.begun:
                self._drop_silent_before(entry)
            self._sent.remove(entry)

    def _fits(self, entry: Waiting, about: str | None) -> bool:
        if entry.about is not None:
            return entry.about == about
        return entry.type not in _MADE_BY_OTHERS_TOO or about not in self._not_ours

    def _drop_silent_before(self, entry: Waiting) -> None:
        at = self._sent.index(entry)
        self._sent[:at] = [earlier for earlier in self._sent[:at] if earlier.reply]

    def refused(self, event: _Event) -> Waiting | None:
        """The sent event that an error is about; None where it does not tell.

        It is the one that `event_id` names. The server gives none if the event had none, and some servers never do:
        then it is the oldest event of the type that the error speaks of which the server has not taken on (an earlier
        one was answered before this error came). Of events without a reply it is only known if there is just one.
        """
        inner = event.get("error")
        error: _Event = inner if isinstance(inner, Mapping) else {}
        if event_id := _text(error.get("event_id")):
            return next((entry for entry in self._sent if entry.event_id == event_id), None)
        types = possible_event_types(error)
        fitting = [entry for entry in self._sent if entry.type in types and not entry.begun]
        fitting = [entry for entry in fitting if entry.event_id is None] or fitting
        certain = len(fitting) == 1 or (fitting and fitting[0].reply)
        return fitting[0] if certain else None

    def _refuse(self, event: _Event) -> None:
        """An error that tells nothing counts for the oldest event without a name, lest that wait for ever."""
        entry = self.refused(event)
        inner = event.get("error")
        if entry is None and not (isinstance(inner, Mapping) and _text(inner.get("event_id"))):
            entry = next((entry for entry in self._sent if entry.event_id is None and not entry.begun), None)
        if entry is not None:
            self._sent.remove(entry)


def outcome(event: _Event) -> ExitCode:
    """What one server event means for the exit code. A response that was cancelled is no failure."""
    if event.get("type") == "error":
        return ExitCode.SERVER_ERROR
    response = event.get("response")
    if event.get("type") == "response.done" and isinstance(response, Mapping):
        return ExitCode.RESPONSE_FAILED if response.get("status") in ("failed", "incomplete") else ExitCode.OK
    return ExitCode.OK
