"""The figures of a turn: one table of their names, what each is counted between, and how several are summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rtcli.errors import UsageError
from rtcli.protocol.usage import percentile
from rtcli.timeline.turns import Moment, Turn, TurnKind

SHARES: Mapping[str, float] = {"p50": 0.5, "p95": 0.95}
"""The percentiles that are shown, nearest rank."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is measured of a turn, in milliseconds; `since` and `until` name its two ends."""

    name: str
    since: str
    until: str
    measure: Callable[[Turn], float | None]

    @property
    def heading(self) -> str:
        """The name as a table shows it."""
        return self.name.replace("_", " ")

    def of(self, turn: Turn) -> float | None:
        """Milliseconds; None: one of its ends did not happen, or nobody wrote down when."""
        # Events without times would all measure 0 ms.
        return self.measure(turn) if turn.has_times else None


def _between(start: float | None, end: float | Moment | None) -> float | None:
    if isinstance(end, Moment):
        end = end.at
    return None if start is None or end is None else (end - start) * 1000


def _asked(turn: Turn) -> float | None:
    return turn.asked.at if turn.asked else None


def _voice_end(turn: Turn) -> float | None:
    return turn.voice.end if turn.voice else None


def _end_of_turn(turn: Turn) -> float | None:
    return _between(_voice_end(turn), turn.voice.stopped if turn.voice else None)


def _first_audible(turn: Turn) -> float | None:
    return min((heard for part in turn.parts if (heard := part.first_audible) is not None), default=None)


def _first_sample(turn: Turn) -> float | None:
    return min((sample for part in turn.parts if (sample := part.first_sample) is not None), default=None)


def _first_delta(turn: Turn) -> float | None:
    first = min((response.first_delta for response in turn.responses if response.first_delta), default=None)
    return _between(_asked(turn), first)


def _first_audio(turn: Turn) -> float | None:
    first = min((audio for response in turn.responses if (audio := response.first_audio)), default=None)
    return _between(_asked(turn), first)


def _done(turn: Turn) -> float | None:
    """To the last end; not of a turn that goes on, nor of one that was cut short or failed, which would be quick."""
    if turn.cancelled or turn.failed or turn.running:
        return None
    return _between(_asked(turn), max((response.done for response in turn.responses if response.done), default=None))


def _tool_time(turn: Turn) -> float | None:
    spans = [call.answered.at - call.begun.at for call in turn.calls if call.answered]
    return sum(spans) * 1000 if spans else None


_ASKED = "the request, or speech_stopped"
_VOICE_END = "the end of the user's voice in what was sent"

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("end_of_turn", _VOICE_END, "speech_stopped, or the commit", _end_of_turn),
        Figure(
            "voice_to_ear",
            _VOICE_END,
            "the first audible sample of the answer that left the device",
            lambda turn: _between(_voice_end(turn), _first_audible(turn)),
        ),
        Figure(
            "typed_to_first_delta",
            "response.create after a typed message",
            "the first delta",
            lambda turn: _first_delta(turn) if turn.kind is TurnKind.TYPED else None,
        ),
        Figure(
            "created",
            _ASKED,
            "response.created",
            lambda turn: _between(_asked(turn), turn.responses[0].created if turn.responses else None),
        ),
        Figure("first_delta", _ASKED, "the first delta of any kind", _first_delta),
        Figure("first_audio", _ASKED, "the first audio that arrived", _first_audio),
        Figure(
            "first_sample",
            _ASKED,
            "the first sample that left the device",
            lambda turn: _between(_asked(turn), _first_sample(turn)),
        ),
        Figure("done", _ASKED, "the last response.done, of turns that completed", _done),
        Figure("tool_time", "the arguments of each call", "its output; all calls together", _tool_time),
    )
}
"""Every figure, by the name that settings, scenarios and --json use."""

COLUMNS = ("end_of_turn", "voice_to_ear", "typed_to_first_delta", "first_sample", "done")
"""What `/stats` shows."""


def values(name: str, turns: Iterable[Turn]) -> list[float]:
    """A figure of all turns that have it, in milliseconds; those of failed turns do not count."""
    figure = FIGURES[name]
    return [ms for turn in turns if not turn.failed and (ms := figure.of(turn)) is not None]


def summary(name: str, share: float, turns: Iterable[Turn]) -> float | None:
    """A percentile (0.5, 0.95) of a figure, in milliseconds; None: no turn has it."""
    return percentile(values(name, turns), share)


def parse_bounds(bounds: Mapping[str, object]) -> dict[str, float]:
    """Bounds of figures in milliseconds, from numbers or texts like "900ms", "<1.5s". Raises UsageError."""
    return {_named(name): _milliseconds(name, value) for name, value in bounds.items()}


def _named(name: str) -> str:
    if name not in FIGURES:
        raise UsageError(f"bounds: {name!r} is not a figure", hint=f"figures are {', '.join(FIGURES)}")
    return name


def _milliseconds(name: str, value: object) -> float:
    number, factor = value, 1.0
    if isinstance(value, str):
        number = value.strip().removeprefix("<").removeprefix("=").strip()
        # ms before s, which it ends with as well.
        for unit, length in (("ms", 1.0), ("s", 1000.0)):
            if number.endswith(unit):
                number, factor = number.removesuffix(unit), length
                break
    try:
        found = float(number) * factor if isinstance(number, str | int | float) else -1.0
    except ValueError:
        found = -1.0
    # A bool is a number to Python; nan fails the comparison.
    if isinstance(value, bool) or not 0 < found < float("inf"):
        raise UsageError(f"bounds: {name} = {value!r} is not a time", hint='for example 900, "900ms" or "1.5s"')
    return found
