"""An app's secrets pass through the proxy in every way there is; it shows and records none of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.cli.test_canary import (
    _UPDATE,
    FILE_KEY,
    HEADER,
    KEY,
    MINTED,
    addresses,
    leaks,
    prepare,
    surroundings,
    written,
)
from tests.cli.test_proxy_in_pipe import running
from tests.kit.terminal import Terminal
from tests.kit.waiting import DEADLINE

DEBUG = pytest.mark.parametrize("debug", [pytest.param("", marks=pytest.mark.slow), "1"], ids=["quiet", "debug"])

HEADERS = {"Authorization": f"Bearer {KEY}", "X-My-Token": HEADER, "Cookie": f"session={MINTED}"}


async def use(base: str) -> None:
    """What an app does with its keys: headers, a query, a subprotocol, events, HTTP requests."""
    url = f"{base.replace('http', 'ws', 1)}/realtime?model=gpt-realtime&api-key={quote(FILE_KEY)}"
    offered = ["realtime", f"openai-insecure-api-key.{MINTED}"]
    with contextlib.suppress(InvalidStatus, ConnectionClosed):
        async with connect(url, additional_headers=HEADERS, subprotocols=offered, compression=None) as app:  # type: ignore[arg-type]
            for text in (_UPDATE, json.dumps({"type": "some.event", "key": KEY}), f"no JSON {KEY}"):
                await app.send(text)
                await asyncio.wait_for(app.recv(), DEADLINE)
    async with httpx2.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        for path in ("/realtime/client_secrets", f"/realtime?token={KEY}"):
            with contextlib.suppress(httpx2.HTTPError):
                await client.post(base + path, json={"key": KEY}, headers=HEADERS)


@DEBUG
@pytest.mark.parametrize("place", ["url", "real", "refused", "dead"])
async def test_no_secret_of_an_app_leaves_a_proxy_in_a_pipe(place: str, debug: str, tmp_path: Path) -> None:
    """But on stdout, which is the wire."""
    prepare(tmp_path)
    async with addresses(tmp_path) as places:
        options = ("--to", places[place], "--record", "proxied", "--fault", "event=some.event:duplicate")
        async with running(*options, environ=surroundings(tmp_path, debug), cwd=tmp_path) as proxy:
            assert proxy.process.stdin is not None
            proxy.process.stdin.write(b"/drop > other.event\n/hold > another.event\n")
            await use(proxy.base)
            proxy.process.stdin.write(
                b"/connections\n/show 1 --full\n/grep canary\n/why\n/history\n/status\n/session\n"
            )
            proxy.process.stdin.write(b"/session\n/export md x.md\n/check\n/quit\n")
            _, err = await asyncio.wait_for(proxy.process.communicate(), DEADLINE)

    looked_at = {**written(tmp_path), "stderr": err.decode()}
    assert {where: found for where, text in looked_at.items() if (found := leaks(text))} == {}
    recorded = [name for name in looked_at if name.startswith("proxied/")]
    assert bool(recorded) == (place in ("url", "real"))


@pytest.mark.terminal
@DEBUG
async def test_no_secret_of_an_app_leaves_a_proxy_at_a_prompt(debug: str, tmp_path: Path) -> None:
    """Every byte that the terminal got, the recording, the history and whatever else was written."""
    prepare(tmp_path)
    words = (sys.executable, "-m", "rtcli", "proxy", "--listen", "127.0.0.1:0", "--events", "all", "--to")
    async with addresses(tmp_path) as places:

        def begin(terminal: Terminal) -> str:
            terminal.wait_for("give an app")
            return next(word for word in terminal.text().split() if word.startswith("http://"))

        def end(terminal: Terminal) -> None:
            terminal.wait_for("some.event")
            terminal.wait_for("connection closed")
            for line in ("/connections", "/show 2", "/history", "/grep canary", '/inject > {"type":"x"}', "/quit"):
                terminal.send(f"{line}\r")
            terminal.wait_exit()

        with Terminal([*words, places["url"]], environ=surroundings(tmp_path, debug), cwd=tmp_path) as terminal:
            base = await asyncio.to_thread(begin, terminal)
            await use(base)
            await asyncio.to_thread(end, terminal)

    looked_at = {**written(tmp_path), "terminal": terminal.raw.decode(errors="replace"), "screen": terminal.text()}
    assert {where: found for where, text in looked_at.items() if (found := leaks(text))} == {}
    assert any(name.startswith("xdg/rtcli/recordings") for name in looked_at)
