"""The interfaces of speech engines: voice detector, recognizer, voice.

Audio is 24 kHz PCM16 mono `bytes` everywhere. All but `SpeechDetector.feed` blocks and is called in threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where speech starts or stops.

    `sample` counts from the detector's first sample (`reset` does not set it back): the first sample of speech, or
    the one after the last. A stop is reported once `silence_ms` of silence have followed it.
    """

    speaking: bool
    sample: int


class SpeechDetector(Protocol):
    """Follows one stream of audio; runs on the loop, so a chunk of 500 ms must take far less than 500 ms."""

    def feed(self, pcm: bytes) -> list[Boundary]:
        """The decisions that these samples lead to, starts and stops in turn."""

    def reset(self) -> None:
        """Forget speech that is open: the next decision is a start. Positions go on counting."""


@runtime_checkable
class TellsProbabilities(Protocol):
    """A detector that can say what it made of the last seconds."""

    recent: Sequence[float]  # the probability of speech in each step, the last one newest


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """`threshold` from 0 (everything is speech) to 1; `silence_ms` of silence end a turn."""

    # the defaults of turn_detection in the API
    threshold: float = 0.5
    silence_ms: int = 500


DetectorFactory: TypeAlias = Callable[[DetectorSettings], SpeechDetector]


class Recognizer(Protocol):
    """Speech to text. `partials` says that it is quick enough to be asked again while the user still speaks."""

    partials: bool

    def transcribe(self, pcm: bytes) -> str:
        """What was said; "" for silence and noise."""


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """A piece of audio, and the text that it says ("" where it goes on with the text of the piece before)."""

    text: str
    pcm: bytes


class Voice(Protocol):
    """Text to speech."""

    def speak(self, text: str, voice: str, speed: float) -> Iterator[SpokenChunk]:
        """Say `text` (a sentence or a few) in the API's voice of that name.

        The texts of the chunks, joined, are `text`. What cannot be spoken has no audio and is still in the text.
        """


@runtime_checkable
class SpeaksAtOnce(Protocol):
    """A voice that makes a chunk in microseconds: it is called on the loop, where a thread would cost more."""

    instant: bool


@dataclass(frozen=True, slots=True)
class Engines:
    """One set of engines. `names` says which they are, in words for the user."""

    detector: DetectorFactory
    recognizer: Recognizer | None  # None: speech is not transcribed
    voice: Voice
    names: tuple[str, ...]
