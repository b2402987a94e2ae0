"""Which responses run, and when the next response.create may go out.

A create goes out when no response of the default conversation runs, no create waits for its answer and no cancel is
under way. Requests without parameters ("automatic") coalesce: one create serves all that wait in a row. Requests with
parameters ("manual") are never merged. Responses are told apart by their ids, so that an out-of-band response (its
`conversation_id` is null) neither blocks nor frees the queue of the default conversation.

The slot for a create is a small state machine: `Slot` and the table `SLOTS` below.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Any

from rtcli.protocol.audio_formats import AudioFormat, parse_format
from rtcli.protocol.error_attribution import named_event, possible_event_types
from rtcli.protocol.events import Event, mapping_of, value_at
from rtcli.protocol.moves import move
from rtcli.protocol.requests import asks_out_of_band, is_out_of_band

_MAX_REMEMBERED = 64

ALREADY_ACTIVE = "conversation_already_has_active_response"
CANCEL_NOT_ACTIVE = "response_cancel_not_active"


class Slot(Enum):
    """What the one slot for a response.create is taken by."""

    FREE = "free"
    CREATING = "creating"
    CANCELLING = "cancelling"


class SlotEvent(Enum):
    """What moves the slot."""

    CREATE_SENT = "a create was handed over for sending"
    CREATE_UNSENT = "it could not be sent"
    CREATE_ANSWERED = "response.created, or a response.done that nobody announced"
    CREATE_REFUSED = "an error about it"
    CANCEL_SENT = "a cancel of the running response goes out"
    RESPONSES_ENDED = "no response of the default conversation runs any more"
    CANCEL_REFUSED = "the server says that nothing was active"
    GIVEN_UP = "nobody waits for what was asked for any longer"


# A pair that is missing is a mistake of ours. The server and the user may do anything at any time, so that their events
# have a row in every state.
SLOTS: dict[tuple[Slot, SlotEvent], Slot] = {
    (Slot.FREE, SlotEvent.CREATE_SENT): Slot.CREATING,
    (Slot.FREE, SlotEvent.CANCEL_SENT): Slot.CANCELLING,
    (Slot.FREE, SlotEvent.CREATE_ANSWERED): Slot.FREE,
    (Slot.FREE, SlotEvent.CREATE_REFUSED): Slot.FREE,
    (Slot.FREE, SlotEvent.RESPONSES_ENDED): Slot.FREE,
    (Slot.FREE, SlotEvent.CANCEL_REFUSED): Slot.FREE,
    (Slot.CREATING, SlotEvent.CREATE_UNSENT): Slot.FREE,
    (Slot.CREATING, SlotEvent.CREATE_ANSWERED): Slot.FREE,
    (Slot.CREATING, SlotEvent.CREATE_REFUSED): Slot.FREE,
    (Slot.CREATING, SlotEvent.CANCEL_SENT): Slot.CANCELLING,
    (Slot.CREATING, SlotEvent.RESPONSES_ENDED): Slot.CREATING,
    (Slot.CREATING, SlotEvent.CANCEL_REFUSED): Slot.CREATING,
    (Slot.CANCELLING, SlotEvent.CANCEL_SENT): Slot.CANCELLING,
    (Slot.CANCELLING, SlotEvent.CREATE_ANSWERED): Slot.CANCELLING,
    (Slot.CANCELLING, SlotEvent.CREATE_REFUSED): Slot.CANCELLING,
    (Slot.CANCELLING, SlotEvent.RESPONSES_ENDED): Slot.FREE,
    (Slot.CANCELLING, SlotEvent.CANCEL_REFUSED): Slot.FREE,
    (Slot.FREE, SlotEvent.GIVEN_UP): Slot.FREE,
    (Slot.CREATING, SlotEvent.GIVEN_UP): Slot.FREE,
    (Slot.CANCELLING, SlotEvent.GIVEN_UP): Slot.FREE,
}


@dataclass(slots=True)
class RequestedCreate:
    """A response.create that was asked for: `event` without its event_id when automatic.

    `frame` is the caller's own text for it, b"" where there is none. `context` is the asker's: the create goes out in
    it, however late that is and whatever makes room for it.
    """

    event: Event
    automatic: bool
    frame: bytes = b""
    context: Context = field(default_factory=copy_context)


@dataclass(slots=True)
class Running:
    """A response that was created and is not done."""

    out_of_band: bool
    output_format: AudioFormat | None = None


@dataclass(slots=True)
class Pending:
    """The create that was sent last: the requests it serves, and whether a response.created has answered it.

    One that was sent past the queue serves none: where it is refused, nothing is asked for again.
    """

    event_id: str
    out_of_band: bool
    serves: list[RequestedCreate]
    answered: bool = False


class ResponseSequencer:
    """The only owner of this state. `next_create` says what to send; the others tell what happened."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._queue: deque[RequestedCreate] = deque()
        self._running: dict[str, Running] = {}  # by id
        # Responses that the server said do not run: their late response.done answers nobody.
        self._given_up: deque[str] = deque(maxlen=_MAX_REMEMBERED)
        self._cancelled_out_of_band: deque[str] = deque(maxlen=_MAX_REMEMBERED)
        self._pending: Pending | None = None
        self._slot = Slot.FREE

    def __repr__(self) -> str:
        running, queued = list(self._running), len(self._queue)
        return f"<ResponseSequencer {self._slot.value}, running {running}, {queued} queued>"

    @property
    def active(self) -> bool:
        """A response of the default conversation runs."""
        return any(not running.out_of_band for running in self._running.values())

    @property
    def busy(self) -> bool:
        """A response runs, is asked for, or waits to be asked for."""
        return bool(self._running or self._queue) or self._slot is Slot.CREATING

    @property
    def can_cancel(self) -> bool:
        """There is something to cancel, and no cancel under way."""
        return self.active and self._slot is not Slot.CANCELLING

    def running(self, response_id: str) -> Running | None:
        """What is known of a response that runs."""
        return self._running.get(response_id)

    def is_out_of_band(self, response_id: str) -> bool:
        """Whether this running response stands outside the default conversation."""
        running = self._running.get(response_id)
        return running is not None and running.out_of_band

    # -- asking ----------------------------------------------------------------------------------

    def request(self, response: Mapping[str, Any] | None = None) -> None:
        """Ask for a response: automatic without parameters, manual with them."""
        event: Event = {"type": "response.create"}
        if response is not None:
            event["response"] = dict(response)
        self._queue.append(RequestedCreate(event, automatic=response is None))

    def request_event(self, event: Event, frame: bytes = b"") -> None:
        """Ask with a response.create of the caller's own, which keeps its event_id if that is text.

        With a `frame` nothing is added: without an event_id, a refusal is told by what the error says.
        """
        self._queue.append(RequestedCreate(dict(event), automatic=False, frame=frame))

    def next_create(self) -> tuple[Event, Context, bytes] | None:
        """The response.create that has to go out now, the context to send it in and its frame, or None. It counts as
        sent.

        Where it serves several requests, the context is that of the last one.
        """
        if not self._queue or self.active or self._slot is not Slot.FREE:
            return None
        serves = [self._queue.popleft()]
        while serves[0].automatic and self._queue and self._queue[0].automatic:
            serves.append(self._queue.popleft())
        event = dict(serves[0].event)
        event_id = event.get("event_id")
        if not isinstance(event_id, str):
            event_id = f"rtcli_response_create_{next(self._numbers)}"
            if not serves[0].frame:
                event["event_id"] = event_id
        self._pending = Pending(event_id, asks_out_of_band(mapping_of(event.get("response"))), serves)
        self._move(SlotEvent.CREATE_SENT)
        return event, serves[-1].context, serves[0].frame

    def unsent(self) -> None:
        """The create that `next_create` gave could not be sent."""
        self._move(SlotEvent.CREATE_UNSENT)
        self._pending = None

    def sent_past_queue(self, event: Event) -> None:
        """A response.create went out without waiting for its turn: the queue waits for its answer.

        Only one with an event_id of its own: without, a refusal could not be told from others, and the queue would
        wait for ever.
        """
        event_id = event.get("event_id")
        if isinstance(event_id, str) and event_id and self._slot is Slot.FREE and not self.active:
            self._pending = Pending(event_id, asks_out_of_band(mapping_of(event.get("response"))), [])
            self._move(SlotEvent.CREATE_SENT)

    def cancelling(self, response_id: object = None) -> None:
        """A response.cancel goes out. One of an out-of-band response does not concern the queue."""
        if isinstance(response_id, str) and response_id and not self._in_conversation(response_id):
            self._cancelled_out_of_band.append(response_id)
        elif self.active:
            self._move(SlotEvent.CANCEL_SENT)

    def _in_conversation(self, response_id: str) -> bool:
        running = self._running.get(response_id)
        return running is not None and not running.out_of_band

    # -- what the server says --------------------------------------------------------------------

    def created(self, response: Mapping[str, Any], session_format: AudioFormat | None = None) -> None:
        """response.created: a response runs; it answers the create that waits, if it can be the answer to it.

        Its audio keeps the format that it names, or else the session's at this moment.
        """
        out_of_band = is_out_of_band(response)
        if "conversation_id" not in response and self._pending and not self._pending.answered:
            out_of_band = self._pending.out_of_band  # it does not say where it belongs: then where it was asked for
        named = value_at(response, "audio.output.format")
        output_format = session_format if named is None else parse_format(named)
        self._running[_id_of(response)] = Running(out_of_band, output_format)
        if self._pending and not self._pending.answered and out_of_band == self._pending.out_of_band:
            self._answered()

    def done(self, response: Mapping[str, Any]) -> None:
        """response.done: it runs no more. One that was never announced (a quota failure) answers the create."""
        response_id = _id_of(response)
        running = self._running.pop(self._known_as(response, response_id), None)
        if response_id in self._cancelled_out_of_band:
            self._cancelled_out_of_band.remove(response_id)
        if running is None and response_id not in self._given_up and self._slot is Slot.CREATING:
            self._answered()
        if not self.active:
            self._move(SlotEvent.RESPONSES_ENDED)

    def _known_as(self, response: Mapping[str, Any], response_id: str) -> str:
        """The running response that a done is about: where its id is not known, the one of the conversation that runs.

        No other can end: one that was never announced answers the create that waits, and others are known to be late.
        """
        if response_id in self._running or response_id in self._given_up:
            return response_id
        inside = [known for known, running in self._running.items() if not running.out_of_band]
        unnamed = not response_id or "" in inside
        elsewhere = self._slot is Slot.CREATING or response.get("conversation_id", "") is None
        return inside[0] if inside and (unnamed or not elsewhere) else response_id

    def failed(self, error: Mapping[str, Any]) -> None:
        """The `error` object of an error event: it may refuse our create, or our cancel."""
        if error.get("code") == CANCEL_NOT_ACTIVE:
            self._cancel_refused()
        elif self._pending and self._refuses(error, self._pending):
            self._create_refused(error.get("code"), self._pending)

    def _refuses(self, error: Mapping[str, Any], pending: Pending) -> bool:
        if event_id := named_event(error):
            return event_id == pending.event_id
        return not pending.answered and "response.create" in possible_event_types(error)

    def _create_refused(self, code: object, pending: Pending) -> None:
        # What the refused create was sent for is dropped, others that it would have served are asked for again. One
        # that lost the race against a response of the server's own is not wrong, only early: it waits for its turn.
        again = pending.serves if code == ALREADY_ACTIVE and self.active else pending.serves[1:]
        self._queue.extendleft(reversed(again))
        self._pending = None
        self._move(SlotEvent.CREATE_REFUSED)

    def _cancel_refused(self) -> None:
        if self._cancelled_out_of_band and self._slot is not Slot.CANCELLING:
            self._cancelled_out_of_band.popleft()  # the only cancel under way was not of the conversation
            return
        # The server says that nothing runs: then nothing may block the queue, whatever was missed.
        for response_id in [key for key, running in self._running.items() if not running.out_of_band]:
            del self._running[response_id]
            self._given_up.append(response_id)
        self._move(SlotEvent.CANCEL_REFUSED)

    def give_up_create(self, event_id: str | None) -> None:
        """Nobody waits any longer for the answer to a create (None: one without an id). What it served is not asked
        for again; an answer that comes after all is a response like any other."""
        pending = self._pending
        if pending is not None and not pending.answered and event_id in (None, pending.event_id):
            self._pending = None
            self._move(SlotEvent.CREATE_REFUSED)

    def give_up(self) -> None:
        """Nobody waits any longer for what runs or was asked for; the queue does not."""
        self._given_up.extend(self._running)
        self._running.clear()
        self._cancelled_out_of_band.clear()
        self._pending = None
        self._move(SlotEvent.GIVEN_UP)

    def _answered(self) -> None:
        if self._pending:
            self._pending.answered = True
        self._move(SlotEvent.CREATE_ANSWERED)

    def _move(self, event: SlotEvent) -> None:
        self._slot = move(SLOTS, self._slot, event)

    def reset(self) -> None:
        """The connection is gone, and all of this with it; numbers go on, so that ids stay unique."""
        self._queue.clear()
        self._running.clear()
        self._given_up.clear()
        self._cancelled_out_of_band.clear()
        self._pending, self._slot = None, Slot.FREE


def _id_of(response: Mapping[str, Any]) -> str:
    response_id = response.get("id")
    return response_id if isinstance(response_id, str) else ""
