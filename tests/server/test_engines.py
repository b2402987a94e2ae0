"""Engines: which are loaded, what stands in, and how the server uses them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

from rtcli.errors import UsageError
from rtcli.server import RealtimeServer
from rtcli.server.engines import Boundary, DetectorSettings, Engines, SpokenChunk
from rtcli.server.voice.basic_engines import basic_engines
from rtcli.server.voice.choice import load_engines
from rtcli.server.voice.tone import ToneVoice
from tests.kit.waveforms import peak_db
from tests.server.client import said, session
from tests.server.playbook import silence, voice


class Listener:
    """A recognizer that hears the same every time, or fails."""

    partials = True

    def __init__(self, text: str | None) -> None:
        self._text = text

    def transcribe(self, pcm: bytes) -> str:
        if self._text is None:
            raise RuntimeError("deaf")
        return self._text


class Speaker:
    """A voice that says a sentence in one chunk, or fails."""

    def __init__(self, *, broken: bool = False) -> None:
        self._broken = broken
        self.texts: list[str] = []

    def speak(self, text: str, voice_name: str, speed: float) -> Iterator[SpokenChunk]:
        if self._broken:
            raise RuntimeError("hoarse")
        self.texts.append(text)
        yield SpokenChunk(text, silence(0.02 * len(text)))


def with_engines(text: str | None = "Count to 3.", *, broken: bool = False) -> Engines:
    return Engines(basic_engines().detector, Listener(text), Speaker(broken=broken), ("test engines",))


def test_the_basic_detector_finds_speech_in_samples() -> None:
    """A start and a stop, counted from the first sample."""
    changes = basic_engines().detector(DetectorSettings(silence_ms=200)).feed(silence(1) + voice(1) + silence(1))

    assert [change.speaking for change in changes] == [True, False]
    assert changes[0].sample == pytest.approx(24_000, abs=500)
    assert isinstance(changes[0], Boundary)


def test_a_tone_for_every_word() -> None:
    """The texts joined are the text; every word sounds, softly; each voice has its own pitch."""
    text = "Hello there,  my friend.\nBye"
    chunks = list(ToneVoice().speak(text, "alloy", 1.0))
    other = list(ToneVoice().speak(text, "cedar", 1.0))

    assert "".join(chunk.text for chunk in chunks) == text
    assert all(-25 < peak_db(chunk.pcm) < -10 for chunk in chunks)
    assert chunks[0].pcm != other[0].pcm


def test_speed_is_heard() -> None:
    """Twice as slow takes longer."""
    lengths = [sum(len(c.pcm) for c in ToneVoice().speak("one two three", "ash", speed)) for speed in (0.5, 1.0, 1.5)]

    assert lengths == sorted(lengths, reverse=True)


def test_a_tone_begins_and_ends_softly() -> None:
    """No click at either end."""
    (chunk,) = ToneVoice().speak("hello", "alloy", 1.0)
    samples = np.abs(np.frombuffer(chunk.pcm, "<i2").astype(int))

    assert samples[0] == samples[-1] == 0
    assert samples[:20].max() < 0.1 * samples.max()


@pytest.fixture
def voice_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """In the place of the real engines' package."""
    module = ModuleType("rtcli.server.voice.loading")
    monkeypatch.setitem(sys.modules, "rtcli.server.voice.loading", module)
    return module


def test_auto_takes_real_engines_where_they_can_be_had(voice_module: ModuleType) -> None:
    """And `tone` does not."""
    real = with_engines()
    voice_module.load = lambda: real  # type: ignore[attr-defined]

    assert load_engines("auto") is load_engines("voice") is real
    assert load_engines("tone").recognizer is None


@pytest.mark.parametrize("error", [ImportError("no module"), UsageError("weights are missing")])
def test_without_them_auto_goes_on_and_voice_says_so(voice_module: ModuleType, error: Exception) -> None:
    """Tones, or an error with what to install."""

    def load() -> Engines:
        raise error

    voice_module.load = load  # type: ignore[attr-defined]

    assert load_engines("auto").names == basic_engines().names
    with pytest.raises(UsageError, match=str(error)) as caught:
        load_engines("voice")
    assert "rtcli[voice]" in caught.value.hint


def test_an_unknown_choice_is_refused() -> None:
    """With what there is."""
    with pytest.raises(UsageError, match="loud"):
        load_engines("loud")


# in a server ----------------------------------------------------------------------------------------------------------


async def test_what_is_heard_is_answered_and_transcribed() -> None:
    """The transcript arrives, and the answer is to what was said."""
    async with (
        RealtimeServer(pace=0, engines=with_engines()) as server,
        session(server, audio={"input": {"transcription": {"model": "whisper-1"}}}) as client,
    ):
        await client.append_audio(silence(1) + voice(1) + silence(1))
        done = await client.until("response.done")
        (completed,) = [e for e in client.seen if e["type"].endswith("transcription.completed")]

    assert completed["transcript"] == "Count to 3."
    assert said(done["response"]) == "1, 2, 3."


async def test_a_streaming_transcriber_is_heard_before_the_turn_ends() -> None:
    """Deltas between speech_started and speech_stopped."""
    async with (
        RealtimeServer(pace=0, engines=with_engines("Count to 3. Please")) as server,
        session(server, audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}}) as client,
    ):
        await client.append_audio(silence(1) + voice(2))
        delta = await client.until("conversation.item.input_audio_transcription.delta")
        await client.append_audio(silence(1))
        await client.until("response.done")

    assert delta["delta"].startswith("Count")
    assert client.types().index("input_audio_buffer.speech_stopped") > client.seen.index(delta)


async def test_a_recognizer_that_fails_ends_nothing() -> None:
    """The transcription fails, the session goes on."""
    async with (
        RealtimeServer(pace=0, engines=with_engines(None)) as server,
        session(server, audio={"input": {"transcription": {"model": "whisper-1"}}}) as client,
    ):
        await client.append_audio(silence(1) + voice(1) + silence(1))
        await client.until("response.done")

        assert said(await client.ask("Say: still here", output_modalities=["text"])) == "still here"
    assert "conversation.item.input_audio_transcription.failed" in client.types()


async def test_a_voice_that_fails_fails_its_response() -> None:
    """And no more."""
    async with RealtimeServer(pace=0, engines=with_engines(broken=True)) as server, session(server) as client:
        failed = await client.ask("Say: hello")
        written = await client.ask("Say: still here", output_modalities=["text"])

    assert (failed["status"], failed["status_details"]["error"]["type"]) == ("failed", "server_error")
    assert said(written) == "still here"


async def test_semantic_vad_asks_the_recognizer_whether_a_sentence_is_complete() -> None:
    """It is, so 500 ms of silence are enough: the audio that was sent holds no more."""
    semantic = {"input": {"turn_detection": {"type": "semantic_vad"}}}
    async with (
        RealtimeServer(pace=0, engines=with_engines()) as server,
        session(server, audio=semantic) as client,
    ):
        await client.append_audio(silence(1) + voice(1) + silence(0.7))
        await client.until("response.done")

    assert "input_audio_buffer.speech_stopped" in client.types()


async def test_a_long_chunk_is_sent_in_pieces_with_its_words_ahead() -> None:
    """A sentence in one chunk of audio goes out in pieces of at most 200 ms, its words spread over them."""
    async with RealtimeServer(pace=0, engines=with_engines()) as server, session(server) as client:
        await client.ask("Say: one two three four five six seven eight nine ten eleven twelve thirteen fourteen")
        order = [e["type"].split(".")[1] for e in client.seen if e["type"].endswith("delta")]

    words = [index for index, kind in enumerate(order) if kind == "output_audio_transcript"]
    deltas = [index for index, kind in enumerate(order) if kind == "output_audio"]
    assert len(words) == 14
    assert len(deltas) > 5
    assert words[0] < deltas[0] < words[-1] < deltas[-1]


async def test_what_goes_on_without_a_full_stop_is_said_in_parts() -> None:
    """The voice never gets more than a long sentence, and nothing is lost."""
    engines, words = with_engines(), "over and over again " * 60
    async with RealtimeServer(pace=0, engines=engines) as server, session(server) as client:
        answer = said(await client.ask(f"Say: {words}"))

    assert isinstance(engines.voice, Speaker)
    assert len(engines.voice.texts) > 4
    assert max(map(len, engines.voice.texts)) < 300
    assert answer == "".join(engines.voice.texts) == words.strip()


async def test_real_engines_that_are_missing_are_logged_to_whoever_needs_them(voice_module: ModuleType) -> None:
    """The server runs; whoever asks for its engines learns why there are none."""

    def load() -> Engines:
        raise ImportError("nothing here")

    voice_module.load = load  # type: ignore[attr-defined]
    async with RealtimeServer(voice="voice") as server:
        with pytest.raises(UsageError, match="nothing here"):
            await server.engines()
