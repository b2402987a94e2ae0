"""A file that is played in a pipe is a turn, whose end turn detection has to notice."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest

from rtcli.cli.chat import batch
from rtcli.dsp.wav import write_wav
from rtcli.errors import ExitCode
from rtcli.protocol.audio_formats import PCM16, decode_base64
from rtcli.server import RealtimeServer
from rtcli.views import SpeechDone, View
from tests.kit.events import CREATED, Event, text_response
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.program import rtcli
from tests.kit.sessions import session_on
from tests.kit.stalling_proxy import stalling_proxy
from tests.kit.waiting import DEADLINE, until

_SLOW_ENGINES = """\
import sys, time
from rtcli.cli.main import main
from rtcli.server.runtime import engine_pool

load = engine_pool.load_engines
engine_pool.load_engines = lambda choice: (time.sleep({seconds}), load("tone"))[1]
sys.exit(main())
"""


class LateDetection:
    """A server that says that speech began when it is told to, and that it ended after half a second of silence."""

    def __init__(self) -> None:
        self.received_ms = 0
        self._ends_at_ms: int | None = None
        self._item: Event = {"item_id": "item_spoken"}

    async def __call__(self, talk: Conversation) -> None:
        """Take what the client sends, and answer the turn."""
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            if event["type"] != "input_audio_buffer.append":
                await talk.send(*reply_to(event))
                continue
            self.received_ms += PCM16.milliseconds(len(decode_base64(event["audio"])))
            if self._ends_at_ms is not None and self.received_ms >= self._ends_at_ms:
                self._ends_at_ms = None
                await talk.send(
                    {"type": "input_audio_buffer.speech_stopped", **self._item, "audio_end_ms": self.received_ms},
                    {"type": "input_audio_buffer.committed", **self._item, "previous_item_id": None},
                    *text_response("resp_spoken", "I heard you"),
                )

    def notice(self) -> Event:
        """The event that says so; silence counts from now on."""
        self._ends_at_ms = self.received_ms + 500
        return {"type": "input_audio_buffer.speech_started", **self._item, "audio_start_ms": 0}


class Shown:
    """A writer that keeps the views."""

    def __init__(self) -> None:
        self.views: list[View] = []

    def write(self, view: View) -> None:
        """Keep it."""
        self.views.append(view)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """A second of something that an energy detector takes for speech."""
    write_wav(tmp_path / "tone.wav", (np.sin(np.arange(24_000) / 8) * 12_000).astype("<i2").tobytes())
    return tmp_path / "tone.wav"


@pytest.mark.parametrize("commit", ["", " --commit"])
async def test_a_file_that_is_played_in_a_pipe_is_a_turn(tone: Path, commit: str) -> None:
    """The next line waits for the answer: after turn detection has noticed the file's end, or at once with --commit,
    which leaves no speech for turn detection to hear the end of."""
    async with RealtimeServer(voice="tone") as server:
        ended = await rtcli("chat", "--url", server.url, text=f"/play {tone}{commit}\n/history\n")

    assert ended.code == 0, ended.err
    assert "user" in ended.out and "assistant" in ended.out


async def test_a_file_is_not_given_up_while_the_engines_load(tone: Path, tmp_path: Path) -> None:
    """The built-in server of a pipe loads them with the first audio, and that may take longer than a room is quiet."""
    program = tmp_path / "slow_engines.py"
    program.write_text(_SLOW_ENGINES.format(seconds=batch._QUIET_SECONDS + 0.5), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, program, "chat", "--local"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await asyncio.wait_for(process.communicate(f"/play {tone}\n/history\n".encode()), DEADLINE)

    assert process.returncode == 0
    assert b"assistant" in out


async def test_speech_that_is_noticed_after_the_file_was_sent_is_a_turn(
    tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence follows as soon as the server says that speech has begun: a line does not end with that open."""
    monkeypatch.setattr(batch, "_QUIET_SECONDS", DEADLINE)  # how long the room stays quiet is this test's to say
    detection, writer = LateDetection(), Shown()
    async with fake_server(detection) as server, session_on(server.url) as live:
        turn = asyncio.ensure_future(batch._turn(f"/play {tone}", live.context, writer, DEADLINE, None))
        await until(
            lambda: writer.views and detection.received_ms >= 2_000, "the file and the silence behind it have come"
        )
        await live.session.transport.flush()
        # Not a wait for something, but how late it is: later than a server that notices it while the file arrives.
        await asyncio.sleep(0.1)
        assert not turn.done()
        await server.send(detection.notice())
        await until(lambda: live.shown(SpeechDone), "the answer")
        monkeypatch.setattr(batch, "_QUIET_SECONDS", 0)

        assert await turn == (ExitCode.OK, False)
    assert [done.text for done in live.shown(SpeechDone)] == ["I heard you"]


async def test_a_file_that_is_still_on_its_way_is_waited_for(tone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quiet of a room counts from when the server has the whole file: a slow network is no quiet room."""
    monkeypatch.setattr(batch, "_QUIET_SECONDS", 0)
    writer = Shown()
    async with (
        RealtimeServer(voice="tone", pace=0) as server,
        stalling_proxy(server.url) as network,
        session_on(f"{network.url}?model=gpt-realtime-2.1") as live,
    ):
        network.stall()
        turn = asyncio.ensure_future(batch._turn(f"/play {tone}", live.context, writer, DEADLINE, None))
        await until(lambda: writer.views, "the whole file was sent")
        await asyncio.sleep(0.1)  # not a wait for something, but how long it is on its way
        assert not turn.done()
        monkeypatch.setattr(batch, "_QUIET_SECONDS", DEADLINE)
        network.resume()
        await until(lambda: live.shown(SpeechDone), "the answer")
        monkeypatch.setattr(batch, "_QUIET_SECONDS", 0)

        assert await turn == (ExitCode.OK, False)


async def test_turn_detection_that_hears_no_end_is_waited_for_so_long_and_no_longer(tone: Path) -> None:
    """--timeout bounds the wait, and the next line is read all the same."""

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        heard = False
        while True:
            event = await talk.receive()
            if event["type"] == "input_audio_buffer.append" and not heard:
                heard = True
                await talk.send({"type": "input_audio_buffer.speech_started", "item_id": "item_1", "audio_start_ms": 0})
            for said in reply_to(event):
                await talk.send(said)

    async with fake_server(script) as server:
        ended = await rtcli("chat", "--url", server.url, "--timeout", "0.5", text=f"/play {tone}\none\n")

    assert "not within 0.5 s that it ended" in ended.err
    assert "hello" in ended.out
    assert ended.code == 6
