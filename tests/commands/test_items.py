"""Commands for the conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtcli.dsp.wav import read_wav
from rtcli.errors import InputError, ServerError, UsageError
from rtcli.session.tools.signature import tool_of
from rtcli.views import Json, Notice, Table
from tests.kit.sessions import Live, ManualSpeaker, live_session

SOUND = {"output_modalities": ["audio"]}


def ids(live: Live) -> list[str]:
    return [item.item_id for item in live.session.state.history]


async def test_the_conversation_is_listed_in_its_order() -> None:
    """Number, id, who, status, what; an empty one says so."""
    async with live_session() as live:
        (empty,) = await live.run("/history")
        await live.run("hello")
        await live.idle()
        (table,) = await live.run("/history")

        assert isinstance(empty, Notice) and "empty" in empty.what
        assert isinstance(table, Table)
        assert [(row[0], row[2], row[3]) for row in table.rows] == [
            ("1", "user", "completed"),
            ("2", "assistant", "completed"),
        ]
        assert table.rows[0][4] == "hello"


async def test_what_was_not_heard_stands_apart() -> None:
    """Behind a sign in the listing, also after the server has dropped its transcript."""
    speaker = ManualSpeaker()
    async with live_session(speaker=speaker, config=SOUND) as live:
        await live.run("count to 30")
        await live.until(lambda: live.records("response.output_audio_transcript.done"))
        speaker.hear(3000)
        await live.run("/interrupt")
        await live.until(lambda: live.records("conversation.item.retrieved"))
        (table,) = await live.run("/history")

        assert isinstance(table, Table)
        heard, _, unheard = table.rows[1][4].partition(" ⟂ ")
        assert heard and unheard.endswith("30.")


async def test_an_item_is_fetched_with_its_sound(tmp_path: Path) -> None:
    """The server's own copy; its sound as a WAV file."""
    speaker = ManualSpeaker()
    async with live_session(speaker=speaker, config=SOUND) as live:
        await live.run("hello")
        await live.until(lambda: live.records("response.done"))
        answer = ids(live)[1]
        copy, _ = await live.run(f"/item {answer}")
        await live.run(f"/item {answer} --audio {tmp_path / 'a.wav'}")

        assert isinstance(copy, Json) and copy.value["id"] == answer
        pcm, _ = read_wav(tmp_path / "a.wav")
        assert abs(len(pcm) // 48 - next(iter(speaker.queued.values()))) <= 1
        with pytest.raises(UsageError, match="no audio"):
            await live.run(f"/item {ids(live)[0]} --audio {tmp_path / 'b.wav'}")
        with pytest.raises(ServerError):
            await live.run("/item item_none")


async def test_items_are_deleted_and_cut() -> None:
    """The server's confirmation is waited for; an id may be given by its end."""
    speaker = ManualSpeaker()
    async with live_session(speaker=speaker, config=SOUND) as live:
        await live.run("hello")
        await live.until(lambda: live.records("response.done"))
        user, answer = ids(live)
        await live.run(f"/truncate …{answer[-6:]} 300")
        await live.run(f"/delete {user}")

        assert live.events("conversation.item.truncated")[0]["audio_end_ms"] == 300
        assert ids(live) == [answer]


async def test_the_conversation_goes_back_to_a_point() -> None:
    """The item named stays, what came after goes; without a point everything does."""
    async with live_session() as live:
        for text in ("one", "two"):
            await live.run(text)
            await live.idle()
        kept = ids(live)[:2]
        await live.run(f"/reset {kept[1]}")
        await live.until(lambda: ids(live) == kept)
        await live.run("/reset")

        await live.until(lambda: ids(live) == [])


async def test_the_conversation_is_exported_and_taken_back(tmp_path: Path) -> None:
    """json is what /reset reads; md is for users."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        before = ids(live)
        await live.run(f"/export json {tmp_path / 'c.json'}")
        await live.run(f"/export md {tmp_path / 'c.md'}")
        await live.run("/reset")
        await live.until(lambda: ids(live) == [])
        await live.run(f"/reset {tmp_path / 'c.json'}")
        await live.until(lambda: len(ids(live)) == 2)

        assert ids(live) == before
        assert "**user**: hello" in (tmp_path / "c.md").read_text()
        assert json.loads((tmp_path / "c.json").read_text())[0]["role"] == "user"


async def test_a_spoken_conversation_is_taken_back_as_text(tmp_path: Path) -> None:
    """The API takes no sound of the assistant from a client: its transcript stands in."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        await live.run("hello")
        await live.until(lambda: live.records("response.done"))
        await live.run(f"/export json {tmp_path / 'c.json'}")
        await live.run("/reset")
        await live.until(lambda: ids(live) == [])
        (notice,) = await live.run(f"/reset {tmp_path / 'c.json'}")
        await live.until(lambda: len(ids(live)) == 2)

        assert isinstance(notice, Notice) and notice.what.startswith("the conversation has 2 items,")
        assert live.events("conversation.item.create")[-1]["item"]["content"][0]["type"] == "output_text"


async def test_a_cut_by_hand_is_no_interruption() -> None:
    """The server cuts, and the words behind count as unheard; nothing is claimed when it refuses."""
    speaker = ManualSpeaker()
    async with live_session(speaker=speaker, config=SOUND) as live:
        await live.run("count to 10")
        await live.until(lambda: live.records("response.done"))
        speaker.hear()
        answer = ids(live)[1]
        with pytest.raises(ServerError):
            await live.run("/truncate nothing 10")
        assert live.session.state.transcripts.heard(answer, 0) is None
        await live.run(f"/truncate {answer} 500")
        (table,) = await live.run("/history")

        assert not [notice for notice in live.notices if "interrupted" in notice]
        assert isinstance(table, Table) and " ⟂ " in table.rows[1][4]


async def test_a_file_that_is_no_conversation_is_refused(tmp_path: Path) -> None:
    """Neither an item nor a file, or a file of something else."""
    (tmp_path / "a.json").write_text('[{"no": "item"}]')
    (tmp_path / "b.json").write_text('[{"item_id": "i", "role": "user", "content": "text"}]')
    async with live_session() as live:
        with pytest.raises(UsageError, match="neither an item nor a file"):
            await live.run("/reset item_none")
        with pytest.raises(InputError, match="list of items"):
            await live.run(f"/reset {tmp_path / 'a.json'}")
        with pytest.raises(InputError, match="list of items"):
            await live.run(f"/reset {tmp_path / 'b.json'}")


@pytest.mark.parametrize("line", ["/export json", "/export md", "/session save"])
async def test_an_old_file_is_overwritten_with_force_alone(line: str, tmp_path: Path) -> None:
    """It is named, with what to do; it is as it was."""
    file = tmp_path / "old"
    file.write_text("old")
    async with live_session() as live:
        with pytest.raises(InputError, match="old: it exists already"):
            await live.run(f"{line} {file}")
        assert file.read_text() == "old"
        await live.run(f"{line} {file} --force")

    assert file.read_text() != "old"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_calls_and_their_outputs_go_along(tmp_path: Path) -> None:
    """Into another connection, twice, and through a file; the model is asked for nothing, no function runs again."""
    ran: list[str] = []

    def get_weather(city: str) -> str:
        """The weather of a city."""
        ran.append(city)
        return f"sunny in {city}"

    async with live_session(tools=[tool_of(get_weather)]) as live:
        await live.run("What is the weather in Paris?")
        await live.idle()

        async def shown() -> list[tuple[str, str]]:
            (table,) = await live.run("/history")
            assert isinstance(table, Table)
            return [(row[2], row[4]) for row in table.rows]

        before = await shown()
        assert ("output", "-> sunny in Paris") in before
        await live.run(f"/export json {tmp_path / 'c.json'}")
        for lines in (["/reconnect"], ["/reconnect"], ["/new", f"/reset {tmp_path / 'c.json'}"]):
            for line in lines:
                await live.run(line)
            await live.idle()
            await live.until(lambda: len(live.context.state.history) == 3)
            assert await shown() == before
        assert ran == ["Paris"]
        assert not live.events("error")


async def test_numbers_that_are_shown_are_accepted() -> None:
    """/history N lists the last items, with the numbers that they have; /item takes such a number."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        (table,) = await live.run("/history 1")
        assert isinstance(table, Table) and [row[0] for row in table.rows] == ["2"]

        assert await live.run("/item 2") == await live.run("/item #2")
        assert live.events("conversation.item.retrieved")[-1]["item"]["id"] == table.rows[0][1]
