"""What arrives is played, and what was heard of it is known."""

from __future__ import annotations

import pytest

from rtcli.errors import AudioUnavailableError
from rtcli.protocol.payloads import TransportAudio
from rtcli.timeline.figures import FIGURES
from tests.kit.sessions import ManualSpeaker, live_session

SOUND = {"output_modalities": ["audio"]}


async def test_without_a_speaker_the_session_asks_for_text_and_says_so_once() -> None:
    """No output device is not an error, and no silent session either."""
    async with live_session() as live:
        assert live.session.status.modalities == ("text",)
        assert sum("answers will be text" in notice for notice in live.notices) == 1


async def test_a_speaker_that_cannot_be_had_is_named_and_text_asked_for() -> None:
    """The device's own reason reaches the user."""
    async with live_session(speaker=ManualSpeaker(available=False)) as live:
        assert live.session.status.modalities == ("text",)
        assert [notice for notice in live.notices if "answers will be text" in notice] == [
            "no output device: answers will be text | this machine has none | "
        ]


async def test_who_chose_text_or_sound_is_not_lectured() -> None:
    """A config that names its modalities is taken as it is."""
    async with live_session(config={"output_modalities": ["audio"]}) as live:
        assert live.session.status.modalities == ("audio",)
        assert live.notices == []


async def test_what_arrives_is_played_and_late_sound_is_not() -> None:
    """Every byte that arrives before a cut reaches the speaker, none after it."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_audio.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        key = next(iter(speaker.queued))

        assert len(speaker.pcm) // 48 == live.session.transport.playback.received_ms(*key)
        assert speaker.finished == [key]


@pytest.mark.parametrize(("kind", "rate"), [("audio/pcmu", 8000), ("audio/pcma", 8000)])
async def test_telephone_sound_is_played_at_24_khz(kind: str, rate: int) -> None:
    """Whatever format the session speaks, the speaker gets its 24 kHz PCM16, of the same length."""
    config = {**SOUND, "audio": {"output": {"format": {"type": kind}}}}
    async with live_session(speaker=ManualSpeaker(), config=config) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_audio.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        key = next(iter(speaker.queued))

        assert abs(speaker.queued[key] - live.session.transport.playback.received_ms(*key)) <= 2


async def test_the_first_sample_heard_is_measured() -> None:
    """From the request to the moment at which the device gives it out."""

    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        speaker.hear(20)
        (turn,) = live.session.state.timeline.turns
        await live.until(lambda: FIGURES["first_sample"].of(turn))

        assert (FIGURES["first_sample"].of(turn) or 0) >= (FIGURES["first_audio"].of(turn) or 0) > 0


async def test_what_is_lost_with_a_speaker_is_never_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count stands where it stood, on another device too; what came in between is told, and is not played."""
    speaker, other = ManualSpeaker(), ManualSpeaker()
    monkeypatch.setattr("rtcli.audio.speaker.Speaker", lambda _name: other)
    async with live_session(speaker=speaker, config=SOUND) as live:
        await live.run("count to 30")
        await live.until(lambda: len(live.records("response.output_audio.delta")) > 3)
        speaker.hear(500)
        assert speaker.on_lost is not None
        speaker.on_lost(AudioUnavailableError("the speaker is gone"))
        await live.until(lambda: live.records("response.done"))
        live.session.audio.choose_output("other")
        item = live.events("response.output_audio.delta")[0]["item_id"]
        received = live.session.state.audio.received_ms(item, 0)

        assert live.session.state.audio.heard_ms(item, 0) == 500 and not other.pcm
        told = [notice for notice in live.notices if "lost with the speaker" in notice]
        assert len(told) == 1 and told[0].startswith(f"{(received - 500) / 1000:.1f} s of an answer")
        await live.run("hello")
        await live.until(lambda: len(live.records("response.done")) == 2)
        assert live.session.state.audio.heard_ms(item, 0) == 500


async def test_a_part_that_began_without_the_speaker_is_not_played_from_its_middle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its positions would be those of its beginning; the next answer is played."""
    speaker, other = ManualSpeaker(), ManualSpeaker()
    monkeypatch.setattr("rtcli.audio.speaker.Speaker", lambda _name: other)
    async with live_session(speaker=speaker, config=SOUND) as live:
        assert speaker.on_lost is not None
        speaker.on_lost(AudioUnavailableError("the speaker is gone"))
        transport = live.session.transport
        transport.emit("audio", TransportAudio(data=bytes(960), response_id="r", item_id="i", content_index=0))
        live.session.audio.choose_output("other")
        transport.emit("audio", TransportAudio(data=bytes(960), response_id="r", item_id="i", content_index=0))
        assert not other.pcm
        transport.emit("audio", TransportAudio(data=bytes(960), response_id="s", item_id="j", content_index=0))

        assert len(other.pcm) == 960
