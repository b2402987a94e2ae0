"""The HTTP front: whatever the pieces in which a request arrives, it is whole or refused, and never lost."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.http.front import HttpExchange, HttpRequest, HttpResponse

MAX_BODY = 100
HEAD = b"POST /v1/things?a=1 HTTP/1.1\r\nHost: here\r\nX-Name: Value\r\n"
SIZED = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;note=1\r\nllo\r\n0\r\n\r\n"


def received(*pieces: bytes) -> tuple[HttpExchange, HttpRequest | HttpResponse | None]:
    """What an exchange makes of bytes, in these pieces; it is fed no further once it has an answer."""
    exchange = HttpExchange(MAX_BODY)
    for piece in pieces:
        if (found := exchange.receive(piece)) is not None:
            return exchange, found
    return exchange, None


@pytest.mark.parametrize("data", [SIZED, CHUNKED], ids=["content-length", "chunked"])
@given(cuts=st.sets(st.integers(1, 120)))
def test_a_request_is_whole_however_it_arrives(data: bytes, cuts: set[int]) -> None:
    """With a length or in chunks, in one piece or byte by byte."""
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    _, found = received(*(data[a:b] for a, b in pairwise(places)))

    assert isinstance(found, HttpRequest)
    assert (found.method, found.target, found.headers["x-name"]) == ("POST", "/v1/things?a=1", "Value")
    assert found.body == b"hello"


def test_half_a_request_is_waited_for() -> None:
    """Nothing is answered before the body is there."""
    assert received(SIZED[:-1])[1] is None
    assert received(CHUNKED[:-5])[1] is None


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    """curl does so for bodies above a megabyte; without the word it waits a second, others forever."""
    exchange = HttpExchange(MAX_BODY)

    assert exchange.receive(HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n") is None
    assert exchange.interim.startswith(b"HTTP/1.1 100 ")
    assert isinstance(exchange.receive(b"hello"), HttpRequest)
    assert exchange.interim == b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST \r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00 hello \r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", 400),  # names no host
        (HEAD + b"Content-Length: x\r\n\r\n", 400),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Content-Length: 101\r\n\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101, 413),
        (HEAD + b"X: " + b"x" * 70_000, 431),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    """With a whole response, as soon as it can be known."""
    exchange, found = received(data)

    assert isinstance(found, HttpResponse)
    assert found.status == status
    answer = exchange.response_bytes(found)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_a_response_ends_where_it_says() -> None:
    """Its length is given, the connection closes; HEAD gets no body, 204 has none."""
    exchange, _ = received(SIZED)
    answer = exchange.response_bytes(HttpResponse.of_json(200, {"a": 1}, {"X-More": "yes"}))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert {b"Content-Length: 8", b"Connection: close", b"X-More: yes"} <= set(head.split(b"\r\n"))

    exchange, _ = received(b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert exchange.response_bytes(HttpResponse.error(405, "No.")).endswith(b"\r\n\r\n")

    exchange, _ = received(SIZED)
    assert b"Content-Length" not in exchange.response_bytes(HttpResponse(204))
