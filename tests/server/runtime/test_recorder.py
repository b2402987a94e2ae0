"""`RealtimeServer(record=FOLDER)`: every connection becomes a recording, as its client would have made it."""

from __future__ import annotations

import json
from pathlib import Path

from websockets.asyncio.client import connect

from rtcli.protocol.record import Connected, Connection, Frame, Record
from rtcli.protocol.record_lines import record_line
from rtcli.recording.reader import open_recording
from rtcli.server import RealtimeServer
from tests.kit.sessions import session_on
from tests.kit.twin import Twin
from tests.kit.waiting import until


def read(folder: Path) -> list[list[Record]]:
    found = []
    for path in sorted(folder.glob("*.ndjson")):
        with open_recording(str(path)) as reader:
            records = list(reader)
            assert reader.header is not None and reader.header.command == "serve" and reader.notes == ()
            found.append(records)
    return found


def frames(records: list[Record]) -> list[Frame]:
    return [record for record in records if isinstance(record, Frame)]


async def test_it_has_what_the_client_sent_and_got(tmp_path: Path) -> None:
    """The same frames as in the client's own recording; only what crossed on the way may have another order."""
    async with RealtimeServer(pace=0, voice="tone", record=tmp_path) as server:
        async with session_on(f"{server.url}?model=gpt-realtime-2.1") as live:
            twin = Twin(live.session)
            before = len(live.session.state.log)
            await live.run("hello")
            await live.idle()
        await until(lambda: list(tmp_path.glob("*.ndjson")) and _ended(read(tmp_path)[0]))

    (records,) = read(tmp_path)
    theirs = [frame for frame in frames(records) if frame.number > before]
    ours = [json.loads(line) for line in twin.lines if '"dir":' in line]
    for direction in "<>":
        sent = [frame.event for frame in theirs if frame.direction == direction]
        assert sent == [line["event"] for line in ours if line["dir"] == direction] and sent
    created = next(frame for frame in theirs if frame.event and frame.event["type"] == "response.created")
    asked = next(frame for frame in theirs if frame.event and frame.event["type"] == "response.create")
    assert created.parent == asked.number


def _ended(records: list[Record]) -> bool:
    return any(isinstance(record, Connection) and record.state is not Connected.OPEN for record in records)


async def test_odd_messages_and_how_it_ended_are_there(tmp_path: Path) -> None:
    async with RealtimeServer(pace=0, voice="tone", record=tmp_path, key="k-local-secret") as server:
        async with connect(
            f"{server.url}?model=gpt-realtime-2.1", additional_headers={"Authorization": "Bearer k-local-secret"}
        ) as client:
            await client.recv()
            await client.send("no JSON, k-local-secret")
            await client.send(b"\xff")
            await client.recv()
            await client.recv()
            client.transport.abort()
        async with connect(
            f"{server.url}?model=gpt-realtime-2.1", additional_headers={"Authorization": "Bearer wrong"}
        ) as client:
            await client.recv()
            await client.wait_closed()
        await until(lambda: len(list(tmp_path.glob("*.ndjson"))) == 2 and all(map(_ended, read(tmp_path))))

    recordings = read(tmp_path)
    lost = next(one for one in recordings if len(frames(one)) > 1)
    refused = next(one for one in recordings if len(frames(one)) == 1)
    assert [frame.problem != "" for frame in frames(lost)] == [False, True, True, False, False] or [
        frame.problem != "" for frame in frames(lost)
    ] == [False, True, False, True, False]
    assert [one.state for one in lost if isinstance(one, Connection)] == [Connected.OPEN, Connected.LOST]
    ended = [one for one in refused if isinstance(one, Connection)]
    assert ended[-1].state is Connected.CLOSED and ended[-1].code == 3000
    assert all("k-local-secret" not in path.read_text(encoding="utf-8") for path in tmp_path.glob("*.ndjson"))
    assert json.loads(record_line(frames(lost)[0]))["event"]["type"] == "session.created"


async def test_a_folder_that_takes_no_file_costs_no_session_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    nowhere = tmp_path / "file" / "folder"
    told: list[str] = []
    async with RealtimeServer(pace=0, voice="tone", record=nowhere) as server:
        server.on_problem = told.append
        async with connect(f"{server.url}?model=gpt-realtime-2.1") as client:
            assert json.loads(await client.recv())["type"] == "session.created"

    assert len(told) == 1 and told[0].startswith(f"a connection is not recorded: {nowhere}: ")
