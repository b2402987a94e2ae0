"""Whisper on ctranslate2: speech as PCM16 in, words out; with tiny.en in about a tenth of a second per utterance."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtcli.dsp.resample import resample
from rtcli.protocol.audio_formats import PCM16
from rtcli.server.voice.log_mel import FRAMES_PER_SECOND, RATE, Floats, log_mel
from rtcli.server.voice.weights import (
    INSTALL,
    WHISPER_NAME,
    EngineUnavailableError,
    WhisperWeights,
    whisper_weights,
)

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

_WHOLE_WINDOW = 30.0  # seconds: what the model was trained on
_MIN_WINDOW = 8.0  # a shorter window makes tiny.en repeat itself on a single word
_TRAILING_SILENCE = 2.0  # seconds behind the words, for the same reason
_MAX_PIECE = 28.0  # a turn that is longer is cut, where it is quietest
_MIN_PIECE = 18.0
_NO_SPEECH = 0.8  # above it, silence, noise and music come back as "you"
_PERHAPS_NO_SPEECH = 0.6  # enough where it is not sure of the words either
_GUESS = -1.0  # mean log-probability of a token
_BEAM = 5  # what Whisper itself uses
_MAX_TOKENS = 224  # half of what the decoder has: the other half is for a prompt
_QUICK_BYTES = 100 * 10**6  # of weights: larger models are too slow to be asked while the user still speaks


class WhisperRecognizer:
    """Transcribes whole utterances and, quickly, unfinished ones. Every method blocks: call it in a thread.

    Threads may share one: the model works on one utterance after the other.
    """

    def __init__(self, model: Whisper, weights: WhisperWeights | None = None) -> None:
        """`weights` are those of tiny.en where none are named."""
        self._model = model
        self.name = weights.name if weights else WHISPER_NAME
        self.partials = weights is None or weights.size <= _QUICK_BYTES
        self._min_window = _MIN_WINDOW if weights is None or weights.measured else _WHOLE_WINDOW

    @classmethod
    def load(cls, folder: Path | None = None) -> WhisperRecognizer:
        """The model from `folder`, else from where weights.py finds it, warmed up; takes about half a second.

        Raises EngineUnavailableError.
        """
        _need_current_folder()
        weights = whisper_weights() if folder is None else WhisperWeights(folder)
        try:
            import ctranslate2
        except (ImportError, OSError) as error:
            raise EngineUnavailableError("ctranslate2 does not load", why=str(error), hint=INSTALL) from error
        try:
            model = ctranslate2.models.Whisper(
                str(weights.folder), device="cpu", compute_type="int8", intra_threads=1, inter_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise EngineUnavailableError("the recognizer does not load", why=str(error)) from error
        recognizer = cls(model, weights)
        recognizer._listen(np.full(RATE, 1e-4, np.float32), recognizer._min_window)
        return recognizer

    def transcribe(self, pcm: bytes) -> str:
        """The words in `pcm` (24 kHz PCM16 mono), "" where there are none."""
        samples = _samples(pcm)
        pieces = (self._with_guard(piece) for piece in _pieces(samples))
        return " ".join(text for text in pieces if text)

    def _with_guard(self, samples: Floats) -> str:
        """A short window is five times as fast as the whole one, and on a few utterances it goes astray."""
        window = min(_WHOLE_WINDOW, max(self._min_window, len(samples) / RATE + _TRAILING_SILENCE))
        result = self._listen(samples, window)
        if window < _WHOLE_WINDOW and result.doubtful(len(samples)):
            result = self._listen(samples, _WHOLE_WINDOW)
        return result.text

    def _listen(self, samples: Floats, window: float) -> _Pass:
        from ctranslate2 import StorageView

        if not samples.any():
            return _Pass("", 0.0, 1.0)  # digital silence needs no model
        frames = int(window * FRAMES_PER_SECOND / 2) * 2  # the encoder halves them
        features = StorageView.from_array(log_mel(samples, frames, self._model.n_mels)[np.newaxis])
        [result] = self._model.generate(
            features,
            [self._prompt(features)],
            beam_size=_BEAM,
            max_length=_MAX_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return _Pass(_text(result.sequences[0]), result.scores[0], result.no_speech_prob)

    def _prompt(self, features: StorageView) -> list[str]:
        """An English-only model takes neither language nor task; another is told both, by the names of its tokens."""
        if not self._model.is_multilingual:
            return ["<|startoftranscript|>", "<|notimestamps|>"]
        [[(language, _), *_]] = self._model.detect_language(features)
        return ["<|startoftranscript|>", language, "<|transcribe|>", "<|notimestamps|>"]


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass of the model: its words ("" where it says that nobody spoke), and how sure it is of them."""

    words: str
    score: float
    no_speech: float

    @property
    def text(self) -> str:
        guess = self.no_speech > _PERHAPS_NO_SPEECH and self.score < _GUESS
        return "" if guess or self.no_speech > _NO_SPEECH else self.words

    def doubtful(self, samples: int) -> bool:
        """More words than anyone can say in that time, a repetition, or a guess."""
        if not self.text:
            return False
        raw = self.words.encode()
        return (
            len(self.words.split()) > 4.5 * samples / RATE + 6
            or len(raw) / len(zlib.compress(raw)) > 2.4
            or _ends_repeated(self.words)
            or self.score < _GUESS
        )


def _ends_repeated(text: str) -> bool:
    """Whether the last words stand there twice in a row, whatever their case and punctuation.

    A user may well say "bye bye", but the model also goes astray like this: it writes the words, and then writes them
    again. The time does not tell one from the other, so this only asks for a second listening.
    """
    words = re.findall(r"[\w']+", text.casefold())
    return any(words[-size:] == words[-2 * size : -size] for size in range(1, len(words) // 2 + 1))


def _samples(pcm: bytes) -> Floats:
    return np.frombuffer(resample(pcm, PCM16.rate, RATE), "<i2").astype(np.float32) / 32768.0


def _pieces(samples: Floats) -> list[Floats]:
    """`samples` in pieces that fit the window, cut in the quietest 200 ms of each stretch that may hold a cut."""
    pieces = []
    while len(samples) > _MAX_PIECE * RATE:
        first, last = int(_MIN_PIECE * RATE), int(_MAX_PIECE * RATE)
        blocks = samples[first:last].reshape(-1, RATE // 5)
        cut = first + int((blocks**2).mean(axis=1).argmin()) * (RATE // 5) + RATE // 10
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [*pieces, samples]


def _byte_of_character() -> dict[str, int]:
    """The vocabulary writes each byte as one printable character: itself, or the next one from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


_BYTES = _byte_of_character()


def _text(tokens: list[str]) -> str:
    plain = (token for token in tokens if not token.startswith("<|"))
    return bytes(_BYTES[character] for token in plain for character in token).decode("utf-8", "replace").strip()


def _need_current_folder() -> None:
    """Without one, oneMKL (in ctranslate2) cannot find its own libraries and ends the whole process."""
    try:
        Path.cwd()
    except OSError as error:
        raise EngineUnavailableError("ctranslate2 does not load", why="the current folder was deleted") from error
