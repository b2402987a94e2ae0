"""A chart over time, as commands hand it to the writers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class BarLook(StrEnum):
    """What a bar of a chart stands for."""

    VOICE = "voice"
    WAITING = "waiting"
    RESPONSE = "response"
    TOOL = "tool"
    RECEIVED = "audio arrives"
    SILENCE = "the server is silent"


class MarkSign(StrEnum):
    """What a mark in a chart stands for."""

    TYPED = "typed"
    STARTED = "speech_started"
    STOPPED = "speech_stopped"
    COMMIT = "committed"
    DELTA = "first delta"
    CUT = "cut"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar from one moment to another, in seconds; it ends with the chart where `end` is None."""

    start: float
    end: float | None
    look: BarLook


@dataclass(frozen=True, slots=True)
class ChartWave:
    """Levels of audio from a moment on: a byte for each 10 ms, decibels above -96 dBFS.

    `bright`: it was heard; what else is drawn otherwise, `Chart.dim` says why.
    """

    start: float
    levels: bytes = field(repr=False)
    bright: bool = True
    role: str = "assistant"

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + len(self.levels) / 100


@dataclass(frozen=True, slots=True)
class ChartLane:
    """One line of a chart; what comes later in it is drawn over what comes before, marks over all."""

    label: str
    bars: tuple[ChartBar, ...] = ()
    waves: tuple[ChartWave, ...] = ()
    marks: tuple[tuple[float, MarkSign], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lanes over one axis of time, in seconds. `figures` are short texts, each with whether it asks for attention.

    `again` draws it anew, of something that goes on; it gives a chart without one when that is over.
    """

    title: str
    start: float
    end: float
    lanes: tuple[ChartLane, ...]
    figures: tuple[tuple[str, bool], ...] = ()
    again: Callable[[], Chart] | None = field(default=None, repr=False, compare=False)
    dim: str = "not heard"
