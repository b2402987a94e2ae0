"""The requests that the server has not finished with, found by what a reply or an error says of them."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

MAX_WAITING = 65_536
"""Requests that are kept; a server that answers none of them costs no more memory than this many take."""

_REQUESTS_LOOKED_AT = 64  # of those that are alike; servers handle nearly all of them in the order sent

_NO_KEY = ""

# What seems to have ended was guessed to be, and a request that still waits comes before it. A cancel is another
# matter: its response had ended before the server read it, so what the server says of it comes first.
_CANCEL = "response.cancel"

# Answered when a response has come to its end, so that what was sent later may be answered before.
_LATE = frozenset({"response.create", _CANCEL})


@dataclass(slots=True, eq=False)
class Request:
    """A frame of ours that has a reply; `number` is the frame's.

    `key` is what the reply says of it: the id of an item or a response, and else what kind of item it is.
    `response` is the `response` object of a response.create. `begun` says that its response was created, `added` that
    its item was. `held` says that the server answers it only when no response runs. `optional`: nobody asked for
    it, and nobody waits. `silent_before` counts the frames without a reply and without an event_id that were sent
    before it.
    """

    number: int
    type: str
    event_id: str | None
    key: Hashable = _NO_KEY
    response: Mapping[str, Any] | None = None
    begun: bool = False
    added: bool = False
    held: bool = False
    optional: bool = False
    silent_before: int = 0

    def names(self, ids: Container[str]) -> bool:
        """Whether it is about one of these ids."""
        names = self.key if isinstance(self.key, tuple) else (self.key,)
        return any(name in ids for name in names if name and isinstance(name, str))


class RequestQueue:
    """Requests in the order sent. Each look-up goes by an index and visits no more than a few requests."""

    def __init__(self) -> None:
        self._all: dict[int, Request] = {}
        self._by_event_id: dict[str, Request] = {}
        self._by_key: dict[tuple[str, Hashable], dict[int, Request]] = {}
        # Those that an error may still refuse, by type and by whether they carry an event_id.
        self._refusable: dict[tuple[str, bool], dict[int, Request]] = {}
        self._anonymous: dict[int, Request] = {}  # refusable, without an event_id
        self._doubtful: dict[str, Request] = {}  # by type, the last one
        self._begun: dict[int, Request] = {}  # creates whose response runs
        # Those that the server may still answer, by what shows that it has passed them over: the reply to anything that
        # was sent later; a response that was asked for later; nothing but their own end.
        self._in_turn: dict[int, Request] = {}
        self._held: dict[int, Request] = {}
        self._late: dict[int, Request] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Request]:
        return iter(tuple(self._all.values()))

    @property
    def holds_up(self) -> bool:
        """Whether there is one that the server may still answer: not one that it has passed over."""
        return bool(self._in_turn or self._held or self._late)

    def get(self, number: int) -> Request | None:
        """The request that this frame is, None where it waits no more."""
        return self._all.get(number)

    def doubtful(self, number: int) -> Request | None:
        """The request that this frame is, where it seems to have ended."""
        return next((request for request in self._doubtful.values() if request.number == number), None)

    def named(self, event_id: str) -> Request | None:
        """The last request with this event_id, None where it waits no more."""
        return self._by_event_id.get(event_id)

    def add(self, request: Request) -> None:
        """A request was sent; beyond the bound the oldest one is given up."""
        if len(self._all) >= MAX_WAITING:
            self.remove(next(iter(self._all.values())))
        self._all[request.number] = request
        if not request.optional:
            group = self._late if request.type in _LATE else self._held if request.held else self._in_turn
            group[request.number] = request
        self._file(request, request.key)
        self._refusable.setdefault((request.type, request.event_id is not None), {})[request.number] = request
        if request.event_id is None:
            self._anonymous[request.number] = request
        else:
            self._by_event_id[request.event_id] = request

    def remove(self, request: Request) -> None:
        """It waits no more."""
        for index in (self._all, self._begun, self._in_turn, self._held, self._late):
            index.pop(request.number, None)
        if request.event_id is not None and self._by_event_id.get(request.event_id) is request:
            del self._by_event_id[request.event_id]
        self._unfile(request)
        self._taken_on(request)
        if self._doubtful.get(request.type) is request:
            del self._doubtful[request.type]

    def doubt(self, request: Request) -> None:
        """It seems to have ended, and waits no more; it is found once more if its reply or an error comes after all."""
        self.remove(request)
        self._doubtful[request.type] = request

    def reached(self, number: int) -> None:
        """The server has answered what was sent as frame `number`: what was sent before in turn, it has passed over."""
        _discard_before(self._in_turn, number)

    def pass_over(self, request: Request) -> None:
        """The server has given a reply that may have been meant for it."""
        self._in_turn.pop(request.number, None)
        self._held.pop(request.number, None)

    def rename(self, request: Request, key: Hashable) -> None:
        """From now on its reply is known by another key."""
        if key != request.key:
            self._unfile(request)
            self._file(request, key)

    def begin(self, request: Request, response_id: str) -> None:
        """The server has begun the response that this create asks for: no error can refuse it any more."""
        request.begun = True
        self._all[request.number] = self._begun[request.number] = self._late[request.number] = request
        _discard_before(self._held, request.number)
        self.rename(request, response_id)
        self._taken_on(request)

    def first(self, request_type: str, key: Hashable = _NO_KEY) -> Request | None:
        """The oldest request of a type that waits under a key."""
        waiting, doubtful = _first(self._by_key.get((request_type, key))), self._doubtful.get(request_type)
        if doubtful is None or doubtful.key != key:
            return waiting
        return doubtful if request_type == _CANCEL else waiting or doubtful

    def oldest_create(self, response: Mapping[str, Any]) -> Request | None:
        """The response.create that a response without a request may be the answer to.

        Metadata tells it, where the request gave any; else the oldest that asks for a response of the same
        conversation.
        """
        known, out_of_band = "conversation_id" in response, response.get("conversation_id") is None
        waiting = [
            request
            for request in islice(self._by_key.get(("response.create", _NO_KEY), {}).values(), _REQUESTS_LOOKED_AT)
            if not request.begun and (not known or asks_out_of_band(request.response) is out_of_band)
        ]
        metadata = response.get("metadata")
        same = (request for request in waiting if metadata and (request.response or {}).get("metadata") == metadata)
        return next(same, waiting[0] if waiting else self.first("response.create"))

    def oldest_begun(self, response: Mapping[str, Any]) -> Request | None:
        """The response.create whose response runs, where one ends under an id that nobody has heard of."""
        known, out_of_band = "conversation_id" in response, response.get("conversation_id") is None
        fitting = (r for r in self._begun.values() if not known or asks_out_of_band(r.response) is out_of_band)
        return next(fitting, None)

    def oldest(self, request_type: str) -> Request | None:
        """The oldest request of a type, whatever it is about."""
        found = [_first(self._refusable.get((request_type, named))) for named in (False, True)]
        return min((request for request in found if request), key=lambda request: request.number, default=None)

    def oldest_refusable(self, types: Iterable[str], ids: Container[str] = ()) -> Request | None:
        """The oldest request of one of these types that the server has not taken on; one about these ids before others.

        Those without an event_id first: an error about another would carry its id, unless the server never does that.
        """
        types = tuple(types)
        doubtful = self._doubtful.get(_CANCEL) if _CANCEL in types else None
        for named in (False, True):
            found = [
                request
                for type_ in types
                for request in islice(self._refusable.get((type_, named), {}).values(), _REQUESTS_LOOKED_AT)
            ]
            if found:
                best = min(found, key=lambda request: (not request.names(ids), request.number))
                # A cancel whose response had ended comes in its turn: one that was sent before it is read before it.
                return best if doubtful is None or best.number < doubtful.number else doubtful
        return next((self._doubtful[type_] for type_ in types if type_ in self._doubtful), None)

    @property
    def oldest_anonymous(self) -> Request | None:
        """The oldest request without an event_id that the server has not taken on."""
        return _first(self._anonymous)

    @property
    def oldest_named(self) -> Request | None:
        """The oldest request with an event_id that the server has not taken on."""
        found = [_first(requests) for (_, named), requests in self._refusable.items() if named]
        return min((request for request in found if request), key=lambda request: request.number, default=None)

    def _file(self, request: Request, key: Hashable) -> None:
        request.key = key
        self._by_key.setdefault((request.type, key), {})[request.number] = request

    def _unfile(self, request: Request) -> None:
        _discard(self._by_key, (request.type, request.key), request.number)

    def _taken_on(self, request: Request) -> None:
        _discard(self._refusable, (request.type, request.event_id is not None), request.number)
        self._anonymous.pop(request.number, None)


def is_out_of_band(response: Mapping[str, Any]) -> bool:
    """Whether a response says of itself that it stands outside of the conversation."""
    return "conversation_id" in response and response["conversation_id"] is None


def asks_out_of_band(response: Mapping[str, Any] | None) -> bool:
    """Whether a response.create with this `response` asks for one outside of the conversation."""
    return response is not None and response.get("conversation") == "none"


def _first(requests: Mapping[int, Request] | None) -> Request | None:
    return next(iter(requests.values())) if requests else None


def _discard(index: dict[Any, dict[int, Request]], key: Hashable, number: int) -> None:
    requests = index.get(key)
    if requests is not None:
        requests.pop(number, None)
        if not requests:  # keys are ids: without this the index would grow for ever
            del index[key]


def _discard_before(requests: dict[int, Request], number: int) -> None:
    while requests and (first := next(iter(requests))) < number:
        del requests[first]
