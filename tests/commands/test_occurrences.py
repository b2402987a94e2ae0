"""What happened between the frames is found, explained and shown as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rtcli.protocol.occurrences import Occurrence
from rtcli.views import FrameRows, Notice, SpeechDone, Table
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker, live_session

DROP = {"faults": ("event=response.output_text.delta@8:drop",), "pace": 0.2}
SPOKEN_DROP = {"faults": ("event=response.output_audio.delta@6:drop",), "pace": 0.2}


@pytest.fixture
async def dropped() -> AsyncIterator[Live]:
    """A session whose connection broke in the middle of an answer."""
    async with live_session(server=DROP) as live:
        await live.run("count to 30")
        await live.until(lambda: live.session.transport.status == "disconnected")
        yield live


async def rows(live: Live, line: str) -> list[tuple[str, ...]]:
    return [row for view in await live.run(line) if isinstance(view, Table) for row in view.rows]


async def test_a_lost_connection_is_found_by_its_close_code(dropped: Live) -> None:
    """Between the frames, by its time; the half answer by its words, which no frame has together."""
    await dropped.run("/reconnect")
    found = [row[3] for row in await rows(dropped, "/grep 1006")]
    again = await rows(dropped, "/grep dialing again")
    half = next(row for row in await rows(dropped, "/grep 1, 2, 3, 4") if row[3] == "half answer")

    assert found == ["connection"]
    assert [row[3] for row in again] == ["connection"]
    assert "1, 2, 3, 4" in half[4]


async def test_why_explains_a_drop(dropped: Live) -> None:
    """Without an argument: what was lost, what had come of the answer, and what it was the answer to."""
    (table, cause) = await dropped.run("/why")

    assert isinstance(table, Table) and isinstance(cause, Notice)
    assert [row[3] for row in table.rows][:3] == ["connection", "half answer", "response.output_text.delta"]
    assert "lost: close code 1006" in table.rows[0][4]
    assert [row[3] for row in table.rows][-1] == "response.create"
    assert cause.what == "triggered by typed text"


async def test_what_went_wrong_later_comes_first(dropped: Live) -> None:
    """A lost connection of an hour ago does not explain an error of now."""

    await dropped.run("/reconnect")
    await dropped.run('{"type": "nosuch"}')
    await dropped.until(lambda: dropped.records("error"))
    (table, *_) = await dropped.run("/why")

    assert isinstance(table, Table) and table.rows[0][3] == "error"
    assert (await rows(dropped, "/why connection"))[0][4].startswith("open")


async def test_the_half_answer_stays_in_the_conversation_and_is_carried_over(dropped: Live) -> None:
    """What cannot be kept is named; this can."""
    (done,) = dropped.shown(SpeechDone)
    before = await rows(dropped, "/history")
    (notice, *_) = await dropped.run("/reconnect")
    after = await rows(dropped, "/history")

    assert before[1][2:] == ("assistant", "incomplete", done.text)
    assert isinstance(notice, Notice) and "2 items kept" in notice.what
    assert after[1][4] == done.text.strip() or after[1][4] == done.text


async def test_of_a_spoken_half_answer_only_what_had_audio_is_kept() -> None:
    """Its transcript is ahead of it; nobody heard the rest."""
    async with live_session(
        server=SPOKEN_DROP, speaker=ManualSpeaker(), config={"output_modalities": ["audio"]}
    ) as live:
        await live.run("count to 30")
        await live.until(lambda: live.session.transport.status == "disconnected")
        (done,) = live.shown(SpeechDone)

        assert done.heard is not None and done.heard <= len(done.text)
        assert live.session.state.portable().items


async def test_marks_devices_and_mute_are_found() -> None:
    """A mark by its note, a device by its name."""
    microphone = ManualMicrophone(device="USB Headset")
    async with live_session(microphone=microphone, speaker=ManualSpeaker()) as live:
        await live.run("/mark here it hangs")
        await live.run("/unmute")
        await live.run("/mute")

        assert [row[4] for row in await rows(live, "/grep here it")] == ["mark here it hangs"]
        devices = [row[4] for row in await rows(live, "/grep ^device")]
        assert devices == ["device speaker manual speaker", "device microphone USB Headset, live", "device muted"]
        assert (await rows(live, "/why mark"))[0][3:5] == ("mark", "here it hangs")


async def test_a_device_that_is_lost_is_a_occurrence() -> None:
    """Whatever took it away."""
    from rtcli.errors import AudioUnavailableError

    speaker = ManualSpeaker()
    async with live_session(speaker=speaker) as live:
        assert speaker.on_lost is not None
        speaker.on_lost(AudioUnavailableError("the speaker is gone"))

        assert live.session.state.occurrences.last("device") is not None
        assert "manual speaker gone" in str(live.session.state.occurrences.last("device"))


async def test_past_events_are_listed_with_what_happened_between(dropped: Live) -> None:
    """In their order."""
    await dropped.run("/reconnect")
    (listed, *_) = await dropped.run("/events summary 1-40")

    assert isinstance(listed, FrameRows)
    kinds = [one.kind if isinstance(one, Occurrence) else "frame" for one in listed.frames]
    assert kinds.index("half answer") > kinds.index("frame")
    assert [kind for kind in kinds if kind != "frame"].count("connection") >= 3


async def test_the_event_view_shows_them(dropped: Live) -> None:
    """As rows between the rows of the frames; the writer is told that nothing open will go on."""
    ended = [occurrence for occurrence in dropped.shown(Occurrence) if occurrence.ends]

    assert [occurrence.kind for occurrence in dropped.shown(Occurrence)][:2] == ["connection", "connection"]
    assert len(ended) == 1 and ended[0].failed
