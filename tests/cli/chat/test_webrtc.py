"""`rtcli chat --webrtc`: a call instead of a WebSocket, by flag or by profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtcli.dsp.levels import rms_db
from rtcli.dsp.wav import read_speech, write_wav
from rtcli.server import RealtimeServer
from tests.kit.calls import needs_webrtc
from tests.kit.program import one_clear_line, rtcli
from tests.kit.waveforms import noise


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@needs_webrtc
async def test_a_call_to_the_built_in_server(tmp_path: Path) -> None:
    """The answer is heard by the track, to its end, and recorded beside the events."""
    wav, recording = tmp_path / "a.wav", tmp_path / "a.ndjson"
    ended = await rtcli(
        *("chat", "--local", "--webrtc", "--audio-out", str(wav), "--record", str(recording)), text="hello\n"
    )
    lines = lines_of(recording)
    types = [str(line["event"]["type"]) for line in lines if isinstance(line.get("event"), dict)]

    assert ended.code == 0, ended.err
    assert "by WebRTC" in ended.err
    assert ended.out.startswith("Hello!")
    assert types[-1] == "output_audio_buffer.stopped"
    assert "response.output_audio.delta" not in types
    audio = [line for line in lines if "audio" in line]
    assert {(line["dir"], line["rate"]) for line in audio} == {("<", 24_000)}
    assert {str(line["url"]).rpartition("/")[2] for line in lines if "connection" in line} == {"calls"}
    assert rms_db(read_speech(wav)) > -40


@needs_webrtc
async def test_a_file_that_is_played_into_a_call_is_a_turn(tmp_path: Path) -> None:
    """As over a WebSocket: the next line of a pipe waits for its answer."""
    spoken = tmp_path / "spoken.wav"
    write_wav(spoken, noise(2))
    async with RealtimeServer(voice="tone", pace=4) as server:
        ended = await rtcli("chat", "--url", server.url, "--webrtc", "--text", text=f"/play {spoken}\n/history\n")

    assert ended.code == 0, ended.err
    assert "user" in ended.out and "assistant" in ended.out


@needs_webrtc
async def test_a_profile_may_say_so(tmp_path: Path) -> None:
    """With the address of the WebSocket, and an ephemeral key."""
    async with RealtimeServer(voice="tone", pace=4) as server:
        config = tmp_path / "rtcli"
        config.mkdir()
        (config / "config.toml").write_text(f'[profiles.call]\nurl = "{server.url}"\nwebrtc = true\ntext = true\n')
        ended = await rtcli(
            *("chat", "--profile", "call", "--secret"), text="hello\n", environ={"XDG_CONFIG_HOME": str(tmp_path)}
        )

    assert ended.code == 0, ended.err
    assert "by WebRTC" in ended.err
    assert ended.out.startswith("Hello!")


@needs_webrtc
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--url", "http://127.0.0.1:9/v1", "--call-id", "rtc_1"), ("--call-id joins one",)),
        (("--url", "ws://127.0.0.1:9/v1/realtime?intent=transcription"), ("--webrtc is for conversations",)),
    ],
)
async def test_what_is_no_conversation_is_refused(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Before anything is dialed."""
    one_clear_line(await rtcli("chat", "--webrtc", *arguments), 2, *words)


@needs_webrtc
async def test_nobody_there_is_one_line() -> None:
    """With the address that was called."""
    ended = await rtcli("chat", "--webrtc", "--text", "--url", "http://127.0.0.1:9/v1", text="x\n")

    assert ended.code == 3
    assert "http://127.0.0.1:9/v1/realtime/calls" in ended.err
    assert "Traceback" not in ended.err


async def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    """And nothing is started."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['aiortc'] = None\n")
    ended = await rtcli("chat", "--local", "--webrtc", environ={"PYTHONPATH": str(tmp_path)})

    one_clear_line(ended, 2, "rtcli was installed without WebRTC")
    assert "rtcli[webrtc]" in ended.err
