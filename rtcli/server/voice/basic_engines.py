"""The engines that need no package: an energy detector, no recognizer, a tone for each word."""

from __future__ import annotations

from rtcli.dsp.energy_vad import EnergyDetector
from rtcli.server.engines import Boundary, DetectorSettings, Engines, SpeechDetector
from rtcli.server.voice.tone import ToneVoice


def basic_engines() -> Engines:
    """They are made at once."""

    def detector(settings: DetectorSettings) -> SpeechDetector:
        return _EnergySpeechDetector(EnergyDetector(threshold=settings.threshold, silence_ms=settings.silence_ms))

    return Engines(detector, None, ToneVoice(), ("energy voice detector", "no recognizer", "tones for a voice"))


class _EnergySpeechDetector:
    """The energy detector of `dsp` with the interface of a speech detector."""

    def __init__(self, detector: EnergyDetector) -> None:
        self._detector = detector

    def feed(self, pcm: bytes) -> list[Boundary]:
        return [Boundary(speaking, sample) for speaking, sample in self._detector.feed(pcm)]

    def reset(self) -> None:
        self._detector.reset()
