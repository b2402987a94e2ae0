"""Odd frames: what a server may send comes through, what it may not ends the connection and says why."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from rtcli.errors import ConnectionLostError
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.events import CREATED
from tests.kit.fake_server import raw_server, upgrade
from tests.kit.waiting import DEADLINE, until

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1 = 0x80, 0x40
READY = json.dumps(CREATED).encode()
EVENT = {"type": "brand.new", "text": "x" * 300}
EVENT_TEXT = json.dumps(EVENT).encode()


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, bits: int = 0) -> bytes:
    """One frame of a server: unmasked."""
    first = opcode | (FIN if fin else 0) | bits
    if len(data) < 126:
        return bytes([first, len(data)]) + data
    head = (
        struct.pack("!BBH", first, 126, len(data)) if len(data) < 2**16 else struct.pack("!BBQ", first, 127, len(data))
    )
    return head + data


def close(code: int, reason: str = "") -> bytes:
    """A close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason.encode())


def written(data: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """The frames of a client, of up to 64 kB: opcode and unmasked data."""
    while len(data) > 1:
        first, length = data[0], data[1] & 0x7F
        start = 2
        if length == 126:
            length, start = int.from_bytes(data[2:4]), 4
        mask, payload = data[start : start + 4], data[start + 4 : start + 4 + length]
        yield first & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        data = data[start + 4 + length :]


async def listen(
    *writes: bytes, behind: bytes = b"", **options: Any
) -> tuple[list[Any], ConnectionLostError | None, bytes]:
    """What a transport hears of a server that writes this and waits; how it ended, and what the client wrote last.

    The connection is closed when the event has come that ends each of these plays, or the server has.
    """
    wrote = bytearray()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer, behind or frame(TEXT, READY))
        for data in writes:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
        while CLOSE not in dict(written(wrote)) and (data := await reader.read(2**16)):
            wrote.extend(data)

    heard: list[Any] = []
    errors: list[Any] = []
    async with raw_server(play) as address:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}", auto_tracing=False, **options)
        t.on("*", heard.append).on("error", lambda payload: errors.append(payload.error))
        await t.connect()
        await until(lambda: t.status == "disconnected" or any(e["type"] == "the.end" for e in heard), "it is over")
        t.close()
        await asyncio.wait_for(t.wait_closed(), DEADLINE)
    lost = next((error for error in errors if isinstance(error, ConnectionLostError)), None)
    return [event for event in heard if event["type"] not in ("session.created", "the.end")], lost, bytes(wrote)


END = frame(TEXT, b'{"type":"the.end"}')


def bytewise(data: bytes) -> Sequence[bytes]:
    """Each byte in a write of its own."""
    return [data[place : place + 1] for place in range(len(data))]


PIECES = frame(TEXT, EVENT_TEXT[:7], fin=False) + frame(CONT, b"", fin=False) + frame(CONT, EVENT_TEXT[7:])


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([frame(TEXT, EVENT_TEXT)], id="one frame"),
        pytest.param(bytewise(frame(TEXT, EVENT_TEXT)), id="byte by byte"),
        pytest.param([PIECES], id="in fragments"),
        pytest.param(bytewise(PIECES), id="in fragments, byte by byte"),
        pytest.param([frame(TEXT, b"", fin=False) + frame(CONT, EVENT_TEXT)], id="an empty first fragment"),
        pytest.param([frame(BINARY, EVENT_TEXT[:9], fin=False), frame(CONT, EVENT_TEXT[9:])], id="a binary message"),
        pytest.param(
            [
                frame(TEXT, EVENT_TEXT[:7], fin=False)
                + frame(PING, b"in between")
                + frame(PONG)
                + frame(CONT, EVENT_TEXT[7:])
            ],
            id="control frames between fragments",
        ),
        pytest.param([frame(PING, b"x" * 125), frame(TEXT, EVENT_TEXT)], id="a ping"),
        pytest.param([frame(PONG, b"nobody asked"), frame(TEXT, EVENT_TEXT)], id="a pong that nobody asked for"),
    ],
)
async def test_an_event_comes_whole_whatever_frames_it_is_in(writes: Sequence[bytes]) -> None:
    heard, lost, _ = await listen(*writes, END)

    assert (heard, lost) == ([EVENT], None)


async def test_a_thousand_events_at_once_keep_their_order() -> None:
    """They take several turns of the loop."""
    events = [{"type": "brand.new", "n": number} for number in range(1_000)]

    heard, lost, _ = await listen(b"".join(frame(TEXT, json.dumps(event).encode()) for event in events) + END)

    assert (heard, lost) == (events, None)


async def test_what_comes_in_one_piece_with_the_upgrade_is_heard() -> None:
    """The first events, and the close frame behind them."""
    behind = frame(TEXT, READY) + frame(TEXT, EVENT_TEXT) * 3 + close(4001, "enough")

    heard, lost, _ = await listen(behind=behind)

    assert heard == [EVENT] * 3
    assert lost is not None
    assert (lost.code, "enough" in str(lost)) == (4001, True)


async def test_half_a_frame_in_one_piece_with_the_upgrade_is_completed() -> None:
    whole = frame(TEXT, READY) + frame(TEXT, EVENT_TEXT)

    heard, lost, _ = await listen(whole[-40:], END, behind=whole[:-40])

    assert (heard, lost) == ([EVENT], None)


async def test_a_ping_is_answered_with_its_own_words() -> None:
    _, _, wrote = await listen(frame(PING, b"are you there?"), END)

    assert (PONG, b"are you there?") in written(wrote)


@pytest.mark.parametrize(
    ("writes", "said"),
    [
        pytest.param([frame(CONT, EVENT_TEXT)], 1002, id="a fragment of nothing"),
        pytest.param([frame(TEXT, b"{", fin=False), frame(TEXT, b"}")], 1002, id="a message inside another"),
        pytest.param([frame(TEXT, EVENT_TEXT, bits=RSV1)], 1002, id="compressed"),
        pytest.param([frame(BINARY, EVENT_TEXT, bits=RSV1)], 1002, id="compressed, binary"),
        pytest.param([frame(3, EVENT_TEXT)], 1002, id="an opcode that does not exist"),
        pytest.param([frame(PING, b"x" * 126)], 1002, id="a ping that is too long"),
        pytest.param([frame(TEXT, b"x" * 60_000)], 1009, id="too large"),
        pytest.param(
            [frame(TEXT, b"x" * 9_000, fin=False), frame(CONT, b"x" * 2_000)], 1009, id="too large in fragments"
        ),
    ],
)
async def test_what_breaks_the_protocol_ends_the_connection_and_is_not_heard(
    writes: Sequence[bytes], said: int
) -> None:
    """With a close frame that says which rule."""
    heard, lost, wrote = await listen(*writes, max_message_bytes=10_000)

    assert heard == []
    assert lost is not None
    assert lost.code == (1009 if said == 1009 else 1006)
    codes = [int.from_bytes(data[:2]) for opcode, data in written(wrote) if opcode == CLOSE]
    assert codes == [said]


@pytest.mark.parametrize(
    ("last", "code"),
    [(close(1000), 1000), (frame(CLOSE), 1005), (close(1001, "bye"), 1001), (close(3999), 3999), (close(1011), 1011)],
)
async def test_the_code_of_a_close_frame_is_kept(last: bytes, code: int) -> None:
    """1005 stands for a frame without one."""
    closed: list[int | None] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer, frame(TEXT, READY) + last)
        await reader.read()

    async with raw_server(play) as address:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}", auto_tracing=False)
        t.on("error", lambda _: None).on("disconnected", lambda: closed.append(t.close_code))
        await t.connect()
        await until(lambda: bool(closed), "the end was told")
        await asyncio.wait_for(t.wait_closed(), DEADLINE)

    assert closed == [code]
