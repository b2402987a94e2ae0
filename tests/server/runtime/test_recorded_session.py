"""`RealtimeServer(recording=FILE)`: who sends what was sent gets what was received, and who does not is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtcli.errors import InputError, UsageError
from rtcli.protocol.audio_formats import encode_base64
from rtcli.server import RealtimeServer
from tests.kit.waiting import DEADLINE, until

CREATED = {"type": "session.created", "event_id": "e1", "session": {"id": "sess_1", "expires_at": 1_000_000_600}}
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


def written(path: Path, *lines: Mapping[str, Any], started: str = "2001-09-09T01:46:40+00:00") -> Path:
    """A recording with these lines, ten milliseconds apart."""
    header = {"rtcli": {"recording": 1, "version": "1", "started": started, "command": "chat"}}
    timed = [{"t": number / 100, **line} for number, line in enumerate(lines)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (header, *timed)), encoding="utf-8")
    return path


def got(event: Mapping[str, Any], **about: Any) -> dict[str, Any]:
    return {"dir": "<", **about, "event": event}


def sent(event: Mapping[str, Any], **about: Any) -> dict[str, Any]:
    return {"dir": ">", **about, "event": event}


def append(milliseconds: float) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": encode_base64(bytes(int(milliseconds * 48)))}


def serving(*lines: Mapping[str, Any], path: Path, **options: Any) -> RealtimeServer:
    return RealtimeServer(recording=written(path / "made.ndjson", *lines), **{"pace": 0, **options})


async def send(client: ClientConnection, *events: Mapping[str, Any]) -> None:
    for event in events:
        await client.send(json.dumps(event))


async def next_of(client: ClientConnection) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(await asyncio.wait_for(client.recv(), DEADLINE))
    return event


async def told(server: RealtimeServer) -> str:
    """The mismatch that the server has found."""
    await until(lambda: server.mismatches)
    return str(server.mismatches[0])


async def test_the_session_begins_whoever_speaks_first(tmp_path: Path) -> None:
    """rtcli updates the session before it is created; other clients wait for it. Neither model nor key matters."""
    update = {"type": "session.update", "session": {"type": "realtime"}}
    async with (
        serving(sent(update), got(CREATED), got({"type": "session.updated"}), path=tmp_path) as server,
        connect(f"{server.url}?model=any-model-at-all") as client,
    ):
        assert (await next_of(client))["type"] == "session.created"
        await send(client, update)
        assert (await next_of(client))["type"] == "session.updated"


async def test_a_session_ends_as_late_as_it_did_then(tmp_path: Path) -> None:
    """Else a client would take it for expired."""
    async with (
        serving(got(CREATED), path=tmp_path, voice="tone") as server,
        connect(server.url) as client,
    ):
        created = await next_of(client)
    assert abs(created["session"]["expires_at"] - time.time() - 600) < DEADLINE
    assert {**created, "session": CREATED["session"]} == CREATED


async def test_audio_is_matched_by_milliseconds(tmp_path: Path) -> None:
    """What was said after 300 ms is said after 300 ms, however they are cut, and in whatever format."""
    started, stopped = {"type": "input_audio_buffer.speech_started"}, {"type": "input_audio_buffer.speech_stopped"}
    update = {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}}
    marker = {"type": "response.cancel"}
    lines = [got(CREATED), sent(append(200)), sent(append(100)), got(started), sent(append(700)), got(stopped)]
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        await next_of(client)
        await send(client, append(299), marker)
        assert (await next_of(client))["type"] == "error", "the marker, and nothing before it"
        await send(client, append(1))
        assert await next_of(client) == started
        await send(client, *[append(20)] * 35)
        assert await next_of(client) == stopped

    u_law = {"type": "input_audio_buffer.append", "audio": encode_base64(bytes(8 * 300))}
    async with (
        serving(got(CREATED), sent(update), sent(u_law), got(started), path=tmp_path) as server,
        connect(server.url) as client,
    ):
        await next_of(client)
        await send(client, update, u_law)
        assert await next_of(client) == started
    assert server.mismatches == []


async def test_a_commit_of_other_audio_is_a_mismatch_and_is_answered(tmp_path: Path) -> None:
    commit, committed = {"type": "input_audio_buffer.commit"}, {"type": "input_audio_buffer.committed"}
    lines = [sent(append(500)), sent({**commit, "event_id": "a"}), got(committed)]
    async with serving(*lines, *lines, path=tmp_path) as server, connect(server.url) as client:
        await send(client, append(490), commit)
        assert await next_of(client) == committed
        assert server.mismatches == [], "a resampler may keep a little back"
        await send(client, append(250), commit)
        assert await next_of(client) == committed
        assert await told(server) == (
            "event 2 of the client is not #5 input_audio_buffer.commit\n"
            '  audio before it\n    - "500 ms"\n    + "250 ms"'
        )


async def test_ids_of_the_client_are_its_own(tmp_path: Path) -> None:
    """It is answered with those that it gave; those of the server have to be the recorded ones."""
    create = {"type": "conversation.item.create", "event_id": "then", "item": {**ITEM, "id": "mine_then"}}
    added = {"type": "conversation.item.added", "previous_item_id": None, "item": {**ITEM, "id": "mine_then"}}
    after = {**create, "event_id": "later", "previous_item_id": "mine_then", "item": ITEM}
    reply = {**added, "previous_item_id": "mine_then", "item": {**ITEM, "id": "item_server"}}
    refused = {"type": "error", "error": {"code": "x", "event_id": "then"}}
    delete = {"type": "conversation.item.delete", "item_id": "item_server"}
    lines = [sent(create), got(added), got(refused), sent(after), got(reply), sent(delete), got({"type": "end"})]
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        await send(client, {**create, "event_id": "now", "item": {**ITEM, "id": "mine_now"}})
        assert (await next_of(client))["item"]["id"] == "mine_now"
        assert (await next_of(client))["error"] == {"code": "x", "event_id": "now"}
        await send(client, {**after, "previous_item_id": "mine_now"})
        assert (await next_of(client)) == {**reply, "previous_item_id": "mine_now"}
        assert server.mismatches == []
        await send(client, {**delete, "item_id": "item_other"})
        assert await told(server) == (
            "event 3 of the client is not #6 conversation.item.delete\n"
            '  item_id\n    - "item_server"\n    + "item_other"'
        )


TRUNCATED = {"type": "conversation.item.truncated", "item_id": "item_a", "content_index": 0, "audio_end_ms": 700}
RETRIEVE = {"type": "conversation.item.retrieve", "item_id": "item_a"}
RETRIEVED = {"type": "conversation.item.retrieved", "item": {"id": "item_a", "status": "incomplete"}}
ADDED = {"type": "conversation.item.added", "item": {"id": "item_a", "status": "in_progress"}}
TRUNCATE = {**TRUNCATED, "type": "conversation.item.truncate"}
LAST = {"type": "rate_limits.updated"}


async def test_ids_may_be_left_to_the_server_and_stand_wherever_a_response_gets_items(tmp_path: Path) -> None:
    """What else is called id, a prompt's, is the client's word."""
    given = {"type": "response.create", "response": {"prompt": {"id": "pmpt_1"}, "input": [{**ITEM, "id": "mine"}]}}
    again = {"type": "response.create", "response": {"prompt": {"id": "pmpt_1"}, "input": [{**ITEM, "id": "yours"}]}}
    other = {"type": "response.create", "response": {"prompt": {"id": "pmpt_2"}, "input": [ITEM]}}
    create = {"type": "conversation.item.create", "item": {**ITEM, "id": "item_of_mine"}}
    lines = [got(CREATED), sent(create), sent(given), sent(given), got({"type": "response.created"})]
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        await send(client, {"type": "conversation.item.create", "item": ITEM}, again, other)

        assert (await told(server)).splitlines()[1:] == [
            "  response.prompt.id",
            '    - "pmpt_1"',
            '    + "pmpt_2"',
        ]


@pytest.mark.parametrize("retrieves", [True, False])
@pytest.mark.parametrize("recorded", [True, False])
async def test_automatic_retrieves_are_not_expected(tmp_path: Path, retrieves: bool, recorded: bool) -> None:
    """A client that retrieves is answered, also where the recorded one did not; one that does not misses nothing else.

    Where an item was cut is said by the client.
    """
    asked = [sent(RETRIEVE, n=5, by="#4 conversation.item.truncated"), got(RETRIEVED, n=6, parent=5)]
    lines = [got(CREATED), got(ADDED), sent(TRUNCATE), got(TRUNCATED), *(asked if recorded else []), got(LAST)]
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        assert [await next_of(client), await next_of(client)][1] == ADDED
        await send(client, {**TRUNCATE, "audio_end_ms": 650})
        assert await next_of(client) == {**TRUNCATED, "audio_end_ms": 650}
        if retrieves:
            await send(client, RETRIEVE)
        answers = [await next_of(client) for _ in range(1 + retrieves)]
    assert LAST in answers
    if retrieves:
        answer = next(one for one in answers if one != LAST)
        assert answer["type"] == "conversation.item.retrieved"
        assert answer["item"] == (RETRIEVED if recorded else ADDED)["item"]
    assert server.mismatches == []


async def test_updates_of_other_settings_and_of_tracing_may_come_in_any_order(tmp_path: Path) -> None:
    """The official client sends tracing by itself, as soon as it has read the first event; nothing else may move."""
    config = {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}
    tracing = {"type": "session.update", "session": {"type": "realtime", "tracing": "auto"}}
    lines = [got(CREATED), sent(config), sent(TRUNCATE), sent(tracing), got(LAST), sent(RETRIEVE), sent(config)]
    orders: list[list[Mapping[str, Any]]] = [
        [tracing, config, TRUNCATE],
        [config, TRUNCATE, tracing],
        [config, tracing, TRUNCATE],
    ]
    for order in orders:
        async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
            await next_of(client)
            await send(client, *order)
            assert await next_of(client) == LAST
            assert server.mismatches == []
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        await send(client, TRUNCATE)
        assert (await told(server)).startswith("event 1 of the client is not #2 session.update\n")


async def test_a_retrieve_of_the_user_is_expected(tmp_path: Path) -> None:
    lines = [got(CREATED), got(ADDED), sent(RETRIEVE, by="/item item_a"), got(RETRIEVED), sent(TRUNCATE)]
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        await send(client, TRUNCATE)
        assert (await told(server)).startswith("event 1 of the client is not #3 conversation.item.retrieve\n")


async def test_the_first_mismatch_is_told_and_the_client_goes_on(tmp_path: Path) -> None:
    """An event without an answer is refused; what comes after it is answered as it was."""
    create = {"type": "response.create"}
    lines = [got(CREATED), sent(create), got(LAST), sent(TRUNCATE), got(TRUNCATED)]
    async with serving(*lines, path=tmp_path) as server, connect(server.url) as client:
        await next_of(client)
        await send(client, {"type": "response.cancel", "event_id": "odd"}, {"type": "conversation.item.delete"})
        refused = (await next_of(client))["error"]
        assert (refused["code"], refused["event_id"]) == ("not_in_recording", "odd")
        assert "response.cancel: event 1 of the client is not #2 response.create" in refused["message"]
        assert (await next_of(client))["type"] == "error"
        await send(client, create, TRUNCATE)
        assert [await next_of(client), await next_of(client)] == [LAST, TRUNCATED]
    (mismatch,) = server.mismatches
    assert str(mismatch) == (
        "event 1 of the client is not #2 response.create\n"
        '    - {"type":"response.create"}\n    + {"type":"response.cancel","event_id":"odd"}'
    )


async def test_a_client_that_leaves_too_early_is_told(tmp_path: Path) -> None:
    async with serving(got(CREATED), sent(RETRIEVE), sent(TRUNCATE), path=tmp_path) as server:
        async with connect(server.url) as client:
            await next_of(client)
            await send(client, RETRIEVE)
        assert await told(server) == "the client never sent\n  #3 conversation.item.truncate"


async def test_a_connection_that_broke_breaks_again_and_the_next_is_the_one_that_followed(tmp_path: Path) -> None:
    """With its close frame, or without one; a client that comes later begins anew."""
    first = [got(CREATED), sent(RETRIEVE), {"connection": "lost", "code": 1011, "reason": "down"}]
    second = [got(ADDED), sent(RETRIEVE), {"connection": "lost"}]
    async with serving(*first, *second, got(LAST), path=tmp_path) as server:
        for expected, code in ((CREATED["type"], 1011), (ADDED["type"], 1006), (LAST["type"], 1000)):
            async with connect(server.url) as client:
                assert (await next_of(client))["type"] == expected
                if code != 1000:
                    await send(client, RETRIEVE)
                    with pytest.raises(ConnectionClosed):
                        await client.recv()
            assert client.close_code == code
        async with connect(server.url) as client:
            assert (await next_of(client))["type"] == CREATED["type"]
            await send(client, RETRIEVE)
    assert server.mismatches == []


async def test_what_is_not_an_event_is_sent_as_it_stood(tmp_path: Path) -> None:
    broken = [
        {"dir": "<", "frame": "no JSON", "problem": "not JSON"},
        {"dir": "<", "frame_base64": "/w==", "problem": "x"},
    ]
    odd = {"dir": ">", "frame": "neither", "problem": "not JSON"}
    async with serving(*broken, odd, got(LAST), path=tmp_path) as server, connect(server.url) as client:
        assert [await client.recv(), await client.recv()] == ["no JSON", b"\xff"]
        await client.send("neither")
        assert await next_of(client) == LAST
    assert server.mismatches == []


async def test_faults_come_on_top(tmp_path: Path) -> None:
    """Also those of the client's direction; a client that is cut off has left out nothing."""
    done = {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": [{}]}}
    lines = [got(CREATED), sent(RETRIEVE), got({"type": "response.created"}), got(ADDED), got(done), sent(TRUNCATE)]
    async with serving(*lines, path=tmp_path, faults=["event=conversation.item.added:close=1013"]) as server:
        async with connect(server.url) as client:
            await send(client, RETRIEVE)
            assert [(await next_of(client))["type"] for _ in range(2)] == ["session.created", "response.created"]
            with pytest.raises(ConnectionClosed):
                await client.recv()
        assert client.close_code == 1013
    async with (
        serving(*lines, path=tmp_path, faults=["connect:quota", "n=3:duplicate"]) as server,
        connect(server.url) as client,
    ):
        await send(client, RETRIEVE)
        events = [await next_of(client) for _ in range(5)]
        await send(client, TRUNCATE)
    assert [event["type"] for event in events] == [
        "session.created",
        "response.created",
        *["conversation.item.added"] * 2,
        "response.done",
    ]
    assert events[-1]["response"]["status_details"]["error"]["code"] == "insufficient_quota"
    assert server.mismatches == []


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "it is empty"), ('{"t":0,"did":"x"}\n', "it has no frames to serve"), ("no", "not a recording")],
)
def test_a_file_that_cannot_be_served_is_named(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "odd.ndjson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words) as raised:
        RealtimeServer(recording=path)
    assert "odd.ndjson" in str(raised.value)


def test_a_recording_excludes_a_script(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        RealtimeServer(recording=tmp_path / "a", script=tmp_path / "b")
