"""Where the user's turns start and end: server_vad, semantic_vad, or nothing at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import PCM16
from rtcli.server.engines import DetectorFactory, DetectorSettings, SpeechDetector, TellsProbabilities

SEMANTIC_PAUSE_MS = 500
SEMANTIC_PADDING_MS = 300
_EAGERNESS_MS = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*\s*\Z")


class Speech(Enum):
    """What the user is doing, as far as the detector can say."""

    QUIET = auto()
    SPEAKING = auto()
    PAUSING = auto()  # semantic_vad: silent, and nobody knows yet whether the sentence goes on


class TurnMarkKind(Enum):
    """What happened at a sample."""

    STARTED = auto()
    PAUSED = auto()  # a recognizer may now tell whether the sentence is complete
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class TurnMark:
    """`sample` counts over the session: the start of speech, or the end with the silence that proved it."""

    kind: TurnMarkKind
    sample: int


_Next: TypeAlias = tuple[Speech, TurnMarkKind | None]

# (state, the detector reports speech) -> (next state, mark), for the two kinds of detection.
_SERVER: dict[tuple[Speech, bool], _Next] = {
    (Speech.QUIET, True): (Speech.SPEAKING, TurnMarkKind.STARTED),
    (Speech.SPEAKING, False): (Speech.QUIET, TurnMarkKind.ENDED),
}
_SEMANTIC: dict[tuple[Speech, bool], _Next] = {
    (Speech.QUIET, True): (Speech.SPEAKING, TurnMarkKind.STARTED),
    (Speech.SPEAKING, False): (Speech.PAUSING, TurnMarkKind.PAUSED),
    (Speech.PAUSING, True): (Speech.SPEAKING, None),
}


class TurnDetection:
    """Follows one session's audio; made anew when `turn_detection` changes. `start` is the first sample it is fed."""

    def __init__(self, config: dict[str, Any], factory: DetectorFactory, start: int) -> None:
        self.semantic = config["type"] == "semantic_vad"
        self.silence_ms = SEMANTIC_PAUSE_MS if self.semantic else config["silence_duration_ms"]
        self.padding_ms = SEMANTIC_PADDING_MS if self.semantic else config["prefix_padding_ms"]
        self._limit_ms = _EAGERNESS_MS.get(config.get("eagerness", "auto"), 4_000)
        self._table = _SEMANTIC if self.semantic else _SERVER
        self.threshold: float = config.get("threshold", 0.5)
        settings = DetectorSettings(self.threshold, self.silence_ms)
        self._detector: SpeechDetector = factory(settings)
        self._offset = start  # the sample of the session that the detector counts as its first
        self._fed = 0  # samples, counted like the detector's
        self._voice_end = 0  # the sample after the last speech
        self.state = Speech.QUIET

    def __repr__(self) -> str:
        kind = "semantic_vad" if self.semantic else "server_vad"
        return f"<TurnDetection {kind}: {self.state.name.lower()} at sample {self._offset + self._fed}>"

    @property
    def probabilities(self) -> Sequence[float]:
        """Of speech, in the last seconds; none from a detector that does not tell."""
        return tuple(self._detector.recent) if isinstance(self._detector, TellsProbabilities) else ()

    def feed(self, pcm: bytes) -> list[TurnMark]:
        """What these samples bring, in order."""
        marks: list[TurnMark] = []
        self._fed += len(pcm) // 2
        for boundary in self._detector.feed(pcm):
            self.state, mark = self._table.get((self.state, boundary.speaking), (self.state, None))
            if not boundary.speaking:
                self._voice_end = boundary.sample
            if mark is TurnMarkKind.STARTED:
                marks.append(TurnMark(mark, self._offset + boundary.sample))
            elif mark is not None:
                marks.append(TurnMark(mark, self._end(self.silence_ms)))
        if self.state is Speech.PAUSING and self._fed - self._voice_end >= PCM16.samples(self._limit_ms):
            marks.append(self._finish(self._limit_ms))
        return marks

    def evaluate_pause(self, transcript: str) -> list[TurnMark]:
        """What was said before the pause has been transcribed: a complete sentence ends the turn."""
        if self.state is not Speech.PAUSING or not _SENTENCE_END.search(transcript):
            return []
        return [self._finish(self.silence_ms)]

    def reset(self) -> None:
        """The client committed or cleared: an open turn is dropped."""
        self.state = Speech.QUIET
        self._detector.reset()

    def _finish(self, silence_ms: int) -> TurnMark:
        self.state = Speech.QUIET
        return TurnMark(TurnMarkKind.ENDED, self._end(silence_ms))

    def _end(self, silence_ms: int) -> int:
        return self._offset + min(self._voice_end + PCM16.samples(silence_ms), self._fed)
