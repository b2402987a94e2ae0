"""Sessions worth recording: what a user does in each, on whatever server it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rtcli.session.tools.signature import tool_of
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker
from tests.kit.waveforms import noise

SOUND = {"output_modalities": ["audio"]}
DETECTION = {"type": "server_vad", "silence_duration_ms": 300, "interrupt_response": False}
TALK = {**SOUND, "audio": {"input": {"turn_detection": DETECTION, "transcription": {"model": "whisper-1"}}}}


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def text(live: Live) -> None:
    await live.run("hello")
    await live.idle()
    await live.run("say what is done is done")
    await live.idle()


async def tools(live: Live) -> None:
    await live.run("what is the weather in Paris and in Rome?")
    await live.until(lambda: len(live.records("response.done")) == 2)
    await live.idle()


async def errors(live: Live) -> None:
    await live.run('{"type": "response.cancel", "event_id": "mine"}')
    await live.until(lambda: live.records("error"))
    await live.run('{"type": "conversation.item.delete", "item_id": "item_of_nobody"}')
    await live.until(lambda: len(live.records("error")) == 2)
    await live.run("hello")
    await live.idle()


def speaker_of(live: Live) -> ManualSpeaker:
    speaker = live.session.audio.speaker
    assert isinstance(speaker, ManualSpeaker)
    return speaker


async def interruption(live: Live) -> None:
    await live.run("count to 100")
    await live.until(lambda: len(live.records("response.output_audio.delta")) > 3)
    speaker_of(live).hear(250)
    await live.run("/interrupt")
    await live.until(lambda: live.records("conversation.item.retrieved"))
    await live.until(lambda: live.records("response.done"))
    speaker_of(live).hear()
    await live.idle()


async def voice(live: Live) -> None:
    microphone: Any = live.session.audio.microphone
    await live.run("/echo off")  # else the user is not heard over the assistant
    await live.run("/unmute")
    microphone.speak(noise(1) + bytes(48 * 1_000))
    await live.until(lambda: live.records("response.output_audio.done"))
    speaker_of(live).hear(100)
    microphone.speak(noise(1) + bytes(48 * 1_000))  # over the assistant, who was not heard to the end
    await live.until(lambda: len(live.records("response.done")) == 2)
    speaker_of(live).hear()
    await live.idle()


Scene = Callable[[Live], Awaitable[None]]
SCENES: Mapping[str, tuple[Scene, Callable[[], dict[str, Any]]]] = {
    "text": (text, dict),
    "tools": (tools, lambda: {"tools": [tool_of(get_weather)]}),
    "errors": (errors, dict),
    "interruption": (interruption, lambda: {"speaker": ManualSpeaker(), "config": SOUND}),
    "voice": (voice, lambda: {"speaker": ManualSpeaker(), "microphone": ManualMicrophone(), "config": TALK}),
}
