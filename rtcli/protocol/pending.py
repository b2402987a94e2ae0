"""Which frame of ours a frame of the server answers, and which of ours still wait: asked once, when a frame arrives."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

from rtcli.errors import error_of
from rtcli.protocol.catalog import EVENT_TYPES, ROWS, event_types
from rtcli.protocol.dialects import ENDS, NAMES, response_ended
from rtcli.protocol.error_attribution import SentFrames, named_event, possible_event_types
from rtcli.protocol.events import mapping_of
from rtcli.protocol.item_origins import MAX_IDS, ItemOrigins
from rtcli.protocol.record import Direction
from rtcli.protocol.remember import remember
from rtcli.protocol.requests import Request, RequestQueue, asks_out_of_band, is_out_of_band
from rtcli.protocol.server_turns import ServerTurns
from rtcli.protocol.session_kind import SessionKind

_Event: TypeAlias = Mapping[str, Any]

_SENT, _LIVE = Direction.SENT, SessionKind.LIVE  # a member costs a search through its class
_APPEND = "input_audio_buffer.append"

# The field that a request and its reply have in common. A type without a row is answered in order alone.
_KEY_FIELD: Mapping[str, str] = {
    "conversation.item.retrieve": "item_id",
    "conversation.item.truncate": "item_id",
    "conversation.item.delete": "item_id",
    "response.cancel": "response_id",
}

OPTIONAL = frozenset({"conversation.item.retrieve", "conversation.item.truncate", "response.cancel"})
"""What a transport sends by itself, because of an event of the server: a server that refuses it loses us nothing."""


def is_optional(kind: object, event: _Event, led_here: object) -> bool:
    """Whether an event of ours is one that nobody asked for: `led_here` tells that an event of the server did."""
    return bool(led_here) and kind in OPTIONAL and "event_id" not in event


class PendingRequests:
    """Fed with every frame, in order, it links each one to the frame that led to it.

    A reply is linked to its request, an error to what it refuses, what belongs to a response or an item to the frame
    that began it, a response that nobody asked for to the turn that the server took, a tool's output to its call. Ids
    decide where there are any, and else the order of replies that the API keeps.
    """

    def __init__(self) -> None:
        self.kind = SessionKind.REALTIME  # which protocol is spoken
        self.settled: tuple[Request, ...] = ()  # what the last frame answered or refused
        self.unanswered: tuple[Request, ...] = ()  # what still waited when the last connection ended
        self._begin()

    def connection_lost(self) -> None:
        """Nothing that was sent will be answered, and ids of that connection mean nothing on the next one."""
        self.unanswered = self.waiting
        self._begin()

    def _begin(self) -> None:
        self._queue = RequestQueue()
        self._frames = SentFrames(self._queue)
        self._turns = ServerTurns()
        self._responses: dict[str, tuple[int, bool]] = {}  # id -> response.created, whether it is out of band
        self._items = ItemOrigins()
        self._last_append: int | None = None
        self._last_response_done: int | None = None

    def give_up(self) -> None:
        """Nothing that waits now is waited for any longer; a reply that comes after all is linked all the same."""
        for request in self.waiting:
            self._queue.doubt(request)

    def __len__(self) -> int:
        return len(self._queue)

    def __repr__(self) -> str:
        return f"<PendingRequests waiting={[request.type for request in self.waiting]}>"

    @property
    def waiting(self) -> tuple[Request, ...]:
        """The requests that no reply and no error has ended, oldest first."""
        return tuple(self._queue)

    @property
    def holds_up(self) -> bool:
        """Whether the server may still answer one of them: one that it has passed over, no reply will be matched to."""
        return self._queue.holds_up

    def awaits(self, number: int) -> bool:
        """Whether frame `number` is a request that waits."""
        return self._queue.get(number) is not None

    def observe(
        self, number: int, direction: Direction, event: _Event | None, caused_by: int | None = None
    ) -> int | None:
        """Take in frame `number`; the number of the frame that it answers or was caused by, None where it is unknown.

        `caused_by` is the frame that made us send this one, where the sender knows it. Afterwards `settled` holds the
        requests that this frame has ended. Never raises, whatever the event holds.
        """
        # First: an event that cannot be read must not leave the requests that the last one ended.
        self.settled = ()
        kind = event.get("type") if event is not None else None
        if event is None or not isinstance(kind, str):
            return caused_by
        if direction is _SENT:
            return self._sent(number, kind, event, caused_by) or caused_by
        if self.kind is _LIVE:
            return self._live(event)
        handler = _HANDLERS.get(kind) or _HANDLERS.get(NAMES.get(kind, ""))
        return handler(self, number, event) if handler else self._origin(event)

    # -- what we send ----------------------------------------------------------------------------

    def _sent(self, number: int, kind: str, event: _Event, led_here: int | None) -> int | None:
        event_id = _text(event.get("event_id"))
        if event_id is not None:
            self._frames.name(event_id, number)
        row = ROWS.get((self.kind, _SENT, kind))
        if row is None or row.reply is None:
            self._frames.silent(number, kind, event_id is not None)
            if kind == _APPEND:
                self._last_append = number
            return None
        request = Request(number, kind, event_id, optional=is_optional(kind, event, led_here))
        if field := _KEY_FIELD.get(kind):
            request.key = _text(event.get(field)) or ""
        prepare = _PREPARE.get(kind) if self.kind is SessionKind.REALTIME else None
        parent = prepare(self, request, event) if prepare else None
        self._frames.request(request)
        self._queue.add(request)
        return parent

    def _session_update(self, request: Request, event: _Event) -> None:
        self._items.name_servers(mapping_of(event.get("session")), request.number)

    def _response_create(self, request: Request, event: _Event) -> None:
        request.response = mapping_of(event.get("response"))
        self._items.name_servers(request.response, request.number)
        if not asks_out_of_band(request.response):
            self._turns.asked()

    def _item_create(self, request: Request, event: _Event) -> int | None:
        item = mapping_of(event.get("item"))
        item_id, kind = _text(item.get("id")), item.get("type")
        request.key = item_id or _kind_of(item)
        if kind == "function_call_output":
            # The server confirms outputs of tools later than other items, so they must not hold up the order of
            # replies.
            request.held = True
            return self._items.call(_text(item.get("call_id")))
        if kind == "mcp_approval_response" and (asked := _text(item.get("approval_request_id"))):
            self._items.approve(asked, request.number)
            return self._items.call(asked)
        return None

    # -- what the server sends -------------------------------------------------------------------

    def _origin(self, event: _Event) -> int | None:
        """The beginning of the response that an event belongs to, or what brought the item that it is about."""
        response_id = event.get("response_id")
        if isinstance(response_id, str) and (link := self._responses.get(response_id)):
            return link[0]
        item_id = event.get("item_id")
        return self._items.origin(item_id) if isinstance(item_id, str) else None

    def _on_reply(self, number: int, event: _Event) -> int | None:
        """A reply of which the item's id, or the order alone, tells the request."""
        about = _text(event.get("item_id")) or _text(mapping_of(event.get("item")).get("id")) or ""
        request_type = _REQUEST_OF[event["type"]]
        if request := self._queue.first(request_type, about):
            return self._settle(request)
        if request := self._queue.oldest(request_type):
            if not about:
                return self._settle(request)
            self._queue.pass_over(request)  # or another client of the call has asked: then ours is still to come
        return self._origin(event)

    def _on_session_created(self, number: int, event: _Event) -> None:
        self._turns.session(mapping_of(event.get("session")))

    def _on_session_updated(self, number: int, event: _Event) -> int | None:
        self._turns.session(mapping_of(event.get("session")))
        return self._on_reply(number, event)

    def _live(self, event: _Event) -> int | None:
        """GPT-Live names the event that it answers or refuses; where it does not, the type of the answer tells."""
        kind = event["type"]
        error = error_of(event) if kind == "error" else {}
        named = _text((error or event).get("client_event_id"))
        if error:
            parent, request = self._frames.refused({**error, "event_id": named} if named else error)
        else:
            parent, request = self._frames.refused({"event_id": named}) if named else (None, None)
            request = request or self._queue.oldest(_LIVE_REQUEST_OF.get(kind, ""))
        return self._settle(request) if request else parent

    def _on_session_closed(self, number: int, event: _Event) -> int | None:
        if request := self._queue.oldest("session.close"):
            return self._settle(request)
        return self._frames.last_silent("session.close")

    def _on_speech_started(self, number: int, event: _Event) -> int | None:
        self._turns.speech_started = number
        self._items.bring(_text(event.get("item_id")), number)
        return self._last_append

    def _on_speech_stopped(self, number: int, event: _Event) -> int | None:
        self._turns.ended(_text(event.get("item_id")), number)
        return self._origin(event)

    def _on_timeout_triggered(self, number: int, event: _Event) -> int | None:
        self._turns.ended(_text(event.get("item_id")), number)
        return self._last_response_done

    def _on_committed(self, number: int, event: _Event) -> int | None:
        """The server commits what was spoken, or what we told it to."""
        item_id = _text(event.get("item_id"))
        parent = self._turns.end_of(item_id)
        # Turn detection's own commit is the end of a turn; one that we asked for has no such end.
        if parent is None and (request := self._queue.first("input_audio_buffer.commit")):
            self._items.bring(item_id, number)
            return self._settle(request)
        parent = parent or self._origin(event)
        self._items.bring(item_id, number)
        self._turns.committed(number)
        return parent

    def _on_item_deleted(self, number: int, event: _Event) -> int | None:
        parent = self._on_reply(number, event)
        self._items.delete(_text(event.get("item_id")) or "")
        return parent

    def _on_item_added(self, number: int, event: _Event) -> int | None:
        item = mapping_of(event.get("item"))
        item_id = _text(item.get("id"))
        again = self._items.is_added_again(event["type"], item_id)
        request = self._queue.first("conversation.item.create", item_id or "")
        parent = self._items.brought_by(item_id)
        if parent and not again and not (request and request.added):
            return parent
        created = self._items.created_by(item_id)
        if request is None and (created is None or again):
            request = self._queue.first("conversation.item.create", _kind_of(item))
        if request:
            request.added = True
            self._queue.rename(request, item_id or "")
            self._items.create(item_id, request.number)
            return request.number
        if known := parent or created:
            return known
        self._items.bring(item_id, number)
        return self._items.asked_by(item)

    def _on_item_done(self, number: int, event: _Event) -> int | None:
        """The item is whole. A server that speaks the beta's names says `created`, once, in place of this."""
        item = mapping_of(event.get("item"))
        item_id = _text(item.get("id")) or ""
        parent = self._on_item_added(number, event)
        request = self._queue.first("conversation.item.create", item_id)
        if request and request.number == parent:  # else one of the same id that is still to be refused
            self._settle(request)
        if item.get("type") == "mcp_approval_request" and self._items.call(item_id) is None:
            self._items.complete(item_id, number)
        return parent

    def _on_response_created(self, number: int, event: _Event) -> int | None:
        response = mapping_of(event.get("response"))
        response_id = _text(response.get("id")) or ""
        out_of_band = is_out_of_band(response)
        remember(self._responses, response_id, (number, out_of_band), MAX_IDS)
        # The server answers a turn that it took before it reads what we sent meanwhile.
        if self._turns.answered_next and not out_of_band:
            return self._turns.take()
        if request := self._queue.oldest_create(response):
            self._frames.reached(request)
            self._queue.begin(request, response_id)
            return request.number
        return None if out_of_band else self._turns.take()

    def _on_response_done(self, number: int, event: _Event) -> int | None:
        """What ended a response: our cancel, or speech; and else what began it."""
        response = mapping_of(event.get("response"))
        response_id = _text(response.get("id")) or ""
        created, out_of_band = self._responses.get(response_id, (None, False))
        request = self._queue.first("response.create", response_id)
        if created is None and request is None:  # one that fails at once may never be announced as created
            request = self._queue.oldest_create(response) or self._queue.oldest_begun(response)
            created = request.number if request else self._turns.take()
        cancel = self._queue.first("response.cancel", response_id)
        if cancel is None and not out_of_band:
            cancel = self._queue.first("response.cancel")
        if request:
            self._settle(request)
        self._last_response_done = number
        reason = mapping_of(response.get("status_details")).get("reason")
        # Only then has our cancel ended it: one that was under way may have met the end of the response.
        if cancel and reason == "client_cancelled":
            return self._settle(cancel)
        if cancel:  # the response ended before the server read it
            self._doubt(cancel)
        return (self._turns.speech_started if reason == "turn_detected" else None) or created

    def _on_output_item_added(self, number: int, event: _Event) -> int | None:
        self._items.bring(_text(mapping_of(event.get("item")).get("id")), number)
        return self._origin(event)

    def _on_output_item_done(self, number: int, event: _Event) -> int | None:
        item = mapping_of(event.get("item"))
        name = item.get("call_id") if item.get("type") == "function_call" else item.get("id")
        self._items.complete(_text(name), number)
        return self._origin(event)

    def _on_rate_limits_updated(self, number: int, event: _Event) -> int | None:
        return self._last_response_done

    def _on_error(self, number: int, event: _Event) -> int | None:
        error = error_of(event)
        types = frozenset() if named_event(error) else possible_event_types(error)
        if "response.create" in types and self._turns.answered_next:
            return self._turns.take()  # the server could not begin a response of its own
        parent, request = self._frames.refused(error)
        if request and parent is None:
            self._doubt(request)
        elif request:
            self._settle(request)
        return parent

    # -- what several of them do -----------------------------------------------------------------

    def _doubt(self, request: Request) -> None:
        """It seems to have ended: nobody has to wait any longer, but what the server says of it is still to come."""
        self._queue.doubt(request)
        self.settled = (*self.settled, request)

    def _settle(self, request: Request) -> int:
        # A response that has begun was read long ago: its end says nothing about what was sent after it.
        if not request.begun:
            self._frames.reached(request)
        self._queue.remove(request)
        self.settled = (*self.settled, request)
        return request.number


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _kind_of(item: _Event) -> Hashable:
    """What an item without an id and its echo with one have in common: the call or the request, or who speaks."""
    return tuple(_text(item.get(name)) for name in ("type", "call_id", "approval_request_id", "role"))


def _on_response_ended(pending: PendingRequests, number: int, event: _Event) -> int | None:
    """Other servers have a name for each way in which a response ends."""
    response = response_ended(event)
    if response["status"] == "cancelled" and "status_details" not in response:
        response["status_details"] = {"reason": "client_cancelled"}  # it answers our cancel, if there is one
    return pending._on_response_done(number, {"response": response})


# Of the replies that say no more than that a request was carried out.
_REQUEST_OF: Mapping[str, str] = {row.reply: row.name for row in EVENT_TYPES.values() if row.reply}

_LIVE_REQUEST_OF: Mapping[str, str] = {
    row.reply: row.name for row in event_types(Direction.SENT, SessionKind.LIVE) if row.reply
}

_PREPARE: Mapping[str, Callable[[PendingRequests, Request, _Event], int | None]] = {
    "session.update": PendingRequests._session_update,
    "conversation.item.create": PendingRequests._item_create,
    "response.create": PendingRequests._response_create,
}

_HANDLERS: Mapping[str, Callable[[PendingRequests, int, _Event], int | None]] = {
    "error": PendingRequests._on_error,
    "session.created": PendingRequests._on_session_created,
    "session.updated": PendingRequests._on_session_updated,
    "session.closed": PendingRequests._on_session_closed,
    "conversation.item.added": PendingRequests._on_item_added,
    "conversation.item.created": PendingRequests._on_item_done,
    "conversation.item.done": PendingRequests._on_item_done,
    "conversation.item.retrieved": PendingRequests._on_reply,
    "conversation.item.truncated": PendingRequests._on_reply,
    "conversation.item.deleted": PendingRequests._on_item_deleted,
    "input_audio_buffer.speech_started": PendingRequests._on_speech_started,
    "input_audio_buffer.speech_stopped": PendingRequests._on_speech_stopped,
    "input_audio_buffer.timeout_triggered": PendingRequests._on_timeout_triggered,
    "input_audio_buffer.committed": PendingRequests._on_committed,
    "input_audio_buffer.cleared": PendingRequests._on_reply,
    "output_audio_buffer.cleared": PendingRequests._on_reply,
    "response.created": PendingRequests._on_response_created,
    "response.done": PendingRequests._on_response_done,
    **dict.fromkeys(ENDS, _on_response_ended),
    "response.output_item.added": PendingRequests._on_output_item_added,
    "response.output_item.done": PendingRequests._on_output_item_done,
    "rate_limits.updated": PendingRequests._on_rate_limits_updated,
}
