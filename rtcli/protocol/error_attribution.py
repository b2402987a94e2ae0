"""Which event of ours an error refuses: the one that it names, and else what its code, message and param tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rtcli.errors import clues
from rtcli.protocol.catalog import event_types
from rtcli.protocol.record import Direction
from rtcli.protocol.remember import remember
from rtcli.protocol.requests import Request, RequestQueue

# Parts, not whole codes: the API has families of them, and adds to these.
_BY_CODE: tuple[tuple[str, str], ...] = (
    ("item_create_", "conversation.item.create"),
    ("item_retrieve_", "conversation.item.retrieve"),
    ("item_truncate_", "conversation.item.truncate"),
    ("item_delete_", "conversation.item.delete"),
    ("invalid_tool_call_id", "conversation.item.create"),
    ("input_audio_buffer_commit_", "input_audio_buffer.commit"),
    ("conversation_already_has_active_response", "response.create"),
    ("response_create", "response.create"),
    ("response_cancel_", "response.cancel"),
    ("cannot_update_voice", "session.update"),
)
"""What a code contains, and what it refuses."""

_BY_MESSAGE: tuple[tuple[str, str], ...] = (
    ("can be truncated", "conversation.item.truncate"),
    ("is already shorter than", "conversation.item.truncate"),
    ("session update event", "session.update"),
    ("committing input audio buffer", "input_audio_buffer.commit"),
    ("response.create", "response.create"),
)
"""What a message says where the API gives neither a code nor a param of its own."""

MAX_EVENT_IDS = 65_536
"""Frames that an error can name; an error about an older one is linked to nothing."""

MAX_SILENT_TYPES = 64
"""Types of frames without a reply that are told apart; most are misspelled ones."""

PLACEHOLDERS = frozenset({"event_TODO"})
"""What LocalAI writes in place of every event_id."""

_QUOTED = re.compile(r"'([^']*)'")
_DOTTED = re.compile(r"\w+(?:\.\w+)+")


def possible_event_types(error: Mapping[str, Any]) -> frozenset[str]:
    """The types that the `error` object of an error event can be about; none where it does not tell.

    `param` is a path into the event (`session.audio.output.voice`, `item.content[0].type`, `item_id`): its first
    name belongs to a few types alone. A type that the server does not know is quoted in its message.
    """
    code, message, param = clues(error)
    if said := next((name for part, name in _BY_CODE if part in code), None):
        return frozenset({said})
    if param == "type":  # before the message is read, which lists all types that the server knows
        quoted = _QUOTED.search(message)
        return frozenset({quoted[1]} if quoted else ())
    if said := next((name for words, name in _BY_MESSAGE if words in message), None):
        return frozenset({said})
    field = re.split(r"[.\[]", param, maxsplit=1)[0]
    rows = event_types(Direction.SENT)
    named = {row.name for row in rows}.intersection(_DOTTED.findall(message))
    if not field and len(named) == 1:  # more than one: a list of what the server knows
        return frozenset(named)
    return frozenset(row.name for row in rows if field in (*row.required, *row.optional))


def named_event(error: Mapping[str, Any]) -> str:
    """The event_id that an `error` object names, "" for none."""
    event_id = error.get("event_id")
    return event_id if isinstance(event_id, str) and event_id not in PLACEHOLDERS else ""


class SentFrames:
    """What was sent, as far as an error may refuse it: `queue` has the frames with a reply, here are all others too.

    A frame without a reply is never confirmed. One that is refused is therefore known only if it is the only one of
    its type since the server has answered something that was sent later.
    """

    def __init__(self, queue: RequestQueue) -> None:
        self._queue = queue
        self._event_ids: dict[str, int] = {}
        # The last two of each type, by whether they have an event_id.
        self._silent: dict[tuple[str, bool], tuple[int, int]] = {}
        # Those without an event_id: how many were sent (also before each request), how many are accepted or refused.
        self._sent, self._over = 0, 0
        self._reached = 0
        self._names_events = False  # the server has named an event of ours in an error

    def name(self, event_id: str, number: int) -> None:
        """The frame `number` can be named by an error."""
        remember(self._event_ids, event_id, number, MAX_EVENT_IDS)

    def silent(self, number: int, type_: str, named: bool) -> None:
        """A frame without a reply was sent."""
        last = self._silent.get((type_, named))
        if last is None:
            remember(self._silent, (type_, named), (0, number), MAX_SILENT_TYPES)
        else:
            self._silent[type_, named] = (last[1], number)
        if not named:
            self._sent += 1

    def last_silent(self, type_: str) -> int | None:
        """The last frame of a type that has no reply."""
        return max(self._silent.get((type_, named), (0, 0))[1] for named in (False, True)) or None

    def request(self, request: Request) -> None:
        """A frame with a reply was sent."""
        request.silent_before = self._sent

    def reached(self, request: Request) -> None:
        """The server works in order: what was sent before this request and has no reply, it has accepted."""
        self._reached = max(self._reached, request.number)
        self._queue.reached(request.number)
        self._over = max(self._over, request.silent_before)

    def refused(self, error: Mapping[str, Any]) -> tuple[int | None, Request | None]:
        """The frame that an `error` object is about, None where that is not certain, and the request that it ends.

        The server gives no event_id if the event had none, and some servers never do. Then it is the oldest request
        of the type that the error speaks of (an earlier one was answered before this error came; only outputs of
        tools are held back, and of those the message quotes the id). An error that says nothing at all counts for the
        oldest frame without an event_id, and where all have one, for the oldest of a server that has named none so far,
        lest a refused request wait forever; that makes no link, as the guess may be wrong, unless only what nobody
        asked for waits.
        """
        if event_id := named_event(error):
            number = self._event_ids.get(event_id)
            self._names_events = self._names_events or number is not None
            return number, self._queue.get(number or 0) or self._queue.doubtful(number or 0)
        types = possible_event_types(error)
        if request := self._queue.oldest_refusable(types, _QUOTED.findall(str(error.get("message")))):
            return request.number, request
        if types:
            return self._silent_one(types), None
        guess = self._guess()
        alone = guess is not None and guess.optional and len(self._queue) == 1
        return guess.number if guess and alone else None, guess

    def _silent_one(self, types: Iterable[str]) -> int | None:
        for named in (False, True):
            found = [
                (number, type_)
                for type_ in types
                for number in self._silent.get((type_, named), ())
                if number > self._reached
            ]
            if not named and found:
                # It was refused, so it is not among those that may still be.
                self._over = min(self._over + 1, self._sent)
            if len(found) == 1:
                del self._silent[found[0][1], named]
            if found:
                return found[0][0] if len(found) == 1 else None
        return None

    def _guess(self) -> Request | None:
        request = self._queue.oldest_anonymous
        if request is None and self._sent <= self._over and not self._names_events:
            return self._queue.oldest_named
        if (request.silent_before if request else self._sent) > self._over:
            self._over += 1
            return None
        return request
