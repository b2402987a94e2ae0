"""What the microphone hears goes out, and the assistant does not hear itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rtcli.config.endpoints import Endpoint
from rtcli.dsp.wav import write_wav
from rtcli.errors import AudioUnavailableError
from rtcli.server import RealtimeServer
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeSIP
from rtcli.views import Notice
from tests.kit.sessions import ManualMicrophone, ManualSpeaker, live_session, session_on
from tests.kit.waiting import DEADLINE

SOUND = {"output_modalities": ["audio"]}


async def test_unmuting_opens_the_microphone_and_what_it_hears_goes_out() -> None:
    """Nothing is recorded before the user asks; muted is muted at the source."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        assert (microphone.opened, live.session.status.muted) == (False, True)
        live.session.audio.unmute()
        microphone.speak(bytes(1920))
        live.session.audio.mute()
        microphone.speak(bytes(1920))

        assert (microphone.opened, live.session.status.microphone) == (True, True)
        assert live.sent().count("input_audio_buffer.append") == 2
        assert live.session.status.input_level_db is None, "a muted microphone shows no level"


async def test_telephone_input_goes_out_in_its_own_format(tmp_path: Path) -> None:
    """A session that listens to G.711 gets 8,000 bytes a second."""
    file = tmp_path / "turn.wav"
    write_wav(file, bytes(48_000))
    config = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    async with live_session(config=config) as live:
        await live.session.talk.play(file, commit=True)

        sent = sum(len(str(event["audio"])) * 3 // 4 for event in live.events("input_audio_buffer.append"))
        assert abs(sent - 8_000) < 300


async def test_echo_is_gated_to_silence_and_not_to_a_gap() -> None:
    """While the assistant speaks, its echo goes out as silence of the same length."""
    microphone = ManualMicrophone()
    async with live_session(speaker=ManualSpeaker(), microphone=microphone, config=SOUND) as live:
        live.session.talk.say("count to 30")
        await live.until_sound(200)
        live.session.audio.set_echo("half")
        live.session.audio.unmute()
        microphone.speak(b"\x11\x22" * 480)

        (append,) = live.events("input_audio_buffer.append")
        assert set(str(append["audio"])) <= {"A", "="}, "silence in base64"
        live.session.talk.interrupt()


async def test_speaker_and_microphone_together_are_worth_one_line() -> None:
    """The advice about headphones comes once."""
    microphone = ManualMicrophone()
    async with live_session(speaker=ManualSpeaker(), microphone=microphone, config=SOUND) as live:
        for _ in range(2):
            live.session.audio.unmute()
            live.session.audio.mute()

        assert sum("headphones" in notice for notice in live.notices) == 1


async def test_a_microphone_that_the_transport_refuses_is_muted() -> None:
    """A telephone call carries its own sound: one line, and no stream of errors."""
    microphone = ManualMicrophone()
    async with RealtimeServer(pace=0, voice="tone") as server, session_on(f"{server.url}?model=gpt-realtime"):
        (call_id,) = server.calls
        endpoint = Endpoint(url=f"{server.url}?call_id={call_id}", model=None, label="call", call_id=call_id)
        session = RealtimeSession(OpenAIRealtimeSIP(headers={}), endpoint=endpoint, microphone=microphone)
        shown: list[object] = []
        session.subscribe(shown.append)
        await session.start(DEADLINE)
        session.audio.unmute()
        microphone.speak(bytes(9600))
        await session.close()

    assert sum("microphone muted" in view.what for view in shown if isinstance(view, Notice)) == 1
    assert session.audio.muted


async def test_what_the_guard_holds_back_is_told() -> None:
    """Who speaks over the assistant and is not heard looks at the toolbar; after mute there is nothing to hold back."""
    microphone = ManualMicrophone()
    async with live_session(speaker=ManualSpeaker(), microphone=microphone, config=SOUND) as live:
        live.session.talk.say("count to 30")
        await live.until_sound(200)
        live.session.audio.set_echo("half")
        live.session.audio.unmute()
        before = live.session.status.held_back
        microphone.speak(bytes(960))
        meanwhile = live.session.status
        live.session.audio.mute()

        assert (before, meanwhile.held_back, live.session.status.held_back) == (False, True, False)
        assert meanwhile.metrics["echo"] == "half"
        live.session.talk.interrupt()


async def test_a_canceller_that_cannot_be_loaded_leaves_the_mode_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode that was there stays."""
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    microphone = ManualMicrophone()
    async with live_session(speaker=ManualSpeaker(), microphone=microphone, config=SOUND) as live:
        live.session.audio.unmute()
        assert live.session.audio.input.echo.method == "gate"
        with pytest.raises(AudioUnavailableError, match="cannot be loaded"):
            live.session.audio.set_echo("aec")

        assert live.session.audio.input.echo.mode == "auto"


async def test_closing_the_microphone_gives_back_what_cancels_its_echo() -> None:
    """And opening it takes it again, without a word of the user."""
    pytest.importorskip("pywebrtc_audio")
    microphone, speaker = ManualMicrophone(), ManualSpeaker()
    async with live_session(speaker=speaker, microphone=microphone) as live:
        audio = live.session.audio
        assert speaker.on_block is None, "who only types needs none"
        audio.unmute()
        assert (speaker.on_block is not None, audio.input.echo.method) == (True, "aec")
        audio.close_microphone()
        assert speaker.on_block is None
        audio.input.open()

        assert speaker.on_block is not None
