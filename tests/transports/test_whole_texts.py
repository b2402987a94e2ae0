"""A connection that reads whole texts itself hears and says what one does that the library reads alone."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from rtcli.transports.connect import WatchedClient
from rtcli.transports.messages import TurnLimit
from rtcli.transports.sockets import LibrarySocket
from tests.transports.test_frames import BINARY, CONT, PING, RSV1, TEXT, close, frame

LIMIT = 70_000  # of a message

TEXT_SIZES = (0, 1, 125, 126, 127, 300, 6_500, 2**16 - 1, 2**16, LIMIT, LIMIT + 1)
GOOD = [
    *(frame(TEXT, b"t" * size) for size in TEXT_SIZES[:-1]),
    frame(TEXT, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(CONT, b"c"),
    frame(TEXT, b"a", fin=False) + frame(PING, b"in between") + frame(CONT, b"b" * 300),
    frame(BINARY, b"\x81\x05"),
    frame(BINARY, b"\0" * 2**16),
    frame(PING, b"\x81\x7e\0"),
    frame(10),
]
BAD = [
    frame(TEXT, b"t" * TEXT_SIZES[-1]),
    frame(TEXT, b"a", bits=RSV1),
    frame(TEXT, b"a", fin=False) + frame(TEXT, b"whole"),
    frame(CONT, b"no beginning"),
    frame(3, b"unknown"),
    b"\x81\x85maskhello",
    b"\x81\xff",
    close(1000, "enough"),
    close(1011),
]


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def write(self, data: Any) -> None:
        self.written += data

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def opened(protocol: ClientProtocol) -> WatchedClient:
    """A connection behind its handshake."""
    connection = WatchedClient(protocol, ping_interval=None)
    connection.response = Response(101, "Switching Protocols", Headers())
    connection.connection_made(Wire())
    return connection


async def heard(pieces: list[bytes], *, shares: bool, early: bytes = b"", ends: bool = True) -> dict[str, Any]:
    """What comes of these reads. `early` comes before somebody takes the connection over."""
    protocol = ClientProtocol(parse_uri("ws://h/"), state=State.OPEN, max_size=LIMIT)
    connection = opened(protocol)
    connection.largest_text, wire = LIMIT, connection.transport
    if early:
        connection.data_received(early)
    socket = LibrarySocket(connection)
    if not shares:
        connection.messages = None
    messages: list[tuple[bytes | str, bool]] = []
    socket._messages.read(lambda message, binary: messages.append((message, binary)))
    for piece in pieces:
        connection.data_received(piece)
        await asyncio.sleep(0)
    await socket._messages.all_taken()
    if ends:
        connection.eof_received()
        connection.connection_lost(None)
    return {
        "messages": messages,
        "pongs": [event for event in _opcodes(bytes(cast(Wire, wire).written)) if event == 0x8A],
        "close": (socket.close_code, socket.close_reason),
        "refused": socket.refused_message,
        "state": protocol.state,
        "why": str(protocol.parser_exc),
    }


def _opcodes(written: bytes) -> list[int]:
    found = []
    while len(written) > 1:
        found.append(written[0])
        written = written[2 + 4 + (written[1] & 0x7F) :]
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, as a network may deliver it."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges) if end > begin]


STREAM = st.lists(st.sampled_from(GOOD), max_size=12)
CUTS = st.lists(st.integers(0, 400_000), max_size=12)


@given(before=STREAM, bad=st.sampled_from([b"", *BAD]), behind=st.lists(st.sampled_from(GOOD), max_size=2), cuts=CUTS)
@example(before=[GOOD[3]] * (2 * TurnLimit.MOST), bad=b"", behind=[], cuts=[])
# What is left of a frame whose head alone has come looks like a text.
@example(before=[frame(BINARY, b"\x81\x05"), frame(TEXT, b"hello")], bad=b"", behind=[], cuts=[2])
async def test_it_is_heard_as_the_library_hears_it(
    before: list[bytes], bad: bytes, behind: list[bytes], cuts: list[int]
) -> None:
    """However the bytes are cut, whatever stands between the texts, and what comes behind a rule that was broken."""
    pieces = cut(b"".join([*before, bad, *behind]), cuts)

    assert await heard(pieces, shares=True) == await heard(pieces, shares=False)


@pytest.mark.parametrize("copies", [2, 30, 9_400])
async def test_a_head_may_come_in_pieces(copies: int) -> None:
    """The library has taken it, and waits for a payload: that is no text, though it begins like one."""
    like_texts = frame(BINARY, frame(TEXT, b"hello") * copies)  # with a head of 2, 4 and 10 bytes
    stream = frame(TEXT, b"{}") + like_texts + frame(TEXT, b"behind")
    begin = len(frame(TEXT, b"{}"))
    for one, other in itertools.combinations_with_replacement(range(begin, begin + 14), 2):
        pieces = cut(stream, [one, other])
        taken_over = await heard(cut(stream[one:], [other - one]), early=stream[:one], shares=True)
        alone = await heard(pieces, shares=False)

        assert await heard(pieces, shares=True) == alone
        assert taken_over["messages"] == alone["messages"]


@pytest.mark.parametrize("bad", BAD, ids=lambda data: data[:4].hex())
@pytest.mark.parametrize("place", range(1, 15))
async def test_what_breaks_a_rule_ends_it_as_early(bad: bytes, place: int) -> None:
    """Before more of it has come than the library needs to see it."""
    pieces = [frame(TEXT, b"{}"), bad[:place]]

    assert await heard(pieces, shares=True, ends=False) == await heard(pieces, shares=False, ends=False)


@pytest.mark.parametrize("place", [1, 2, 3, 4, 100, 6_000])
async def test_a_frame_that_had_begun_before_is_the_librarys(place: int) -> None:
    """The connection may be taken over in the middle of it; what comes behind is read as ever."""
    one, other = frame(TEXT, b"1" * 6_500), frame(TEXT, b"2" * 300)
    early, rest = (other + one)[: len(other) + place], (other + one)[len(other) + place :]

    seen = await heard([rest, other, other + one], early=early, shares=True)

    assert [message[0][:1] for message in seen["messages"]] == [b"2", b"1", b"2", b"2", b"1"]


async def test_the_texts_go_past_the_library() -> None:
    """Else nothing would be won: it gets the ping alone, and the frame that is too large to be read here."""
    protocol = ClientProtocol(parse_uri("ws://h/"), state=State.OPEN, max_size=None)
    connection = opened(protocol)
    socket, seen = LibrarySocket(connection), []
    socket._messages.read(lambda message, _: seen.append(json.loads(message)))
    read, receive_data = [], protocol.receive_data

    def receiving(data: bytes) -> None:
        read.append(len(data))
        receive_data(data)

    setattr(protocol, "receive_data", receiving)  # noqa: B010  (a method, replaced for this one object)
    texts = [json.dumps({"n": number, "text": "x" * 300}).encode() for number in range(60)]
    large = frame(TEXT, json.dumps({"n": 60, "text": "x" * 2**16}).encode())
    stream = b"".join([*map(frame, [TEXT] * 30, texts[:30]), frame(PING), *map(frame, [TEXT] * 30, texts[30:]), large])

    for start in range(0, len(stream), 1_000):
        connection.data_received(stream[start : start + 1_000])

    assert [event["n"] for event in seen] == list(range(61))
    assert sum(read) == len(frame(PING)) + len(large)
