"""What the program counts as heard, against a recording of the room, when the device or the program is disturbed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from rtcli.audio.stream import BLOCK_MS
from tests.kit.retry_on_glitch import retry_on_glitch
from tests.kit.sound_card import Recording, SoundCard
from tests.kit.terminal import Terminal
from tests.kit.waiting import until
from tests.kit.waveforms import RATE, heard_ms, samples_of
from tests.sound.conftest import devices_of
from tests.sound.test_chat import LATENCY, on, the_cut, until_heard, until_quiet
from tests.sound.test_conversation import Talking, talking

FADE = 15


def stall(_card: SoundCard) -> None:
    """The interpreter does nothing for 0.4 s, the device's thread neither: it runs dry."""
    ctypes.PyDLL(None).usleep(400_000)


def suspend(card: SoundCard) -> None:
    """The device sleeps for half a second."""
    for state in ("1", "0"):
        subprocess.run(["pactl", "suspend-sink", "room_a", state], env=card.environ, check=True)
        time.sleep(0.5)  # not a wait for something: the length of the suspension, and of what is heard after it


async def cut(talk: Talking, room: Recording, noise: bytes) -> tuple[int, float]:
    """Interrupt: audio_end_ms, and what the room heard."""
    await talk.live.run("/interrupt")
    await talk.live.until(lambda: talk.live.events("conversation.item.truncated"))
    await until(lambda: room.quiet_ms() > 200)
    ((end, _, _),) = talk.cuts
    return end, heard_ms(room.sound(), samples_of(noise))


@pytest.mark.parametrize("disturb", [stall, pytest.param(suspend, marks=pytest.mark.slow)])
@retry_on_glitch
async def test_a_disturbed_device_counts_what_it_played(
    card: SoundCard, scripted_server: str, noise: bytes, disturb: Callable[[SoundCard], None]
) -> None:
    """The pause is not heard, what is played after it is: the cut is where the room stopped hearing."""
    async with talking(scripted_server, listen=False) as talk:
        with card.record() as room:
            talk.live.session.talk.say("go on")
            await talk.played(500)
            disturb(card)
            await talk.played(1400)
            end, heard = await cut(talk, room, noise)

    assert -BLOCK_MS <= heard - end <= BLOCK_MS + LATENCY + FADE


@retry_on_glitch
async def test_after_a_loss_nothing_more_is_heard(card: SoundCard, scripted_server: str, noise: bytes) -> None:
    """The count stops where the room did, and another device does not take it up again; what was lost is told."""
    with SoundCard() as other, contextlib.ExitStack() as first:
        first.enter_context(devices_of(other))
        async with talking(scripted_server, listen=False) as talk:
            with other.record() as room:
                talk.live.session.talk.say("go on")
                await talk.played(1000)
                key = talk.speaker.current
                assert key is not None
                other.kill()
                await talk.live.until(lambda: talk.live.session.audio.speaker is None)
            first.close()
            told = talk.live.session.state.audio.heard_ms(*key)
            await talk.live.run("/audio out room_a")
            with card.record() as elsewhere:
                await talk.live.run("/interrupt")
                await talk.live.until(lambda: talk.live.events("conversation.item.truncated"))
                silent = not len(elsewhere.sound())
            (truncate,) = talk.live.events("conversation.item.truncate")

    assert told is not None and told == truncate["audio_end_ms"]
    assert -BLOCK_MS <= heard_ms(room.sound(), samples_of(noise), fade_ms=0) - told <= BLOCK_MS + LATENCY
    assert silent
    assert [notice for notice in talk.live.notices if "lost with the speaker" in notice]


@pytest.mark.slow
@retry_on_glitch
def test_a_program_that_was_stopped_goes_on_where_it_was(card: SoundCard, scripted_server: str, noise: bytes) -> None:
    """Ctrl+Z and fg in the middle of an answer."""
    command = " ".join([sys.executable, "-m", "rtcli", "chat", *(f"'{word}'" for word in on(scripted_server))])
    shell = {**card.settings, "PS1": "$ ", "PATH": os.environ["PATH"]}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], columns=140, environ=shell) as terminal:
        terminal.wait_for("$")
        terminal.send(command + "\r")
        terminal.wait_for(" left │")
        with card.record() as room:
            terminal.send("go on\r")
            until_heard(terminal, room, 700)
            terminal.send("\x1a")
            terminal.wait_for("Stopped")
            until_quiet(terminal, room)
            terminal.send("fg\r")
            terminal.wait_for(lambda: room.quiet_ms() == 0)
            until_heard(terminal, room, len(room.sound()) * 1000 // RATE + 700)
            terminal.send("\x1b")
            terminal.wait_for("audio_end_ms=")
            until_quiet(terminal, room)
        terminal.send("\x15/quit\r")
        terminal.wait_for(lambda: terminal.text().rstrip().endswith("$"))
        heard, end = heard_ms(room.sound(), samples_of(noise)), the_cut(terminal)

    assert -BLOCK_MS <= heard - end <= BLOCK_MS + LATENCY + FADE
