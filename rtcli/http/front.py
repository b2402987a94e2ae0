"""One HTTP request as its bytes arrive, and the bytes of its answer: h11 has the rules, a socket is elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import h11

_MAX_HEAD_BYTES = 64 * 1024  # of the request line and headers together; h11 answers 431 beyond it


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A whole request. Names of headers are lower-case; of a header that comes twice the last counts."""

    method: str  # upper-case, as it came
    target: str  # path and query, not decoded
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pairs: tuple[tuple[str, str], ...] = ()  # every header, in the order in which they came


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer; Content-Length and Connection are added."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_json(cls, status: int, content: Any, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """A JSON body."""
        return cls(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(content).encode())

    @classmethod
    def error(cls, status: int, message: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """An error in the API's shape."""
        return cls.of_json(status, {"error": {"message": message, "type": "invalid_request_error"}}, headers)


class HttpExchange:
    """One request and its response; the connection is closed after it.

    `receive` takes bytes until the request is whole, `response_bytes` gives what is to be written then. In between,
    `interim` holds what has to be written at once: a client that waits for "100 Continue" sends no body before it.
    """

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes  # beyond it: 413
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._request: h11.Request | None = None  # once its head is whole
        self._body = bytearray()  # decoded: without the framing of chunks
        self.interim = b""  # to be written before more is read, see above

    def receive(self, data: bytes) -> HttpRequest | HttpResponse | None:
        """The request once it is whole; the response to what is none (400, 413 ...); None: more has to come."""
        self.interim = b""
        try:
            self._connection.receive_data(data)
            while (event := self._connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Request):
                    self._request = event
                elif isinstance(event, h11.Data):
                    self._body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return self._whole()
                else:
                    return None
                # refused before it is sent, where its length is announced
                if max(len(self._body), self._announced_bytes()) > self._max_body_bytes:
                    return HttpResponse.error(413, f"The body is larger than {self._max_body_bytes} bytes.")
        except h11.RemoteProtocolError as error:
            return HttpResponse.error(error.error_status_hint, f"This is not HTTP/1.1: {error}.")
        if self._connection.they_are_waiting_for_100_continue:
            self.interim = self._connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
        return None

    @property
    def begun(self) -> bool:
        """Whether a response is under way."""
        return self._connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE)

    def response_head(self, status: int, headers: Sequence[tuple[str, str]]) -> bytes:
        """The head of a response whose body follows in pieces; Connection is added. Raises ValueError for bad ones."""
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        pairs = [*headers, ("Connection", "close")]
        return self._send(lambda: h11.Response(status_code=status, headers=pairs, reason=phrase.encode()))

    def response_piece(self, data: bytes) -> bytes:
        """The next piece of that body. Raises ValueError for more than the head has announced."""
        return self._send(lambda: h11.Data(data=data))

    def response_end(self) -> bytes:
        """The end of that body. Raises ValueError for less than the head has announced."""
        return self._send(h11.EndOfMessage)

    def _send(self, event: Callable[[], h11.Event]) -> bytes:
        try:
            return self._connection.send(event()) or b""
        except h11.LocalProtocolError as error:
            raise ValueError(str(error)) from error

    def response_bytes(self, response: HttpResponse) -> bytes:
        """The whole response, ready to be written."""
        headers = {**response.headers, "Content-Length": str(len(response.body)), "Connection": "close"}
        if response.status == HTTPStatus.NO_CONTENT:
            del headers["Content-Length"]  # RFC 9110, section 8.6: a 204 must not have one
        phrase = HTTPStatus(response.status).phrase
        if self._connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            head = h11.Response(status_code=response.status, headers=list(headers.items()), reason=phrase.encode())
            # RFC 9110, section 9.3.2: HEAD gets headers and no content
            unread = self._request is not None and self._request.method == b"HEAD"
            parts = (head, h11.Data(data=b"" if unread else response.body), h11.EndOfMessage())
            return b"".join(self._connection.send(part) or b"" for part in parts)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())  # h11 has given this client up
        return f"HTTP/1.1 {response.status} {phrase}\r\n{lines}\r\n".encode() + response.body

    def _announced_bytes(self) -> int:
        headers = self._request.headers if self._request else ()
        return next((int(value) for name, value in headers if name == b"content-length"), 0)

    def _whole(self) -> HttpRequest:
        assert self._request is not None
        pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._request.headers)
        target = self._request.target.decode("latin-1")
        return HttpRequest(self._request.method.decode("latin-1"), target, dict(pairs), bytes(self._body), pairs)
