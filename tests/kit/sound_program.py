"""A conversation through real devices, in a process of its own: PortAudio looks for devices once, when it is loaded."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from rtcli.audio.devices import list_devices
from rtcli.audio.microphone import Microphone
from rtcli.audio.speaker import Speaker
from tests.kit.sessions import Live, live_session
from tests.kit.waiting import until


def tell(**facts: Any) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def interrupted(live: Live, speaker: Speaker) -> None:
    """A long answer that is cut after about a second of it."""
    live.session.say("count to 30")
    await until(lambda: speaker.current and (speaker.heard_ms(*speaker.current) or 0) >= 1000)
    key = speaker.current
    assert key is not None
    live.session.interrupt()
    taken = speaker.taken_ms(*key)
    (cut,) = live.events("conversation.item.truncate")
    (notice,) = [n for n in live.notices if n.startswith("interrupted")]
    tell(cut=cut["audio_end_ms"], taken=taken, latency=speaker.latency_ms, notice=notice, underruns=speaker.underruns)


async def spoken_to(live: Live, speaker: Speaker) -> None:
    """Speech comes in, is taken for a turn, and answered."""
    live.session.sound.set_echo("off")
    await until(lambda: not speaker.audible)
    live.session.unmute()
    tell(listening=True)
    stopped = await live.until(lambda: live.events("input_audio_buffer.speech_stopped"), 20)
    started = live.events("input_audio_buffer.speech_started")
    live.session.mute()
    await live.until(lambda: len(live.events("response.done")) == 2, 20)
    await live.session.idle(20)
    (turn,) = live.session.measure().turns.turns[-1:]
    tell(
        speech_ms=stopped[0]["audio_end_ms"] - started[0]["audio_start_ms"],
        played_after_ms=turn.after(turn.played),
        level=live.session.sound.microphone.level_db if live.session.sound.microphone else None,
    )


async def main() -> None:
    """Interrupt an answer, then be spoken to."""
    names = [device.name for device in list_devices()]
    tell(devices=names)
    speaker = Speaker("pulse")
    detection = {"type": "server_vad", "silence_duration_ms": 400}
    config = {"output_modalities": ["audio"], "audio": {"input": {"turn_detection": detection}}}
    async with live_session(speaker=speaker, microphone=Microphone(device="pulse"), config=config) as live:
        await interrupted(live, speaker)
        await spoken_to(live, speaker)


asyncio.run(main())
