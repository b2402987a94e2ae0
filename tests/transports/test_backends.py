"""What reads and writes frames is chosen by name, and found out where it is not."""

from __future__ import annotations

import asyncio
import sys

import pytest

from rtcli.errors import UsageError
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.transports.backends import FrameBackend, faster
from tests.kit.fake_server import fake_server, greets
from tests.kit.waiting import DEADLINE

picows = pytest.importorskip("picows")

from rtcli.transports.picows_socket import READ_SIZE, PicowsSocket  # noqa: E402  (it imports picows)


@pytest.mark.parametrize(("backend", "taken"), [("auto", True), ("picows", True), ("websockets", False)])
async def test_picows_takes_a_connection_over_unless_it_is_switched_off(backend: str, taken: bool) -> None:
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, backend=backend)
        await t.connect()
        await t.wait_ready()

        assert ("PicowsSocket" in repr(t._connection._socket if t._connection else None)) == taken
        t.close()
        await t.wait_closed()


def test_without_picows_the_choice_falls_on_websockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by name, its absence is an error that says what to install."""
    monkeypatch.setitem(sys.modules, "picows", None)
    monkeypatch.delitem(sys.modules, "rtcli.transports.picows_socket", raising=False)
    monkeypatch.delattr("rtcli.transports.picows_socket", raising=False)

    assert faster(FrameBackend.AUTO) is None
    with pytest.raises(UsageError) as refused:
        faster(FrameBackend.PICOWS)
    assert "rtcli[fast]" in refused.value.hint


async def test_a_large_message_comes_whole_and_makes_no_read_larger() -> None:
    """picows has to hold all of it, and would read as much at once from then on."""
    heard = asyncio.Queue[int]()
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, backend="picows")
        t.on("brand.new", lambda event: heard.put_nowait(len(event["text"])))
        await t.connect()
        await t.wait_ready()
        await server.send(*({"type": "brand.new", "text": "x" * size} for size in (8 * 2**20, 1)))

        async with asyncio.timeout(DEADLINE):
            assert [await heard.get(), await heard.get()] == [8 * 2**20, 1]
        socket = t._connection._socket if t._connection else None
        assert isinstance(socket, PicowsSocket)
        assert len(socket._parser.get_buffer(-1)) == READ_SIZE
        t.close()
        await t.wait_closed()
