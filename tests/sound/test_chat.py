"""`rtcli chat` in a terminal with a microphone and a speaker: what a user says, presses, hears and sees."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import read_wav, write_wav
from tests.kit.program import rtcli
from tests.kit.retry_on_glitch import over_the_card, retry_on_glitch
from tests.kit.sound_card import Recording, SoundCard
from tests.kit.terminal import Terminal
from tests.kit.waveforms import RATE, heard_ms, samples_of
from tests.sound.conftest import Say

PAUSE = bytes(RATE)  # 0.5 s
LATENCY = 50  # of the card, as the figures of the benchmark say: 43 ms
_CUT = re.compile(r"received \d+ ms, heard (\d+) ms -> audio_end_ms=(\d+)")


@contextlib.contextmanager
def chatting(card: SoundCard, *options: str) -> Iterator[Terminal]:
    """`rtcli chat` on the card; waits until it has connected."""
    argv = [sys.executable, "-m", "rtcli", "chat", *options]
    with Terminal(argv, columns=140, environ=card.settings) as terminal:
        terminal.wait_for(" left │")
        yield terminal
        terminal.send("\x15/quit\r")
        assert terminal.wait_exit() == 0


def on(url: str, *options: str) -> tuple[str, ...]:
    """The first speaker and the microphone, and that server."""
    return ("--url", url, "--out", "room_a", "--in", "booth", *options)


def until_heard(terminal: Terminal, recording: Recording, milliseconds: int) -> None:
    terminal.wait_for(lambda: len(recording.sound()) * 1000 // RATE >= milliseconds)


def until_quiet(terminal: Terminal, recording: Recording) -> None:
    terminal.wait_for(lambda: recording.quiet_ms() > 300)


def until_said(terminal: Terminal, words: str) -> None:
    """Wait for words; how a recognizer writes their capitals is its own affair."""
    with over_the_card():
        terminal.wait_for(lambda: words in terminal.text().lower())


def the_cut(terminal: Terminal) -> int:
    """audio_end_ms, as the line of arithmetic says it."""
    text = terminal.text().replace("\n", "")
    ((heard, end),) = set(_CUT.findall(text))
    assert heard == end
    return int(end)


@retry_on_glitch
def test_the_first_minute_a_voice_is_heard_and_answered(card: SoundCard, hearing_server: str, say: Say) -> None:
    """`rtcli chat --local --mic`, no key, no network: words go in and come back, on the default devices."""
    with chatting(card, "--local", "--mic") as terminal, card.record() as recording:
        terminal.wait_for("mic ")
        card.speak(say("Say good morning to all of you.") + PAUSE)
        until_said(terminal, "○ say good morning to all of you")
        until_said(terminal, "● good morning to all of you")
        until_quiet(terminal, recording)
        assert "was disconnected" not in terminal.text() and "rror" not in terminal.text()


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("\x1b", id="esc"),
        pytest.param("/interrupt\r", id="command", marks=pytest.mark.slow),
        pytest.param("stop\r", id="typing", marks=pytest.mark.slow),
    ],
)
@retry_on_glitch
def test_a_barge_in_says_where_the_room_stopped_hearing(
    card: SoundCard, scripted_server: str, noise: bytes, keys: str
) -> None:
    """The number on the screen is what the monitor recorded, to one block, the device's latency and the fade."""
    with chatting(card, *on(scripted_server)) as terminal, card.record() as recording:
        terminal.send("go on\r")
        until_heard(terminal, recording, 700)
        terminal.send(keys)
        terminal.wait_for("audio_end_ms=")
        until_quiet(terminal, recording)

        room = heard_ms(recording.sound(), samples_of(noise))
        assert -BLOCK_MS <= room - the_cut(terminal) <= BLOCK_MS + LATENCY + 15


@retry_on_glitch
def test_a_spoken_barge_in_stops_the_assistant(card: SoundCard, hearing_server: str, say: Say) -> None:
    """Who says stop is heard over the assistant, in the default echo mode, and its words are told apart."""
    with chatting(card, *on(hearing_server, "--mic")) as terminal, card.record() as recording:
        terminal.send("count to 60\r")
        until_heard(terminal, recording, 1500)
        card.speak(say("Say enough of that."))
        with over_the_card():
            terminal.wait_for("audio_end_ms=")
            terminal.wait_for("not heard:")
        until_said(terminal, "enough of that")


@retry_on_glitch
def test_f4_talks_and_ends_the_turn(card: SoundCard, hearing_server: str, say: Say) -> None:
    """No key is held: one press begins, the next one sends."""
    with chatting(card, *on(hearing_server)) as terminal, card.record("booth_in") as booth:
        terminal.send("\x1bOS")
        terminal.wait_for("talk now")
        card.speak(say("Say good evening.") + PAUSE)
        terminal.wait_for(lambda: booth.quiet_ms() > 300)
        terminal.send("\x1bOS")
        terminal.wait_for("turn sent")
        until_said(terminal, "● good evening")


def test_f2_opens_and_mutes_the_microphone(card: SoundCard, scripted_server: str) -> None:
    """It is closed until the user asks, and the toolbar says which it is."""
    with chatting(card, *on(scripted_server)) as terminal:
        terminal.send("\x1bOQ")
        terminal.wait_for("microphone live")
        terminal.send("\x1bOQ")
        terminal.wait_for("microphone muted")


def test_devices_that_vanish_are_told_in_a_line_and_text_goes_on(own_card: SoundCard, scripted_server: str) -> None:
    """Nothing that a library writes reaches the screen; the next answer is text."""
    with chatting(own_card, *on(scripted_server, "--mic")) as terminal:
        with own_card.record() as recording:
            terminal.send("go on\r")
            until_heard(terminal, recording, 300)
            own_card.kill()
        terminal.wait_for("the speaker 'room_a' was disconnected")
        terminal.wait_for("the microphone 'booth' was disconnected")
        terminal.send("/interrupt\r")
        terminal.send("count to three hundred\r")
        terminal.wait_for("● You said: count to three hundred")
        text = terminal.text()
        assert "Expression" not in text and "ALSA" not in text and "pa_linux" not in text


async def test_files_take_the_place_of_devices_in_a_pipe(hearing_server: str, say: Say, tmp_path: Path) -> None:
    """A machine without any: what is said in a file is answered, and the answer is another file."""
    write_wav(tmp_path / "in.wav", say("Say good night."))
    ended = await rtcli(
        *("chat", "--url", hearing_server, "--audio-in", str(tmp_path / "in.wav")),
        *("--audio-out", str(tmp_path / "out.wav")),
    )

    assert ended.code == 0, ended
    assert "good night" in ended.out.lower()
    pcm, rate = read_wav(tmp_path / "out.wav")
    assert rate == RATE and abs(samples_of(pcm)).max() > 1000


def test_files_take_the_place_of_devices_at_a_prompt(hearing_server: str, say: Say, tmp_path: Path) -> None:
    """The same in a terminal, where the user may type as well."""
    write_wav(tmp_path / "in.wav", say("Say good night."))
    argv = [sys.executable, "-m", "rtcli", "chat", "--url", hearing_server]
    argv += ["--audio-in", str(tmp_path / "in.wav"), "--audio-out", str(tmp_path / "out.wav")]
    with Terminal(argv, columns=140) as terminal:
        until_said(terminal, "● good night")
        terminal.send("/quit\r")
        assert terminal.wait_exit() == 0

    assert len(read_wav(tmp_path / "out.wav")[0]) > RATE


def test_a_device_that_was_asked_for_and_is_not_there_ends_the_program(card: SoundCard) -> None:
    """Exit code 7, and a line with what there is."""
    argv = [sys.executable, "-m", "rtcli", "chat", "--local", "--out", "kitchen"]
    with Terminal(argv, columns=140, environ=card.settings) as terminal:
        assert terminal.wait_exit() == 7
        assert "kitchen" in terminal.text() and "room_a" in terminal.text()
