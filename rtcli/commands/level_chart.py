"""The chart of the microphone's last seconds: its level, what the server heard as speech, and its detector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rtcli.session.detector import Detection
from rtcli.session.level_history import SECONDS, LevelRun
from rtcli.timeline.turns import Turn
from rtcli.views import BarLook, Chart, ChartBar, ChartLane, ChartWave, MarkSign

_FLOOR, _RANGE = 40, 48  # the levels that a chart draws as nothing and as full: for probabilities, from 0 to 1
_STEP_MS = 10


def level_chart(
    runs: Sequence[LevelRun], turns: Sequence[Turn], session: Mapping[str, Any], detection: Detection | None, now: float
) -> Chart:
    """The last ten seconds before `now`, in seconds of the session."""
    start = now - SECONDS
    lanes = [_microphone(runs), _speech(turns, start)]
    if detection is not None:
        # The detector's steps have no times of their own; they end with the last audio that it was sent.
        end = max((run.start + len(run.levels) * _STEP_MS / 1000 for run in runs), default=now)
        lanes.append(_detector(detection, end))
    figures = tuple((text, False) for text in _settings(session, detection))
    return Chart(
        "microphone, the last 10 s", start, now, tuple(lanes), figures, dim="held back, or below the threshold"
    )


def _microphone(runs: Sequence[LevelRun]) -> ChartLane:
    waves = tuple(ChartWave(run.start, run.levels, not run.held_back, "user") for run in runs)
    # Levels are bytes: 96 stands for full scale, 0 for 96 dB below it.
    loudest = max((level for run in runs for level in run.levels), default=0)
    return ChartLane("mic", waves=waves, note=f"loudest {loudest - 96} dBFS" if waves else "nothing was captured")


def _speech(turns: Sequence[Turn], start: float) -> ChartLane:
    """Where the server said that speech begins and ends."""
    bars: list[ChartBar] = []
    marks: list[tuple[float, MarkSign]] = []
    for turn in turns:
        voice = turn.voice
        if voice is None or voice.started is None:
            continue
        stopped = voice.stopped.at if voice.stopped else None
        if stopped is not None and stopped < start:
            continue
        bars.append(ChartBar(max(voice.started.at, start), stopped, BarLook.VOICE))
        if voice.started.at >= start:
            marks.append((voice.started.at, MarkSign.STARTED))
        if stopped is not None:
            marks.append((stopped, MarkSign.STOPPED))
    note = "" if bars else "the server has heard no speech"
    return ChartLane("speech", tuple(bars), marks=tuple(marks), note=note)


def _detector(detection: Detection, end: float) -> ChartLane:
    """Its probabilities as heights: bright from the threshold on."""
    count = len(detection.probabilities)
    steps = range(count * detection.step_ms // _STEP_MS)
    values = [detection.probabilities[min(step * _STEP_MS // detection.step_ms, count - 1)] for step in steps]
    start = end - len(values) * _STEP_MS / 1000
    waves = tuple(_waves(values, detection.threshold, start))
    return ChartLane("detector", waves=waves, note=f"threshold {detection.threshold:g}")


def _waves(values: Sequence[float], threshold: float, start: float) -> Iterator[ChartWave]:
    for above, group in groupby(values, lambda value: value >= threshold):
        levels = bytes(_FLOOR + round(value * _RANGE) for value in group)
        yield ChartWave(start, levels, above, "user")
        start += len(levels) * _STEP_MS / 1000


def _settings(session: Mapping[str, Any], detection: Detection | None) -> Iterator[str]:
    audio = session.get("audio")
    given = audio.get("input") if isinstance(audio, Mapping) else None
    if not isinstance(given, Mapping):
        return  # a session without a conversation
    found = given.get("turn_detection")
    if not isinstance(found, Mapping):
        yield "turn detection is off"
        return
    yield str(found.get("type"))
    if isinstance(threshold := found.get("threshold"), int | float) and detection is None:
        yield f"threshold {threshold:g}"
    if isinstance(silence := found.get("silence_duration_ms"), int | float):
        yield f"silence {silence:g} ms"
    if isinstance(eagerness := found.get("eagerness"), str):
        yield f"eagerness {eagerness}"
