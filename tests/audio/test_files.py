"""WAV files in the place of devices."""

from __future__ import annotations

import os
import resource
import wave
from pathlib import Path

import pytest

from rtcli.audio.files import WavMicrophone, WavSpeaker
from rtcli.dsp.wav import read_wav, write_wav
from rtcli.errors import AudioUnavailableError, ExitCode, InputError
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


async def test_a_full_disk_ends_the_file_at_once_and_what_fits_can_be_played(tmp_path: Path) -> None:
    """It is given up like a device that was unplugged, and told by its name, once."""
    speaker = WavSpeaker(tmp_path / "full.wav")
    lost: list[AudioUnavailableError] = []
    speaker.on_lost = lost.append
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        speaker.open()
        speaker.play("item", 0, b"\x10\x20" * 24_000)
        await until(lambda: bool(lost))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    speaker.close()

    pcm, rate = read_wav(tmp_path / "full.wav")
    assert [(str(error), error.exit_code) for error in lost] == [
        (f"{tmp_path / 'full.wav'} ends here: File too large", ExitCode.UNEXPECTED)
    ]
    assert not speaker.audible
    assert rate == 24_000
    assert len(pcm) == 960 * 5  # the blocks that fit whole


async def test_a_file_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    """The old one is as it was; a replaced one has its owner for a reader alone."""
    file = tmp_path / "a.wav"
    file.write_bytes(b"old")
    file.chmod(0o644)
    with pytest.raises(InputError, match=r"a\.wav: it exists already"):
        WavSpeaker(file).open()
    assert file.read_bytes() == b"old"

    speaker = WavSpeaker(file, replace=True)
    speaker.open()
    speaker.play("item", 0, b"\x10\x20" * 2400)
    await until(lambda: not speaker.audible)
    speaker.close()
    assert read_wav(file)[1] == 24_000
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_pipe_gets_the_sound_as_it_is_played(tmp_path: Path) -> None:
    """Its header says that the length is not known: it cannot be put right afterwards."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    speaker = WavSpeaker(tmp_path / "pipe")
    speaker.open()
    speaker.play("item", 0, b"\x10\x20" * 2400)
    await until(lambda: not speaker.audible)
    speaker.close()
    data = os.read(reader, 100_000)
    os.close(reader)

    assert data[:8] == b"RIFF\xff\xff\xff\xff"
    assert b"\x10\x20" * 2000 in data
