"""The commands of a proxy: its connections, and what a user does to what passes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection

from rtcli.commands import proxy_registry
from rtcli.errors import UsageError
from rtcli.protocol.record import Frame
from rtcli.server import RealtimeServer
from tests.kit.proxying import Controlled, controlled
from tests.kit.recordings import only_recording, records_of
from tests.kit.waiting import DEADLINE, until


def app(user: Controlled, name: str = "my app/1") -> connect:
    return connect(user.url, user_agent_header=name, compression=None)


async def got(connection: ClientConnection) -> str:
    return str(await asyncio.wait_for(connection.recv(), DEADLINE))


async def test_connections_are_listed_and_one_is_used() -> None:
    async with controlled() as user:
        assert "no app has connected" in await user.said("/connections")
        async with app(user, "first/1") as one, app(user, "second/2"):
            await user.connected(2)
            await one.send('{"type":"a"}')
            await got(one)
            listed = (await user.said("/connections")).splitlines()
            assert [line.split()[:3] for line in listed[1:]] == [["1", "first/1", "m"], ["*2", "second/2", "m"]]
            assert "open" in listed[1]

            assert "[1] first/1" in await user.said("/use 1")
            await until(lambda: user.frames(1))
            assert '"a"' in await user.said("/show 1")
            with pytest.raises(UsageError, match="connection 7 does not exist"):
                await user.run("/use 7")
            assert "[2]" in await user.said("/use")
        await until(lambda: not user.relay.proxy.links)
        assert "closed with 1000" in await user.said("/connections")


async def test_events_are_injected_both_ways_and_say_so() -> None:
    heard: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            heard.append(message)

    async with controlled(handler) as user, app(user) as connection:
        await user.connected(1)
        said = await user.said('/inject > {"type": "response.cancel"}')
        assert "injected > response.cancel" in said
        await user.run('/inject < {"type":"made.up"}')

        assert await got(connection) == '{"type":"made.up"}'
        await until(lambda: heard == ['{"type": "response.cancel"}'])
        await until(lambda: len(user.frames(1)) == 2)
        assert [(frame.direction.value, frame.cause) for frame in user.frames(1)] == [
            (">", "/inject"),
            ("<", "/inject"),
        ]
        for bad in ("/inject", "/inject {}", '/inject > {"type"', "/inject > {}", "/inject ^ {}"):
            with pytest.raises(Exception, match=r".") as caught:
                await user.run(bad)
            assert "inject" in str(caught.value) or "type" in str(caught.value) or caught.value.__class__.__name__


async def test_a_frame_is_held_changed_and_released_and_its_recording_tells_all_of_it(tmp_path: Path) -> None:
    async with controlled(folder=tmp_path) as user, app(user) as connection:
        assert "held: > a" in await user.said("/hold > a")
        await connection.send('{"type":"before"}')
        await connection.send('{"type":"a","text":"one"}')
        await connection.send('{"type":"behind"}')
        assert await got(connection) == '{"type":"before"}'
        await until(lambda: any("held > a" in told for told in user.told))
        assert "> a" in (await user.said("/connections")).splitlines()[1]

        assert "changed" in await user.said('/edit {"type":"a","text":"two"}')
        assert "1 frame released" in await user.said("/release")

        assert await got(connection) == '{"type":"a","text":"two"}'
        assert await got(connection) == '{"type":"behind"}'
        with pytest.raises(UsageError, match="nothing is held"):
            await user.run("/release")
        with pytest.raises(UsageError, match="nothing is held"):
            await user.run("/edit {}")
        assert "nothing is held" in await user.said("/hold off")

    frames = [record for record in records_of(only_recording(tmp_path)) if isinstance(record, Frame)]
    changed = next(frame for frame in frames if frame.cause == "/edit")
    assert json.loads(changed.was) == {"type": "a", "text": "one"}
    assert changed.event == {"type": "a", "text": "two"}
    assert changed.out is not None
    assert changed.out > changed.at
    behind = next(frame for frame in frames if frame.event == {"type": "behind"})
    assert not behind.was
    assert behind.out is not None
    assert behind.out >= changed.out


async def test_a_held_frame_is_changed_in_the_users_editor() -> None:
    shown: list[str] = []

    async def edit(text: str) -> str | None:
        shown.append(text)
        return text.replace("one", "zwölf") if len(shown) > 1 else None

    async with controlled() as user, app(user) as connection:
        with pytest.raises(UsageError):
            await user.run("/edit")
        await user.run("/hold < a")
        await connection.send('{"type":"a","text":"one"}')
        await until(lambda: any("held < a" in told for told in user.told))
        with pytest.raises(UsageError, match="needs a terminal"):
            await user.run("/edit")
        user.context.edit = edit
        assert "nothing was changed" in await user.said("/edit")
        assert "changed" in await user.said("/edit")
        await user.run("/release")

        assert await got(connection) == '{"type":"a","text":"zwölf"}'
    assert json.loads(shown[0]) == {"type": "a", "text": "one"}
    assert len(shown[0].splitlines()) > 1, "it is laid out to be read"


async def test_what_is_dropped_never_arrives_and_is_marked() -> None:
    async with controlled() as user, app(user) as connection:
        assert "dropped: < *.delta" in await user.said("/drop < *.delta")
        for kind in ("x.delta", "x.done"):
            await connection.send(f'{{"type":"{kind}"}}')
        assert await got(connection) == '{"type":"x.done"}'
        await user.run("/drop off")
        await connection.send('{"type":"x.delta"}')
        assert await got(connection) == '{"type":"x.delta"}'
        await until(lambda: len(user.frames(1)) == 5)
        notes = [getattr(record, "note", "") for _, record, _ in user.seen]
        assert 'dropped < {"type":"x.delta"}' in notes
        with pytest.raises(UsageError):
            await user.run("/drop a=b")


async def test_terms_count_for_apps_that_connect_later() -> None:
    async with controlled() as user:
        await user.run("/drop > a")
        async with app(user) as connection:
            await connection.send('{"type":"a"}')
            await connection.send('{"type":"b"}')
            assert await got(connection) == '{"type":"b"}'


async def test_a_connection_is_closed_on_both_sides_with_a_code() -> None:
    codes: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)

    async with controlled(handler) as user, app(user) as connection:
        await user.connected(1)
        with pytest.raises(UsageError):
            await user.run("/close 1005")
        assert "closed with 4321" in await user.said("/close 4321")
        await asyncio.wait_for(connection.wait_closed(), DEADLINE)
        await until(lambda: codes)
        await until(lambda: not user.relay.proxy.links)
        for line in ("/close", '/inject > {"type":"a"}', "/edit {}", "/release"):
            with pytest.raises(UsageError, match="connection 1 is over"):
                await user.run(line)
    assert (connection.close_code, codes) == (4321, [4321])


async def test_every_command_that_looks_works_on_the_connection_that_is_used(tmp_path: Path) -> None:
    async with RealtimeServer(pace=0, voice="tone") as server:

        async def handler(connection: ServerConnection) -> None:
            async with connect(f"{server.url}?model=gpt-realtime-2.1") as inner:
                pumps = [
                    asyncio.ensure_future(_pump(inner, connection)),
                    asyncio.ensure_future(_pump(connection, inner)),
                ]
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in pumps:
                    pump.cancel()

        async with controlled(handler, folder=tmp_path) as user, app(user) as connection:
            await got(connection)
            message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
            await connection.send(json.dumps({"type": "conversation.item.create", "item": message}))
            await connection.send('{"type":"response.create"}')
            while '"type":"rate_limits' not in await got(connection):
                pass
            await until(lambda: any('"rate_limits' in str(frame.raw) for frame in user.frames(1)))
            expected = {
                "/history": "hello",
                "/stats": "1 turn",
                "/turn": "hello",
                "/usage": "tokens",
                "/limits": "tokens",
                "/why": "response",
                "/grep hello": "match",
                "/last response.done": "completed",
                "/events 1-3": "session.created",
                "/session": "gpt-realtime",
                "/status": "gpt-realtime",
                "/check": "",
                f"/export md {tmp_path / 'x.md'}": "x.md",
                "/help": "/inject",
                "/help proxy": "/hold",
                "/filter error": "error",
                "/item 2": "",
            }
            for line, words in expected.items():
                assert words in await user.said(line), line


async def _pump(source: ClientConnection | ServerConnection, target: ClientConnection | ServerConnection) -> None:
    async for message in source:
        await target.send(message)


@pytest.mark.parametrize("line", ["hello", '{"type":"response.create"}', "//text"])
async def test_the_proxy_says_nothing_of_its_own_by_accident(line: str) -> None:
    async with controlled() as user, app(user):
        with pytest.raises(UsageError, match="the session is the app's") as caught:
            await user.run(line)
        assert "/inject" in caught.value.hint


async def test_before_the_first_app_commands_say_so() -> None:
    async with controlled() as user:
        for line in ("/use", "/close", "/release", '/inject > {"type":"a"}', "/edit {}"):
            with pytest.raises(UsageError, match="no app has connected"):
                await user.run(line)
        assert await user.said("/history") is not None


def test_commands_that_act_on_a_session_are_not_offered() -> None:
    names = set(proxy_registry().names)

    assert {"connections", "use", "inject", "hold", "edit", "release", "drop", "close", "why", "stats"} <= names
    assert not names & {"send", "say", "respond", "mute", "disconnect", "record start"}
