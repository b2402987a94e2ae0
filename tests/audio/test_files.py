"""WAV files in the place of devices."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from rtcli.audio.files import WavMicrophone, WavSpeaker
from rtcli.dsp.wav import read_wav, write_wav
from rtcli.errors import InputError
from tests.kit.waiting import until

LOUD = b"\x10\x27" * 24  # a millisecond


async def test_what_is_played_is_written_with_the_time_it_takes(tmp_path: Path) -> None:
    """The file is a recording of the room: sound as long as it was, counted as heard."""
    speaker = WavSpeaker(tmp_path / "out.wav")
    speaker.open()
    speaker.open()
    speaker.play("item", 0, LOUD * 100)
    speaker.finish("item", 0)
    await until(lambda: not speaker.audible)
    speaker.close()
    speaker.close()

    pcm, rate = read_wav(tmp_path / "out.wav")
    assert rate == 24_000
    assert pcm.count(b"\x10\x27") == 2400
    assert speaker.heard_ms("item", 0) == 100


async def test_a_file_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    """Before the session starts, not in the middle of it."""
    with pytest.raises(InputError, match=r"nowhere"):
        WavSpeaker(tmp_path / "nowhere" / "out.wav").open()


async def test_a_speaker_that_never_opened_closes_quietly(tmp_path: Path) -> None:
    """No file is made."""
    WavSpeaker(tmp_path / "out.wav").close()

    assert not (tmp_path / "out.wav").exists()


async def test_a_file_is_spoken_at_the_pace_of_speech_and_silence_follows(tmp_path: Path) -> None:
    """A quiet room is not the end of the microphone: voice detection needs to hear it."""
    write_wav(tmp_path / "in.wav", LOUD * 50)
    chunks: list[bytes] = []
    microphone = WavMicrophone(tmp_path / "in.wav", chunks.append)
    microphone.open()
    await until(lambda: microphone.ended and len(chunks) >= 5)
    microphone.close()

    assert b"".join(chunks)[: 48 * 50] == LOUD * 50
    assert set(b"".join(chunks[3:])) == {0}


async def test_a_file_that_is_no_sound_is_an_input_error(tmp_path: Path) -> None:
    """Named with its reason when the microphone opens."""
    (tmp_path / "in.wav").write_bytes(b"it contains no audio")
    with pytest.raises(InputError, match=r"in\.wav"):
        WavMicrophone(tmp_path / "in.wav").open()
    with wave.open(str(tmp_path / "empty.wav"), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
    with pytest.raises(InputError, match="no audio"):
        WavMicrophone(tmp_path / "empty.wav").open()
