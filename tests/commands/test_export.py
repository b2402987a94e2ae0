"""/export: the session so far as a file."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from rtcli.commands import Context, default_registry, run_line
from rtcli.commands.export import FORMATS
from rtcli.dsp.wav import read_wav
from rtcli.errors import InputError, UsageError
from rtcli.recording.reader import open_recording
from rtcli.session.replay import Replay
from rtcli.views import DisplaySettings, Level, Notice
from tests.kit.scenes import SOUND, speaker_of
from tests.kit.sessions import Live, ManualSpeaker, live_session


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("form", FORMATS)
async def test_every_form_of_a_session_that_goes_on(form: str, recorded: bool, tmp_path: Path) -> None:
    """From its recording, or from the log where it has none."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        if recorded:
            await live.run(f"/record start {tmp_path / 'r.ndjson'}")
        await live.run("hello")
        await live.until(lambda: live.records("response.done"))
        speaker_of(live).hear()
        await live.until(lambda: any(part.heard for part in live.session.state.timeline.turns[-1].parts))
        await live.idle()
        views = await live.run(f"/export {form} {tmp_path / 'file'}")

        assert isinstance(views[0], Notice) and views[0].level is Level.OK and "written to" in views[0].what
        assert (tmp_path / "file").stat().st_size > 0
        told = form == "wav" and not recorded  # only a recording has what was heard
        assert ["no player told" in view.what for view in views[1:] if isinstance(view, Notice)] == [True] * told


async def test_what_was_heard_is_exported(tmp_path: Path) -> None:
    """Of an answer of a minute the quarter of a second up to where it was cut."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        await live.run(f"/record start {tmp_path / 'r.ndjson'}")
        await live.run("count to 100")
        await live.until(lambda: len(live.records("response.output_audio.delta")) > 3)
        speaker_of(live).hear(250)
        await live.run("/interrupt")
        await live.until(lambda: live.records("response.done"))
        await live.run(f"/export wav {tmp_path / 'a.wav'}")

    pcm = read_wav(tmp_path / "a.wav")[0]
    assert 0 < sum(map(bool, memoryview(pcm).cast("h"))) <= 24 * 250


async def test_an_old_file_is_overwritten_with_force_alone(live: Live, tmp_path: Path) -> None:
    """By every form."""
    for form in FORMATS.keys() - {"wav"}:
        file = tmp_path / form
        file.write_text("old")
        with pytest.raises(InputError, match="it exists already"):
            await live.run(f"/export {form} {file}")
        assert file.read_text() == "old"
        await live.run(f"/export {form} {file} --force")
        assert file.read_text() != "old"


async def test_what_there_is_not_leaves_no_file(live: Live, tmp_path: Path) -> None:
    """A conversation of text has no audio."""
    with pytest.raises(UsageError, match="no audio"):
        await live.run(f"/export wav {tmp_path / 'c.wav'}")

    assert list(tmp_path.iterdir()) == []


async def test_a_session_that_is_forgotten_in_part_says_so(live: Live, tmp_path: Path) -> None:
    """The conversation is there all the same."""
    live.session.state.log.shrink(1)
    await live.run("/say hello")
    await live.until(lambda: live.session.state.log.forgotten)
    with pytest.raises(UsageError, match="no longer in the log"):
        await live.run(f"/export events {tmp_path / 'e'}")
    await live.run(f"/export md {tmp_path / 'm'}")


async def test_a_replay_exports_what_it_has_come_to(tmp_path: Path) -> None:
    """A part of the session, as long as it goes on."""
    async with live_session(config={"output_modalities": ["text"]}) as live:
        await live.run(f"/record start {tmp_path / 'r.ndjson'}")
        for line in ("hello", "count to 3"):
            await live.run(line)
            await live.idle()
    replay = Replay(partial(open_recording, str(tmp_path / "r.ndjson")), speed=None)
    context = Context(None, DisplaySettings(), default_registry(), recorded=replay)
    counts = []
    while replay.feed_next() is not None:
        if replay.state.log.last_number in (5, 20):
            await run_line(f"/export perfetto {tmp_path / 'p'} --force", context)
            trace = json.loads(await asyncio.to_thread((tmp_path / "p").read_text))
            counts.append(sum(event.get("cat", "").startswith("frames") for event in trace["traceEvents"]))
    replay.close()

    assert set(counts) == {5, 20}
