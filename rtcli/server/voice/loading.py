"""The engines of the voice extra: Silero's detector, Whisper and the hibari voice, each of them optional."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rtcli.errors import UsageError
from rtcli.server.engines import Engines
from rtcli.server.voice.basic_engines import basic_engines
from rtcli.server.voice.weights import INSTALL, EngineUnavailableError

T = TypeVar("T")


def load() -> Engines:
    """Every engine that is available, loaded side by side and warmed up; blocks for about a second.

    A basic engine stands in for each missing one, and `names` says why. Raises UsageError where all are missing.
    """
    from rtcli.server.voice import detector
    from rtcli.server.voice.recognizer import WhisperRecognizer
    from rtcli.server.voice.synthesizer import HibariVoice

    # side by side: most of loading is reading files, and native code without the GIL
    with ThreadPoolExecutor(3, "engine") as pool:
        detector_ = pool.submit(_attempt, detector.load)
        recognizer = pool.submit(_attempt, WhisperRecognizer.load)
        voice = pool.submit(_attempt, HibariVoice.load)
    found = detector_.result(), recognizer.result(), voice.result()
    problems = [engine for engine in found if isinstance(engine, EngineUnavailableError)]
    if len(problems) == len(found):  # with one of them missing the other two still serve
        raise UsageError("no voice engine available", why="; ".join(map(str, problems)), hint=INSTALL)
    basic = basic_engines()
    names = (detector.NAME, *(getattr(engine, "name", "") for engine in found[1:]))
    return Engines(
        _or(found[0], basic.detector),
        _or(found[1], basic.recognizer),
        _or(found[2], basic.voice),
        tuple(map(_described, found, names, basic.names)),
    )


def _attempt(load_engine: Callable[[], T]) -> T | EngineUnavailableError:
    try:
        return load_engine()
    except EngineUnavailableError as error:
        return error


def _or(found: T | EngineUnavailableError, instead: T) -> T:
    return instead if isinstance(found, EngineUnavailableError) else found


def _described(found: object, name: str, instead: str) -> str:
    return f"{instead} ({found})" if isinstance(found, EngineUnavailableError) else name
