"""`rtcli report`: a recording as one page."""

from __future__ import annotations

import asyncio
import gzip
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from rtcli.cli.report_page import PageAudio
from rtcli.protocol.record_lines import record_line
from rtcli.recording.report.audio import AudioKind
from tests.kit.pages import HEADER, data_of, texts_of
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.told import spoken_turn_with_a_tool_and_an_interruption
from tests.kit.waiting import DEADLINE, until


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A spoken turn in a file."""
    path = tmp_path / "talk.ndjson"
    lines = [HEADER.line().encode(), *map(record_line, spoken_turn_with_a_tool_and_an_interruption().records)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


async def test_the_page_is_named_after_the_recording(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the current folder; one that is there already is kept, unless --force says otherwise."""
    monkeypatch.chdir(tmp_path)
    made = await rtcli("report", str(recording))
    again = await rtcli("report", str(recording))
    forced = await rtcli("report", str(recording), "--force", "--audio", "none")
    page = (tmp_path / "talk.html").read_text(encoding="utf-8")

    assert made.code == 0 and made.out == ""
    assert "written to talk.html" in made.err
    one_clear_line(again, 2, "talk.html", "it exists already")
    assert forced.code == 0 and data_of(page, "session")["audio"] is None
    assert "Session with gpt-realtime-2.1" in page


async def test_the_page_goes_to_stdout_from_stdin(recording: Path) -> None:
    """Nothing else is printed there."""
    ended = await rtcli("report", "-", "-o", "-", text=recording.read_text(encoding="utf-8"))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("<!DOCTYPE html>") and ended.out.endswith("</html>\n")
    assert "standard input" in ended.out


@pytest.mark.skipif(sys.platform != "linux", reason="it asks /proc how the process is")
async def test_a_pipe_gets_all_of_it_though_the_program_was_stopped_meanwhile(recording: Path) -> None:
    """Also without the interpreter's buffer: a stopped write ends early, and the rest of it follows."""
    process = await start(
        "report", str(recording), "-o", "-", environ={"PYTHONUNBUFFERED": "1"}, stdout=(pipe := os.pipe())[1]
    )
    os.close(pipe[1])

    def state() -> str:
        return Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(") ")[2][0]

    await until(lambda: select.select([pipe[0]], [], [], 0)[0] and state() == "S")
    process.send_signal(signal.SIGSTOP)
    await until(lambda: state() == "T")
    process.send_signal(signal.SIGCONT)
    with os.fdopen(pipe[0], "rb") as file:
        page = await asyncio.wait_for(asyncio.to_thread(file.read), DEADLINE)
    assert await asyncio.wait_for(process.wait(), DEADLINE) == 0

    assert page.decode() == (await rtcli("report", str(recording), "-o", "-")).out


async def test_a_damaged_recording_has_a_page_that_says_so(recording: Path, tmp_path: Path) -> None:
    """On the page as on stderr; what can be read is there. Packed ones are read as well."""
    torn = gzip.compress(recording.read_bytes()[:-20])
    (tmp_path / "torn.ndjson.gz").write_bytes(torn)
    ended = await rtcli("report", str(tmp_path / "torn.ndjson.gz"), "-o", str(tmp_path / "torn.html"))
    page = (tmp_path / "torn.html").read_text(encoding="utf-8")

    assert ended.code == 0 and "the last line was cut off" in ended.err
    assert '<p class="note">the last line was cut off' in page
    assert len(texts_of(page)) > 90


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nosuch.ndjson",), "nosuch.ndjson"),
        ((), "Missing argument"),
        (("-", "--audio", "mp3"), "'mp3' is not one of"),
        (("-", "-o", "/nosuch/page.html"), "/nosuch/page.html"),
    ],
)
async def test_what_cannot_be_made_is_one_line(words: tuple[str, ...], says: str) -> None:
    """That names it."""
    one_clear_line(await rtcli("report", *words, text='{"type":"response.create"}\n'), 2, says)


def test_the_options_for_audio_are_those_of_the_page() -> None:
    """Named twice, lest --help import the page."""
    assert {one.name: one.value for one in PageAudio} == {one.name: one.value for one in AudioKind}
