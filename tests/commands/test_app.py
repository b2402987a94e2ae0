"""Commands for the program."""

from __future__ import annotations

import pytest

from rtcli.errors import ExitCode, UsageError
from rtcli.views import Notice, Quit, Table, Text
from tests.kit.sessions import live_session


async def test_help_lists_every_command_by_topic() -> None:
    """Each once; and how lines are read."""
    async with live_session() as live:
        *tables, grammar = await live.run("/help")
        listed = [row[0].split(" [")[0] for table in tables if isinstance(table, Table) for row in table.rows]

        assert len(listed) == len(live.context.registry)
        assert isinstance(grammar, Text) and "//text" in grammar.text


@pytest.mark.parametrize("screen", [(100, 40), (80, 24), (40, 20), (200, 60), (20, 8)])
async def test_help_comes_in_pages_at_a_prompt(screen: tuple[int, int]) -> None:
    """As many topics as the screen takes; each command is on one of them, and each page says how it goes on."""
    async with live_session() as live:
        live.context.screen_size = lambda: screen
        listed, number, more = [], 0, True
        while more:
            number += 1
            *tables, last = await live.run(f"/help {number}" if number > 1 else "/help")
            listed += [row[0] for table in tables if isinstance(table, Table) for row in table.rows]
            assert (
                len(tables) == 1 or sum(len(table.rows) + 2 for table in tables if isinstance(table, Table)) < screen[1]
            )
            more = isinstance(last, Notice)
            if isinstance(last, Notice):
                assert last.what.startswith(f"page {number} of ") and f"/help {number + 1} " in last.hint

        assert listed == [entry.usage for entry in live.context.registry]
        with pytest.raises(UsageError, match=f"no page {number + 1}"):
            await live.run(f"/help {number + 1}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/help mute", "/mute"),
        ("/help session set", "null switches a setting off"),
        ("/? interrupt", "/stop"),
        ("/help /ptt", "[on|off]"),
    ],
)
async def test_help_explains_a_command(line: str, said: str) -> None:
    """Usage, what it does, its other names."""
    async with live_session() as live:
        (text,) = await live.run(line)

        assert isinstance(text, Text) and said in text.text


async def test_help_explains_a_group_and_a_topic() -> None:
    """Their commands in a table; what is neither is refused."""
    async with live_session() as live:
        (group,) = await live.run("/help audio list")
        (several,) = await live.run("/help /session")
        assert isinstance(several, Table) and len(several.rows) == 7
        (topic,) = await live.run("/help wire")
        (second,) = await live.run("/help session")

        assert isinstance(group, Text) and isinstance(topic, Table) and isinstance(second, Table)
        assert any(row[0].startswith("/why") for row in topic.rows)
        assert all(row[0].startswith("/") for row in second.rows)
        with pytest.raises(UsageError):
            await live.run("/help xyzzy")


async def test_status_tells_the_session_in_rows() -> None:
    """What is not known or does not apply has no row."""
    async with live_session() as live:
        (table,) = await live.run("/status")
        assert isinstance(table, Table)
        rows = {row[0]: row[1] for row in table.rows}

        assert (rows["connection"], rows["answers"], rows["microphone"]) == ("connected", "text", "closed")
        assert "dropped audio" not in rows


async def test_connections_are_made_again_with_and_without_the_past() -> None:
    """/reconnect carries over, /new does not; both say where they are."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        (carried,) = await live.run("/reconnect")
        await live.idle()
        kept = len(live.session.state.history)
        (fresh,) = await live.run("/new")

        assert isinstance(carried, Notice) and isinstance(fresh, Notice)
        assert "2 items kept" in carried.what and kept == 2
        assert len(live.session.state.history) == 0


async def test_quit_asks_to_leave() -> None:
    """Under each of its names."""
    async with live_session() as live:
        for line in ("/quit", "/exit", "/q"):
            assert await live.run(line) == [Quit(ExitCode.OK)]


async def test_leaving_the_connection_and_coming_back() -> None:
    """The user stays, nothing counts as lost, and the conversation goes on."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        (left,) = await live.run("/disconnect")
        assert isinstance(left, Notice) and "/reconnect" in left.hint
        with pytest.raises(UsageError, match="not connected"):
            await live.run("/close")
        (back,) = await live.run("/connect")

        assert isinstance(back, Notice) and "2 items kept" in back.what
        assert live.session.exit_code is ExitCode.OK
