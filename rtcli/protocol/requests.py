"""The requests that the server has not finished with, found by what a reply or an error says of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

MAX_WAITING = 65_536
"""Requests that are kept; a server that answers none of them costs no more memory than this many take."""

_CREATES_LOOKED_AT = 64  # of those that no response has begun for; servers begin them in the order sent

_NO_KEY = ""


@dataclass(slots=True, eq=False)
class Request:
    """A frame of ours that has a reply: `reply` is the type of event that ends it, `number` the frame's.

    `key` is what the reply says of it: the id of an item or a response, and else what kind of item it is.
    `response` is the `response` object of a response.create. `begun` says that its response was created.
    `silent_before` counts the frames without a reply and without an event_id that were sent before it.
    """

    number: int
    type: str
    event_id: str | None
    reply: str
    key: Hashable = _NO_KEY
    response: Mapping[str, Any] | None = None
    begun: bool = False
    silent_before: int = 0


class RequestQueue:
    """Requests in the order sent. Each look-up goes by an index and visits no more than a few requests."""

    def __init__(self) -> None:
        self._all: dict[int, Request] = {}
        self._by_key: dict[tuple[str, Hashable], dict[int, Request]] = {}
        # Those that an error may still refuse, by type and by whether they carry an event_id.
        self._refusable: dict[tuple[str, bool], dict[int, Request]] = {}
        self._anonymous: dict[int, Request] = {}  # refusable, without an event_id
        self._doubtful: Request | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Request]:
        return iter(tuple(self._all.values()))

    def get(self, number: int) -> Request | None:
        """The request that this frame is, None where it waits no more."""
        return self._all.get(number)

    def add(self, request: Request) -> None:
        """A request was sent; beyond the bound the oldest one is given up."""
        if len(self._all) >= MAX_WAITING:
            self.remove(next(iter(self._all.values())))
        self._all[request.number] = request
        self._file(request, request.key)
        self._refusable.setdefault((request.type, request.event_id is not None), {})[request.number] = request
        if request.event_id is None:
            self._anonymous[request.number] = request

    def remove(self, request: Request) -> None:
        """It waits no more."""
        self._all.pop(request.number, None)
        self._unfile(request)
        self._taken_on(request)
        if request is self._doubtful:
            self._doubtful = None

    def doubt(self, request: Request) -> None:
        """It counts as refused, on a guess, and waits no more. If its reply comes after all, it is found once more."""
        self.remove(request)
        self._doubtful = request

    def rename(self, request: Request, key: Hashable) -> None:
        """From now on its reply is known by another key."""
        if key != request.key:
            self._unfile(request)
            self._file(request, key)

    def begin(self, request: Request, response_id: str) -> None:
        """The server has begun the response that this create asks for: no error can refuse it any more."""
        request.begun = True
        self._all[request.number] = request
        self.rename(request, response_id)
        self._taken_on(request)

    def first(self, request_type: str, key: Hashable = _NO_KEY) -> Request | None:
        """The oldest request of a type that waits under a key."""
        doubtful = self._doubtful
        same = doubtful is not None and (doubtful.type, doubtful.key) == (request_type, key)
        return _first(self._by_key.get((request_type, key))) or (doubtful if same else None)

    def oldest_create(self, response: Mapping[str, Any]) -> Request | None:
        """The response.create that a response without a request may be the answer to.

        Metadata tells it, where the request gave any; else the oldest that asks for a response of the same
        conversation.
        """
        known, out_of_band = "conversation_id" in response, response.get("conversation_id") is None
        waiting = [
            request
            for request in islice(self._by_key.get(("response.create", _NO_KEY), {}).values(), _CREATES_LOOKED_AT)
            if not request.begun and (not known or asks_out_of_band(request.response) is out_of_band)
        ]
        metadata = response.get("metadata")
        same = (request for request in waiting if metadata and (request.response or {}).get("metadata") == metadata)
        return next(same, waiting[0] if waiting else self.first("response.create"))

    def oldest_refusable(self, types: Iterable[str]) -> Request | None:
        """The oldest request of one of these types that the server has not taken on.

        Those without an event_id first: an error about another would carry its id, unless the server never does that.
        """
        types = tuple(types)
        for named in (False, True):
            found = [request for type_ in types if (request := _first(self._refusable.get((type_, named))))]
            if found:
                return min(found, key=lambda request: request.number)
        return None

    @property
    def oldest_anonymous(self) -> Request | None:
        """The oldest request without an event_id that the server has not taken on."""
        return _first(self._anonymous)

    def _file(self, request: Request, key: Hashable) -> None:
        request.key = key
        self._by_key.setdefault((request.type, key), {})[request.number] = request

    def _unfile(self, request: Request) -> None:
        _discard(self._by_key, (request.type, request.key), request.number)

    def _taken_on(self, request: Request) -> None:
        _discard(self._refusable, (request.type, request.event_id is not None), request.number)
        self._anonymous.pop(request.number, None)


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
