"""Faults as a client meets them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtcli.server import RealtimeServer
from tests.kit.waiting import DEADLINE
from tests.server.client import MODEL, Client, dial, said, session

TEXT: dict[str, Any] = {"output_modalities": ["text"]}


def faulty(*faults: str) -> RealtimeServer:
    return RealtimeServer(pace=0, voice="tone", faults=faults)


async def test_a_close_with_a_code() -> None:
    """Before the event that sets it off."""
    async with faulty("event=response.output_text.delta@2:close=1013") as server, session(server, **TEXT) as client:
        await client.say("Count to 9")
        code, _ = await client.closed()

    assert code == 1013
    assert client.types().count("response.output_text.delta") == 1


async def test_a_close_after_a_time() -> None:
    """Nothing has to be sent for it."""
    async with faulty("after=20ms:close=4001") as server, dial(server) as client:
        assert (await client.closed())[0] == 4001


async def test_a_drop_has_no_close_frame() -> None:
    """The client sees 1006."""
    async with faulty("n=3:drop") as server, dial(server) as client:
        await client.say("Hello")
        code, _ = await client.closed()

    assert code in (0, 1006)
    assert len(client.seen) == 2


@pytest.mark.parametrize("what", ["stall=300ms", "delay=300ms"])
async def test_a_pause_before_an_event(what: str) -> None:
    """What comes before it comes at once, and the rest comes later, whole."""
    async with faulty(f"event=response.done:{what}") as server, session(server, **TEXT) as client:
        began = time.monotonic()
        await client.say("Hello")
        await client.until("rate_limits.updated")
        types = client.types()

    assert time.monotonic() - began >= 0.3
    assert types.index("response.output_item.done") < types.index("response.done")


async def test_an_event_twice() -> None:
    """The same frame, with the same event_id."""
    async with faulty("event=response.created:duplicate") as server, session(server, **TEXT) as client:
        await client.ask("Hello")
        created = [event for event in client.seen if event["type"] == "response.created"]

    assert len(created) == 2
    assert created[0] == created[1]


async def test_a_frame_that_is_cut_off() -> None:
    """It is not JSON; the event itself follows."""
    async with faulty("n=1:malformed") as server, connect(server.url + MODEL) as connection:
        broken = await asyncio.wait_for(connection.recv(), DEADLINE)
        whole = await asyncio.wait_for(connection.recv(), DEADLINE)

    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    assert json.loads(whole)["type"] == "session.created"


async def test_an_error_out_of_nothing() -> None:
    """With the code that was asked for; the session goes on."""
    async with faulty("event=response.created:error=boom") as server, session(server, **TEXT) as client:
        answer = await client.ask("Say: unharmed")
        (error,) = [event["error"] for event in client.seen if event["type"] == "error"]

    assert (error["type"], error["code"], error["event_id"]) == ("server_error", "boom", None)
    assert said(answer) == "unharmed"


async def test_an_early_expiry() -> None:
    """session_expired, then 1001."""
    async with faulty("event=response.created:expire") as server, session(server, **TEXT) as client:
        await client.say("Hello")
        code, reason = await client.closed()

    assert client.seen[-1]["error"]["code"] == "session_expired"
    assert (code, reason) == (1001, "Your session hit the maximum duration of 60 minutes.")


async def test_a_quota_that_runs_out_during_a_session() -> None:
    """What was answered was answered; the next fails."""
    async with faulty("event=response.done:quota") as server, session(server, **TEXT) as client:
        first, second = await client.ask("Hello"), await client.ask("Hello")

    assert [first["status"], second["status"]] == ["completed", "failed"]


async def test_an_upgrade_that_is_refused() -> None:
    """With the status that was asked for."""
    async with faulty("connect:http=503") as server:
        with pytest.raises(InvalidStatus) as caught:
            async with dial(server):
                pass

    assert caught.value.response.status_code == 503


# what the client sends ------------------------------------------------------------------------------------------------


async def test_an_event_of_the_client_handled_late() -> None:
    """Not before the delay is over, and then as ever."""
    loop = asyncio.get_running_loop()
    async with faulty("event=>response.create:delay=300ms") as server, session(server, **TEXT) as client:
        before = loop.time()
        answer = await client.ask("Hello")

        assert loop.time() - before >= 0.3
    assert said(answer).startswith("Hello")


async def test_an_event_of_the_client_handled_twice() -> None:
    """The second response is refused: the first one is in progress."""
    async with faulty("event=>response.create:duplicate") as server, session(server, **TEXT) as client:
        await client.ask("Hello")
        codes = [event["error"]["code"] for event in client.seen if event["type"] == "error"]

    assert codes == ["conversation_already_has_active_response"]


async def test_half_an_event_of_the_client() -> None:
    """The error is that of half a frame; the whole event is answered."""
    async with faulty("event=>response.create:malformed") as server, session(server, **TEXT) as client:
        answer = await client.ask("Say: unharmed")
        codes = [event["error"]["code"] for event in client.seen if event["type"] == "error"]

    assert codes == ["invalid_json"]
    assert said(answer) == "unharmed"


@pytest.mark.parametrize(("what", "code"), [("close=4001", 4001), ("drop", 1006), ("expire", 1001)])
async def test_an_event_of_the_client_that_ends_the_connection(what: str, code: int) -> None:
    """Nothing is sent for that event any more."""
    async with faulty(f"n=>2:{what}") as server, dial(server) as client:
        await client.send("session.update", session={"type": "realtime"})
        await client.until("session.updated")
        await client.send("session.update", session={"type": "realtime", "instructions": "too late"})

        assert (await client.closed())[0] == code
    assert client.types().count("session.updated") == 1


# in scripts -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def scripted(folder: Path, fault: str) -> AsyncIterator[Client]:
    """A session that wrote "one ", meets a fault, and goes on to "two" if it can."""
    script = folder / "script.json"
    script.write_text(json.dumps([{"reply": [{"text": "one "}, {"fault": fault}, {"text": "two"}]}]))
    async with RealtimeServer(pace=0, voice="tone", script=script) as server, session(server, **TEXT) as client:
        yield client


@pytest.mark.parametrize(
    ("fault", "ends"),
    [("close", (1011, "fault")), ("close=4001", (4001, "fault")), ("drop", (1006, "")), ("expire", None)],
)
async def test_a_script_can_end_the_connection(tmp_path: Path, fault: str, ends: tuple[int, str] | None) -> None:
    """After the words that came before, with a code or without one, or as an expiry."""
    async with scripted(tmp_path, fault) as client:
        await client.say("Hello")
        ended = await client.closed()
        said_before = [event["delta"] for event in client.seen if event["type"] == "response.output_text.delta"]

    assert said_before == ["one "]
    assert ended == (ends or (1001, client.seen[-1]["error"]["message"]))


@pytest.mark.parametrize("fault", ["stall=300ms", "delay=300ms"])
async def test_a_script_can_hold_up_what_follows(tmp_path: Path, fault: str) -> None:
    """The words before it are there at once, those after it later."""
    async with scripted(tmp_path, fault) as client:
        began = time.monotonic()
        await client.say("Hello")

        assert said((await client.until("response.done"))["response"]) == "one two"
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("fault", ["duplicate", "error=boom", "quota"])
async def test_a_script_can_disturb_a_session_that_goes_on(tmp_path: Path, fault: str) -> None:
    """The next event twice, an error, or every later response failed."""
    async with scripted(tmp_path, fault) as client:
        first = await client.ask("Hello")
        deltas = [event["delta"] for event in client.seen if event["type"] == "response.output_text.delta"]
        errors = [event["error"]["code"] for event in client.seen if event["type"] == "error"]
        second = await client.ask("Hello")

    assert said(first) == "one two"
    assert deltas == (["one ", "two", "two"] if fault == "duplicate" else ["one ", "two"])
    assert errors == (["boom"] if fault == "error=boom" else [])
    assert second["status"] == ("failed" if fault == "quota" else "completed")


async def test_a_script_can_send_half_a_frame(tmp_path: Path) -> None:
    """It is not JSON, and the rest follows."""
    async with scripted(tmp_path, "malformed") as client:
        await client.say("Hello")
        with pytest.raises(json.JSONDecodeError):
            await client.until("response.done")

        assert said((await client.until("response.done"))["response"]) == "one two"


@pytest.mark.parametrize("when", ["connect", "after=1ms"])
async def test_a_duplicate_that_no_event_sets_off_is_of_the_next(when: str) -> None:
    """As in a script."""
    async with faulty(f"{when}:duplicate") as server, dial(server) as client:
        async with asyncio.timeout(DEADLINE):
            while len(client.seen) == len({event["event_id"] for event in client.seen}):
                await client.ask("Hello")
        await client.ask("Hello")
        ids = [event["event_id"] for event in client.seen]

    assert len(ids) == len(set(ids)) + 1
