"""Commands for sound, with a microphone and a speaker that do as they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtcli.audio.devices import AudioDevice
from rtcli.dsp.wav import write_wav
from rtcli.errors import AudioUnavailableError, InputError, UsageError
from rtcli.views import Level, Notice, Table
from tests.kit.sessions import ManualMicrophone, ManualSpeaker, live_session


async def test_mute_and_unmute() -> None:
    """Unmuting opens the microphone; the status follows."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        await live.run("/unmute")
        assert (microphone.opened, live.session.status.muted) == (True, False)
        (level,) = await live.run("/audio level")
        microphone.speak(bytes(960), level_db=-30.4)
        *_, louder = await live.run("/audio level")
        await live.run("/mute")

        assert live.session.status.muted
        assert isinstance(level, Notice) and isinstance(louder, Notice)
        assert "closed or muted" in level.what and "-30 dBFS" in louder.what


async def test_a_microphone_that_cannot_be_had_is_an_error_and_stays_muted() -> None:
    """The session goes on."""
    async with live_session(microphone=ManualMicrophone(available=False)) as live:
        with pytest.raises(AudioUnavailableError):
            await live.run("/unmute")

        assert live.session.status.muted


async def test_push_to_talk_by_command() -> None:
    """/ptt begins, /ptt ends and asks; on and off are the mode alone."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        await live.run("/ptt")
        microphone.speak(bytes(48 * 200))
        await live.run("/ptt")
        await live.idle()
        await live.run("/ptt off")

        told = [notice.what for notice in live.shown(Notice)]
        assert told[-2:] == ["talk now", "turn sent"]
        assert live.events("response.done")
        assert not live.session.status.push_to_talk


async def test_a_turn_by_hand(tmp_path: Path) -> None:
    """/play, /discard, /commit: each is one event of the API."""
    write_wav(tmp_path / "a b.wav", bytes(48 * 500))
    async with live_session() as live:
        await live.run("/vad off")
        (notice, silent) = await live.run(f'/play "{tmp_path / "a b.wav"}"')
        await live.run("/discard")
        with pytest.raises(UsageError):
            await live.run("/commit")
        await live.run(f'/play "{tmp_path / "a b.wav"}"')
        await live.run("/commit")
        await live.idle()

        assert isinstance(notice, Notice) and notice.what == "a b.wav: 0.5 s of audio sent"
        assert isinstance(silent, Notice) and "silent" in silent.what
        assert live.sent().count("input_audio_buffer.commit") == 1
        assert live.events("input_audio_buffer.committed") and not live.events("response.created")
        with pytest.raises(InputError):
            await live.run("/play nothing.wav")


DEVICES = (
    AudioDevice(0, "Desk Mic", "ALSA", 1, 0, 48_000, default_input=True),
    AudioDevice(1, "USB Headset", "ALSA", 1, 2, 44_100, default_output=True),
)


async def test_devices_are_listed_and_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Index, name, channels, rate, default."""
    from rtcli.session import audio_devices

    monkeypatch.setattr(audio_devices, "list_devices", lambda: DEVICES)
    async with live_session() as live:
        (table,) = await live.run("/audio")

        assert isinstance(table, Table)
        assert table.rows[0] == ("0", "Desk Mic", "1", "-", "48000 Hz", "in")
        assert [c.text for c in live.complete("/audio out us")] == ["USB Headset "]


async def test_a_machine_without_sound_lists_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, no empty table; completion keeps silent even where PortAudio is missing."""
    from rtcli.session import audio_devices

    def none() -> Any:
        raise AudioUnavailableError("audio is not available", why="PortAudio library not found")

    async with live_session() as live:
        monkeypatch.setattr(audio_devices, "list_devices", lambda: ())
        (notice,) = await live.run("/audio list")
        assert isinstance(notice, Notice) and notice.level is Level.WARNING
        monkeypatch.setattr(audio_devices, "list_devices", none)
        assert live.complete("/audio in ") == []


async def test_devices_are_changed_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is given back when the new one is open; a session that writes is told how to speak."""
    from rtcli.audio import microphone as microphones
    from rtcli.audio import speaker as speakers

    made: list[ManualSpeaker] = []

    def make_speaker(name: str) -> ManualSpeaker:
        made.append(ManualSpeaker(available=name != "broken"))
        return made[-1]

    monkeypatch.setattr(speakers, "Speaker", make_speaker)
    monkeypatch.setattr(microphones, "Microphone", ManualMicrophone)
    old_speaker, old_microphone = ManualSpeaker(), ManualMicrophone()
    async with live_session(speaker=old_speaker, microphone=old_microphone) as live:
        await live.run("/modalities text")
        (notice,) = await live.run("/audio out USB Headset")
        await live.run("/audio in Desk Mic")
        with pytest.raises(AudioUnavailableError):
            await live.run("/audio out broken")

        assert isinstance(notice, Notice) and "/modalities audio" in notice.hint
        assert old_speaker.closed and old_microphone.closed
        assert live.session.audio.speaker is made[0]
        assert not made[0].closed


async def test_the_echo_guard_is_chosen() -> None:
    """By name; without one it only tells."""
    async with live_session() as live:
        await live.run("/echo half")

        assert await live.run("/echo") == [Notice("echo guard: half")]
