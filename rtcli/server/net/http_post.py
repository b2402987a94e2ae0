"""A connection that takes a POST where others upgrade: the WebSocket library knows GET alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

from websockets.asyncio.server import ServerConnection

from rtcli.protocol.events import JsonObject

Answer: TypeAlias = Callable[[str, Mapping[str, str], bytes], tuple[int, JsonObject]]
"""(target, headers with lower-case names, body) -> (HTTP status, JSON body)."""

_MAX_BYTES = 256 * 1024
_POST = b"POST "


def posting_connection(answer: Answer) -> type[ServerConnection]:
    """A class of connections that hand every POST to `answer`, and then close; anything else is a WebSocket."""

    class PostingConnection(ServerConnection):
        """Looks at the first bytes only."""

        _received = b""  # until it is decided, and then no more
        _decided = False  # that this is a WebSocket

        def data_received(self, data: bytes) -> None:
            if self._decided:
                super().data_received(data)
                return
            self._received += data
            if not _POST.startswith(self._received[: len(_POST)]):
                self._decided = True
                super().data_received(self._received)
                return
            reply = _reply(self._received, answer)
            if reply is not None:
                self.transport.write(reply)
                self.transport.close()

    return PostingConnection


def _reply(received: bytes, answer: Answer) -> bytes | None:
    """The whole HTTP response once the request is whole; None: more has to come."""
    head, end, body = received.partition(b"\r\n\r\n")
    if len(received) > _MAX_BYTES:
        return _response(413, {"error": {"message": "The request is too large."}})
    if not end:
        return None
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        return _response(411, {"error": {"message": "Content-Length is missing."}})
    if int(length) > _MAX_BYTES:
        return _response(413, {"error": {"message": "The request is too large."}})
    if len(body) < int(length):
        return None
    target = f"{lines[0]}  ".split(" ")[1]
    return _response(*answer(target, headers, body[: int(length)]))


def _response(status: int, content: JsonObject) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
