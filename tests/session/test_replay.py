"""A replay feeds a session from its recording: at a pace, in steps, or up to a place, and back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.events import encode
from rtcli.protocol.record import Direction, Frame, Mark, Record
from rtcli.recording.header import Header
from rtcli.recording.reader import open_recording
from rtcli.recording.writer import RecordingWriter
from rtcli.session.replay import Replay, parse_speed
from rtcli.views import Notice, View
from tests.kit.waiting import until

COUNT = 40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "session.ndjson"
    writer = RecordingWriter(path, Header(datetime(2026, 1, 1, tzinfo=UTC), "chat", "test", "m"))
    for number in range(1, COUNT + 1):
        event = {"type": "response.output_text.delta", "item_id": "i", "content_index": 0, "delta": "word " * 200}
        raw = encode(event)
        record: Record = Frame(number, number / 2, Direction.RECEIVED, event, len(raw), raw=raw)
        writer.add(record)
        if number == 10:
            writer.add(Mark(5.1, "before the crash"))
    writer.close(21.0)
    return path


def replay_of(file: Path, speed: float | None = None) -> Replay:
    return Replay(partial(open_recording, str(file)), speed=speed)


@pytest.mark.parametrize(
    ("place", "frames", "at"),
    [
        ("2.5", 5, 2.5),
        ("0:05", 10, 5.0),
        ("#7", 7, 3.5),
        ("before the crash", 10, 5.1),
        ("99", COUNT, 21.0),
        ("0", 0, 0.0),
    ],
)
async def test_seek_goes_to_a_place_forward_and_back(file: Path, place: str, frames: int, at: float) -> None:
    replay = replay_of(file)
    for start in (0, 3, COUNT):
        replay.seek(str(start / 2))
        replay.seek(place)
        assert (len(replay.state.log), replay.at) == (frames, at)
    replay.close()


@pytest.mark.parametrize("place", ["#99", "nowhere", "1:2:x"])
async def test_what_is_no_place_is_refused_and_nothing_moves(file: Path, place: str) -> None:
    replay = replay_of(file)
    replay.seek("#7")
    with pytest.raises(UsageError, match="there is no"):
        replay.seek(place)
    assert len(replay.state.log) == 7
    replay.close()


async def test_it_pauses_steps_and_goes_on(file: Path) -> None:
    shown: list[View] = []
    replay = replay_of(file, speed=1000.0)
    replay.pause(paused=True)
    replay.feed.subscribe(shown.append)
    playing = asyncio.ensure_future(replay.run())
    assert replay.step() is not None and replay.step() is not None
    await asyncio.sleep(0)
    assert len(replay.state.log) == 2 and replay.status.connection.startswith("paused")

    replay.pause()
    await until(lambda: replay.ended)
    assert len([view for view in shown if isinstance(view, Frame)]) == COUNT and replay.step() is None
    replay.seek("0")
    replay.pause(paused=False)
    await until(lambda: replay.ended and len(replay.state.log) == COUNT)
    playing.cancel()
    replay.close()


async def test_frames_that_memory_no_longer_holds_are_read_from_the_file(file: Path) -> None:
    replay = replay_of(file)
    replay.state.log.max_event_bytes = 4000
    shown: list[View] = []
    replay.feed.subscribe(shown.append)
    await replay.play_to_end()

    assert [view.what for view in shown if isinstance(view, Notice) and "forgotten" in view.what] == []
    log = replay.state.log
    assert log.forgotten > COUNT // 2
    assert [frame.number for frame in log.everything()] == list(range(1, COUNT + 1))
    found = log.find(3)
    assert found is not None and found.event == log.records[-1].event
    replay.close()


@pytest.mark.parametrize(("text", "speed"), [("1", 1.0), ("2x", 2.0), ("0.5", 0.5), ("max", None)])
def test_a_speed(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "fast", ""])
def test_what_is_no_speed(text: str) -> None:
    with pytest.raises(UsageError, match="is not a speed"):
        parse_speed(text)
