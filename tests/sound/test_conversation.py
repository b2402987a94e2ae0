"""Conversations through a real sound card: heard, answered, interrupted, muted, moved to other devices."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rtcli.audio.microphone import Microphone
from rtcli.audio.speaker import Speaker
from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import write_wav
from rtcli.protocol.audio_formats import decode_base64
from rtcli.protocol.payloads import TransportAudio
from rtcli.protocol.record import Frame
from rtcli.session import setting_paths as settings
from rtcli.session.audio_devices import device_names
from rtcli.session.audio_output import SpeakerLike
from rtcli.timeline.figures import FIGURES
from rtcli.views import View
from tests.kit.retry_on_glitch import over_the_card, retry_on_glitch
from tests.kit.sessions import Live, session_on
from tests.kit.sound_card import SoundCard
from tests.kit.waiting import until
from tests.kit.waveforms import RATE, Samples, heard_ms, quiet_ms, samples_of, share_heard
from tests.sound.conftest import Say

WAITS = {"type": "server_vad", "create_response": False, "silence_duration_ms": 300}
PAUSE = bytes(RATE)  # 0.5 s

Talk = Callable[..., contextlib.AbstractAsyncContextManager["Talking"]]


@dataclass
class Talking:
    """A session on the card: what it received, and where the device was when it cut."""

    live: Live
    received: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)
    cuts: list[tuple[int, int, int]] = field(default_factory=list)
    """audio_end_ms, the milliseconds that the device had taken then, and its latency."""

    @property
    def speaker(self) -> SpeakerLike:
        assert self.live.session.audio.speaker is not None
        return self.live.session.audio.speaker

    async def played(self, milliseconds: int) -> None:
        """Wait until so much of an answer was heard."""
        await until(lambda: (key := self.speaker.current) and (self.speaker.heard_ms(*key) or 0) >= milliseconds)

    def saw(self, view: View) -> None:
        event: Mapping[str, Any] = (isinstance(view, Frame) and view.event) or {"type": ""}
        if event["type"] == "input_audio_buffer.append":
            self.sent += decode_base64(event["audio"])
        if event["type"] == "conversation.item.truncate":
            speaker, key = self.speaker, (event["item_id"], event["content_index"])
            assert isinstance(speaker, Speaker)
            self.cuts.append((event["audio_end_ms"], speaker.consumed_ms(*key), speaker.latency_ms))

    async def said(self, start: int) -> Samples:
        """What went out of the microphone since that byte, when all of it has."""
        await until(lambda: quiet_ms(samples_of(bytes(self.sent[start:]))) > 200)
        return samples_of(bytes(self.sent[start:]))


@contextlib.asynccontextmanager
async def talking(url: str, *, detection: dict[str, Any] | None = None, listen: bool = True) -> AsyncIterator[Talking]:
    """A session at an address, on the first speaker and the microphone."""
    config: dict[str, Any] = {"output_modalities": ["audio"]}
    config["audio"] = {"input": {"turn_detection": detection, "transcription": {"model": "whisper-1"}}}
    async with session_on(url, speaker=Speaker("room_a"), microphone=Microphone(device="booth"), config=config) as live:
        talk = Talking(live)
        live.session.subscribe(talk.saw)

        def arrived(audio: TransportAudio) -> None:
            talk.received += audio.data

        live.session.transport.on("audio", arrived)
        if listen:
            live.session.audio.unmute()
            await live.until(lambda: live.records("input_audio_buffer.append"))
        yield talk


@retry_on_glitch
async def test_what_is_said_is_transcribed_and_the_answer_heard(card: SoundCard, hearing_server: str, say: Say) -> None:
    """From a voice at the microphone to a voice in the room, and what the room hears is what the server sent."""
    async with talking(hearing_server, detection={"type": "server_vad"}) as talk:
        with card.record() as recording:
            card.speak(say("Say good morning.") + PAUSE)
            with over_the_card():
                await talk.live.until(lambda: talk.live.events("response.done"), 20)
            await talk.live.idle()
            await until(lambda: recording.quiet_ms() > 200)

        with over_the_card():
            (heard,) = talk.live.events("conversation.item.input_audio_transcription.completed")
            assert "good morning" in heard["transcript"].lower()
            (answer,) = talk.live.events("response.output_audio_transcript.done")
            assert answer["transcript"].lower().startswith("good morning")
            assert share_heard(samples_of(bytes(talk.received)), recording.samples) >= 0.8
        (turn,) = talk.live.session.state.timeline.turns
        assert FIGURES["voice_to_ear"].of(turn) is not None, "the figures know when the first sample was played"


@pytest.mark.parametrize("way", ["/interrupt", "stop", "speech"])
@retry_on_glitch
async def test_a_barge_in_cuts_where_the_room_stopped_hearing(
    card: SoundCard, scripted_server: str, say: Say, noise: bytes, way: str
) -> None:
    """By command, by typing and by voice: within one block of the device, and its latency and a fade of the room."""
    async with talking(scripted_server, detection=WAITS) as talk:
        with card.record() as recording:
            talk.live.session.talk.say("go on")
            await talk.played(700)
            if way == "speech":
                card.speak(say("Stop, please."))
            else:
                await talk.live.run(way)
            with over_the_card():
                await talk.live.until(lambda: talk.live.events("conversation.item.truncated"))
            await until(lambda: recording.quiet_ms() > 200)

        ((end, consumed, latency),) = talk.cuts
        assert abs(end - (consumed - latency)) <= BLOCK_MS
        assert -BLOCK_MS <= heard_ms(recording.sound(), samples_of(noise)) - end <= BLOCK_MS + latency + 15
        assert any(f"heard {end} ms -> audio_end_ms={end}" in notice for notice in talk.live.notices)
        assert not talk.live.events("error")


@retry_on_glitch
async def test_an_answer_that_was_heard_to_its_end_is_not_cut(card: SoundCard, hearing_server: str, say: Say) -> None:
    """Who speaks after it interrupts nothing."""
    async with talking(hearing_server, detection=WAITS) as talk:
        talk.live.session.talk.say("say hello")
        await talk.live.idle()
        card.speak(say("Thank you.") + PAUSE)
        with over_the_card():
            await talk.live.until(lambda: talk.live.events("input_audio_buffer.speech_stopped"))

        assert talk.cuts == []
        assert not [notice for notice in talk.live.notices if notice.startswith("interrupted")]


@retry_on_glitch
async def test_mute_silences_what_is_sent(card: SoundCard, scripted_server: str, noise: bytes) -> None:
    """While it is muted not one event goes out, and what was said then never does."""
    async with talking(scripted_server, detection=None) as talk:
        await talk.live.run("/mute")
        before = len(talk.live.records("input_audio_buffer.append"))
        said = card.speak(noise[: RATE * 2])
        await asyncio.to_thread(said.wait)
        assert len(talk.live.records("input_audio_buffer.append")) == before
        with card.record("booth_in") as booth:
            await until(lambda: not booth.samples[-RATE // 10 :].any())
        start = len(talk.sent)
        await talk.live.run("/unmute")
        card.speak(noise[RATE * 4 : RATE * 5])
        heard = await talk.said(start)

        with over_the_card():
            assert share_heard(samples_of(noise[RATE * 4 : RATE * 5]), heard) >= 0.6
        assert share_heard(samples_of(noise[: RATE * 2]), heard) == 0


@retry_on_glitch
async def test_push_to_talk_takes_what_is_said_between_two_presses(
    card: SoundCard, hearing_server: str, say: Say
) -> None:
    """Voice detection is off meanwhile and comes back; what is said outside is not sent."""
    async with talking(hearing_server, detection={"type": "server_vad"}, listen=False) as talk:
        await talk.live.run("/ptt")
        session = talk.live.session
        assert settings.get(session.transport.session or {}, "audio.input.turn_detection") is None
        said = card.speak(say("Say good evening.") + PAUSE)
        await asyncio.to_thread(said.wait)
        await talk.live.run("/ptt")
        assert session.audio.muted
        await talk.live.until(lambda: talk.live.events("response.done"))
        (answer,) = talk.live.events("response.output_audio_transcript.done")
        with over_the_card():
            assert answer["transcript"].lower().startswith("good evening")
        assert not talk.live.events("input_audio_buffer.speech_started")

        await talk.live.run("/ptt off")
        assert settings.get(session.transport.session or {}, "audio.input.turn_detection.type") == "server_vad"


@retry_on_glitch
async def test_another_speaker_goes_on_with_the_answer(card: SoundCard, scripted_server: str, noise: bytes) -> None:
    """/audio out in the middle: the other room hears the rest, and an interruption there cuts at the right place."""
    async with talking(scripted_server, listen=False) as talk:
        with card.record("room_b") as recording:
            talk.live.session.talk.say("go on")
            await talk.played(500)
            await talk.live.run("/audio out room_b")
            await talk.played(1200)
            await talk.live.run("/interrupt")
            await talk.live.until(lambda: talk.live.events("conversation.item.truncated"))
            await until(lambda: recording.quiet_ms() > 200)

        ((end, consumed, latency),) = talk.cuts
        assert abs(end - (consumed - latency)) <= BLOCK_MS
        assert -BLOCK_MS <= heard_ms(recording.sound(), samples_of(noise)) - end <= BLOCK_MS + latency + 15


@retry_on_glitch
async def test_another_microphone_takes_over(card: SoundCard, scripted_server: str, noise: bytes) -> None:
    """/audio in while it listens, by number; an unknown one changes nothing."""
    async with talking(scripted_server, detection=None) as talk:
        with pytest.raises(Exception, match="kitchen"):
            await talk.live.run("/audio in kitchen")
        (number,) = [index for index, name in device_names("input") if name == "default"]
        await talk.live.run(f"/audio in {number}")
        start = len(talk.sent)
        card.speak(noise[:RATE])
        with over_the_card():
            assert share_heard(samples_of(noise[:RATE]), await talk.said(start)) >= 0.6


async def test_a_file_is_played_as_if_it_were_spoken(
    card: SoundCard, hearing_server: str, say: Say, tmp_path: Path
) -> None:
    """/play --commit makes it a turn at once; without it voice detection has to hear its end."""
    write_wav(tmp_path / "said.wav", say("Say good night."))
    async with talking(hearing_server, detection={"type": "server_vad"}, listen=False) as talk:
        await talk.live.run(f"/play {tmp_path / 'said.wav'}")
        await talk.live.until(lambda: talk.live.events("response.done"))
        assert talk.live.events("input_audio_buffer.speech_stopped")
        await talk.live.idle()
        await talk.live.run("/ptt on")
        await talk.live.run(f"/play {tmp_path / 'said.wav'} --commit")
        await talk.live.until(lambda: len(talk.live.events("response.done")) == 2)

        for answer in talk.live.events("response.output_audio_transcript.done"):
            assert answer["transcript"].lower().startswith("good night")


async def test_devices_that_vanish_leave_a_conversation_in_text(own_card: SoundCard, scripted_server: str) -> None:
    """One line for each device; the next answer is text, and nothing waits for sound that nobody plays."""
    async with talking(scripted_server, detection=WAITS) as talk:
        talk.live.session.talk.say("go on")
        await talk.played(300)
        own_card.kill()
        await talk.live.until(lambda: [n for n in talk.live.notices if "was disconnected" in n][1:])
        await talk.live.until(lambda: talk.live.session.status.modalities == ("text",))
        assert talk.live.session.status.muted and not talk.live.session.status.microphone
        talk.live.session.talk.interrupt()
        await talk.live.idle()
        talk.live.session.talk.say("count to three")
        await talk.live.idle()

        assert talk.live.session.transport.status == "connected"
        assert len([notice for notice in talk.live.notices if "was disconnected" in notice]) == 2
