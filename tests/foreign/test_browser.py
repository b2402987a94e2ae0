"""The official SDK's bundle for browsers, unmodified, in Chromium: its calls to this server, where only loopback is.

The page is the tests' own, at an origin of its own; what it hears is measured in it. `-rP` shows what each was told.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import pytest

from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.server import RealtimeServer
from tests.kit.browser import Chromium
from tests.kit.calls import needs_webrtc
from tests.kit.foreign import UnavailableError, foreign_node_modules
from tests.kit.network import loopback_alone
from tests.kit.waiting import DEADLINE, until
from tests.kit.webhooks import application
from tests.server.client import dial

if TYPE_CHECKING:
    from playwright.async_api import Page

__all__ = ["loopback_alone"]

# In a network with loopback alone Chromium has no address to call from, unless it may use that one.
FLAGS = ("--allow-loopback-in-peer-connection",)
pytestmark = [
    pytest.mark.foreign,
    needs_webrtc,
    pytest.mark.usefixtures("loopback_alone"),
    pytest.mark.parametrize("browser", [FLAGS], indirect=True),
]

PAGE = Path(__file__).with_name("call_page.html")
BUNDLE = "node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js"
KEY = "sk-right-0123456789"
LOUD, QUIET = 0.02, 0.002  # root mean squares of what the page hears


@pytest.fixture(scope="module")
def bundle() -> bytes:
    try:
        return (foreign_node_modules() / BUNDLE).read_bytes()
    except UnavailableError as reason:
        pytest.skip(str(reason))


class Caller:
    """A page that has loaded the SDK, and the server that it calls."""

    def __init__(self, page: Page, server: RealtimeServer) -> None:
        self.page, self.server = page, server
        self.api = server.url.replace("ws", "http", 1)

    async def run(self, script: str, *arguments: Any) -> Any:
        """Run an async function's body in the page; it is given `arguments`."""
        return await self.page.evaluate(f"async (given) => {{ {script} }}", arguments)

    async def secret(self) -> str:
        """A client secret: what a page gets from its own server, which has the key."""
        async with httpx2.AsyncClient(timeout=DEADLINE, headers={"Authorization": f"Bearer {KEY}"}) as client:
            answer = await client.post(f"{self.api}/client_secrets", json={"session": {"type": "realtime"}})
        return str(answer.json()["value"])

    async def hang_up(self, call_id: str) -> int:
        async with httpx2.AsyncClient(timeout=DEADLINE, headers={"Authorization": f"Bearer {KEY}"}) as client:
            return (await client.post(f"{self.api}/calls/{call_id}/hangup")).status_code

    async def told(self) -> list[tuple[int, str, dict[str, Any]]]:
        """What the page was told, in order; it is printed too, for a report."""
        told: list[tuple[int, str, dict[str, Any]]] = await self.page.evaluate("told")
        for at, type_, details in told:
            print(f"{at:6} ms  {type_}  {json.dumps(details) if details else ''}")  # noqa: T201
        return told


@asynccontextmanager
async def calling_page(browser: Chromium, bundle: bytes) -> AsyncIterator[Caller]:
    """A page of an origin that the server allows; nothing is called yet."""
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(application())

        async def serve(request: HttpRequest) -> HttpResponse:
            if request.target == "/agents.js":
                return HttpResponse(200, {"Content-Type": "text/javascript"}, bundle)
            return HttpResponse(200, {"Content-Type": "text/html"}, PAGE.read_bytes())

        app.respond = serve
        parts = urlsplit(app.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        server = await stack.enter_async_context(RealtimeServer(voice="tone", key=KEY, allow_origin=[origin]))
        page = await browser.page()
        page.set_default_timeout(DEADLINE * 1000)
        await page.goto(f"{origin}/")
        yield Caller(page, server)


def times(told: list[tuple[int, str, dict[str, Any]]], type_: str) -> int:
    """When that came first."""
    return next(at for at, one, _details in told if one == type_)


async def test_a_conversation(browser: Chromium, bundle: bytes) -> None:
    """Connect, greeting heard, an answer interrupted where it was heard, another by speech, and the page leaves."""
    async with calling_page(browser, bundle) as caller:
        connected = await caller.run("return connect(...given)", caller.api, await caller.secret())
        assert connected["status"] == "connected"
        assert caller.server.calls == (connected["callId"],)

        greeting = await caller.run(
            """const stopped = next("output_audio_buffer.stopped");
            transport.sendMessage("hello there", {});
            await next("output_audio_buffer.started");
            const loud = await loudest(600);
            await stopped;
            await loudest(300); // what is still on its way
            return {loud, after: await loudest(200)};"""
        )
        assert greeting["loud"] > LOUD
        assert greeting["after"] < QUIET

        cut = await caller.run(
            """transport.sendMessage("Please count to 100.", {});
            const [started] = await next("output_audio_buffer.started");
            await until(() => level() > 0.01, "the answer");
            const heard = performance.now();
            await loudest(700);
            const cleared = next("output_audio_buffer.cleared"), truncated = next("conversation.item.truncated");
            const least = performance.now() - heard;
            transport.interrupt();
            await cleared;
            const [at, , {audio_end_ms}] = await truncated;
            await loudest(300);
            return {least, most: at - started, audio_end_ms, after: await loudest(300)};"""
        )
        # Heard was no more than what had been played, and played no more than the time that it took: but for what
        # Chromium makes up where a packet is late, and for when the page comes to read an event.
        assert cut["least"] - 250 <= cut["audio_end_ms"] <= cut["most"] + 500
        assert cut["after"] < QUIET

        barge_in = await caller.run(
            """transport.sendMessage("Please count to 100 again.", {});
            await next("output_audio_buffer.started");
            await until(() => level() > 0.01, "the answer");
            const before = told.length, cleared = next("output_audio_buffer.cleared");
            transport.mute(false);
            await cleared;
            const [, , {audio_end_ms}] = await until(() => told.slice(before).some(([, type]) =>
              type === "conversation.item.truncated"), "the cut").then(() => last("conversation.item.truncated"));
            transport.mute(true);
            return {audio_end_ms, types: told.slice(before).map(([, type]) => type)};"""
        )
        order = ["input_audio_buffer.speech_started", "output_audio_buffer.cleared", "conversation.item.truncated"]
        assert [type_ for type_ in barge_in["types"] if type_ in order][:3] == order
        assert barge_in["audio_end_ms"] > 0

        print(await caller.run("return figures()"))  # noqa: T201
        await caller.run("transport.close();")
        await until(lambda: not caller.server.sessions, "the end of the session")
        told = await caller.told()

    assert told[-1][1] == "disconnected"
    assert "transport error" not in {type_ for _at, type_, _details in told}


async def test_a_session_with_a_tool(browser: Chromium, bundle: bytes) -> None:
    """The SDK's own session on top: its tool is called, its result is spoken, and its history has it all."""
    async with calling_page(browser, bundle) as caller:
        await caller.run("return connectSession(...given)", caller.api, await caller.secret())
        answer = await caller.run(
            """session.sendMessage("What is the weather in Paris?");
            await until(() => count("tool end"), "the end of the tool");
            await until(() => count("output_audio_buffer.started"), "the answer");
            const loud = await loudest(600);
            await until(() => count("output_audio_buffer.stopped"), "the end of the answer");
            return {loud, asked, history: session.history};"""
        )
        await caller.run("session.close();")
        told = await caller.told()

    assert answer["asked"] == [{"city": "Paris"}]
    assert answer["loud"] > LOUD
    kinds = [item["type"] for item in answer["history"]]
    assert kinds == ["message", "function_call", "message"]
    assert answer["history"][1]["output"] == "It is 21 degrees and sunny."
    assert "21 degrees" in json.dumps(answer["history"][2])
    assert not [details for _at, type_, details in told if type_.endswith("error")]


async def test_the_server_ends_the_call(browser: Chromium, bundle: bytes) -> None:
    """By the endpoint, while it speaks: the page is disconnected, and a client that joined is closed."""
    async with calling_page(browser, bundle) as caller:
        call_id = (await caller.run("return connect(...given)", caller.api, await caller.secret()))["callId"]
        headers = {"Authorization": f"Bearer {KEY}"}
        async with dial(caller.server, f"?call_id={call_id}", additional_headers=headers) as sideband:
            await sideband.say("Please count to 100.")
            await sideband.until("output_audio_buffer.started")
            assert await caller.hang_up(call_id) == 200
            code, _reason = await sideband.closed()
            await caller.run('await until(() => count("disconnected"), "the end");')
        told = await caller.told()
        status = await caller.run("return transport.status")

    assert (code, status) == (1000, "disconnected")
    assert times(told, "output_audio_buffer.started") < times(told, "disconnected")
    # The channel was aborted. One that is closed the SDK takes for open, until ten seconds after the peer is silent.
    _at, type_, details = told[-1]
    assert (type_, details) == ("transport error", {"error": "[object RTCErrorEvent]"})
