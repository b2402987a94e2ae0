"""Charts of a turn and of the audio of an item, made of a timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rtcli.protocol.ids import short_id
from rtcli.timeline.figures import FIGURES
from rtcli.timeline.spans import SpanKind, is_running, spans
from rtcli.timeline.timeline import Timeline
from rtcli.timeline.turns import HeardRun, SpokenPart, Turn, TurnCall, TurnResponse, UserVoice
from rtcli.timeline.voice import Wave
from rtcli.views import BarLook, Chart, ChartBar, ChartLane, ChartWave, MarkSign

_FIGURES = ("end_of_turn", "voice_to_ear", "typed_to_first_delta", "first_sample", "tool_time", "done")
_MARGIN = 0.02
"""What is empty at the end of a chart, as a share of it."""

_MAX_UNHEARD = 0.15  # of the chart, for audio that arrived and was not heard


def turn_chart(timeline: Timeline, turn: Turn, now: Callable[[], float | None], bounds: Mapping[str, float]) -> Chart:
    """The chart of a turn; of one that runs it goes up to now, and can be drawn again. `now` gives None at the end."""
    moment = now()
    running = moment is not None and is_running(turn, moment)
    last = turn.end if moment is None or not running else max(turn.end, moment)
    length = last - turn.start
    cut = (part for part in turn.parts if part.cut_ms is not None)
    unheard = max((part.received_ms - (part.heard_ms or 0) for part in cut), default=0)
    # Audio that was cut stands behind the turn's end: it arrived, and would have been heard there.
    end = last + max(length * _MARGIN, min(unheard / 1000, length * _MAX_UNHEARD))
    return Chart(
        _title(turn, length, running=running),
        turn.start,
        end,
        tuple(_lanes(timeline, turn)),
        tuple(_figures(turn, bounds)),
        (lambda: turn_chart(timeline, turn, now, bounds)) if running else None,
    )


def _title(turn: Turn, length: float, *, running: bool) -> str:
    took = _time(length) if turn.has_times else "its events have no times"
    state = "running" if running else turn.why_failed or ("interrupted" if turn.interruptions else "")
    first, last = turn.begun.frame, max((span.frame for span in spans(turn)), default=0) or turn.begun.frame
    return ", ".join(filter(None, (f"turn {turn.number}", turn.kind, took, f"#{first} to #{last}", state)))


def _figures(turn: Turn, bounds: Mapping[str, float]) -> Iterator[tuple[str, bool]]:
    for name in _FIGURES:
        value = FIGURES[name].of(turn)
        if value is not None:
            # Without a bound it is compared with itself, which it never exceeds.
            over = value > bounds.get(name, value)
            yield f"{FIGURES[name].heading} {value:.0f} ms{' !' if over else ''}", over


def _lanes(timeline: Timeline, turn: Turn) -> Iterator[ChartLane]:
    if turn.voice is not None:
        yield _said(turn, turn.voice, timeline.waves(turn.voice))
    elif turn.kind != "unasked":
        yield ChartLane("you", marks=((turn.begun.at, MarkSign.TYPED),), note=turn.text or "/respond")
    rows: list[TurnResponse | TurnCall] = [*turn.responses, *turn.calls]
    # In the order of time: a response that was asked for by a tool stands below that tool.
    for row in sorted(rows, key=lambda row: row.begun.at if isinstance(row, TurnCall) else row.created.at):
        if isinstance(row, TurnCall):
            yield _call(row)
        else:
            yield from _response(row, turn)
    if turn.silences:
        total = sum(silence.end - silence.start for silence in turn.silences)
        bars = tuple(ChartBar(silence.start, silence.end, BarLook.SILENCE) for silence in turn.silences)
        yield ChartLane("silence", bars, note=f"nothing came for {_time(total)}")
    for problem in turn.problems:
        yield ChartLane("error", marks=((problem.moment.at, MarkSign.ERROR),), note=problem.what)


def _said(turn: Turn, voice: UserVoice, levels: Iterable[Wave]) -> ChartLane:
    waves = tuple(ChartWave(wave.start, wave.levels, role="user") for wave in levels)
    found = {span.kind: span for span in spans(turn)}
    spoken, ending, commit = (found.get(kind) for kind in (SpanKind.VOICE, SpanKind.END_OF_TURN, SpanKind.COMMIT))
    bars = [ChartBar(ending.start, ending.end, BarLook.WAITING)] if ending else []
    # Recordings without audio still know when the speech began and ended.
    if spoken and not waves:
        bars.append(ChartBar(spoken.start, spoken.end, BarLook.VOICE))
    if voice.end is not None:  # behind the voice stands the wait for its end
        waves = tuple(_until(wave, voice.end) for wave in waves)
    marks = ((commit.start, MarkSign.COMMIT),) if commit else ()
    said = f"{_time(spoken.end - spoken.start)}" if spoken and spoken.end is not None else ""
    return ChartLane("you", tuple(bars), waves, marks, " ".join(filter(None, (said, turn.text))))


def _until(wave: ChartWave, end: float) -> ChartWave:
    return ChartWave(wave.start, wave.levels[: max(round((end - wave.start) * 100), 0)], wave.bright, wave.role)


def _response(response: TurnResponse, turn: Turn) -> Iterator[ChartLane]:
    created, done = response.created.at, response.done.at if response.done else None
    bars = [ChartBar(created, done, BarLook.RESPONSE)]
    if response.asked is not None:
        bars.insert(0, ChartBar(response.asked.at, created, BarLook.WAITING))
    marks = ((response.first_delta.at, MarkSign.DELTA),) if response.first_delta else ()
    said = f"{response.status}: {response.reason}" if response.reason else response.status
    yield ChartLane("response", tuple(bars), marks=marks, note=f"{short_id(response.id)} {said.replace('_', ' ')}")
    for part in response.parts.values():
        yield ChartLane(
            " audio",
            (ChartBar(part.first.at, part.last_at, BarLook.RECEIVED),),
            note=f"{_time(part.received_ms / 1000)} arrived in {_time(part.last_at - part.first.at)}",
        )
        if part.heard:
            yield _heard(part, turn)


def _heard(part: SpokenPart, turn: Turn) -> ChartLane:
    levels = bytes(part.envelope.settle())
    # a level for each 10 ms
    waves = [ChartWave(run.start, levels[run.first_ms // 10 : run.last_ms // 10]) for run in part.heard]
    last = part.heard[-1]
    cuts = [cut for cut in turn.interruptions if cut.key == part.key]
    note = f"{_time(last.last_ms / 1000)} of {_time(part.received_ms / 1000)} heard"
    if cuts:
        waves.append(ChartWave(last.end, levels[last.last_ms // 10 :], bright=False))
        note = f"{note}, {_cut_by(cuts[0].cause)}"
    return ChartLane(" heard", (), tuple(waves), tuple((last.end, MarkSign.CUT) for _ in cuts), note)


def _cut_by(cause: str) -> str:
    """What an interruption was caused by, in a few words; a frame that began it is for /why."""
    if "speech_started" in cause:
        return "cut by speech"
    return f"cut by {cause}" if cause else "cut"


def _call(call: TurnCall) -> ChartLane:
    end = call.answered.at if call.answered else call.begun.at if call.problem else None
    took = _time(end - call.begun.at) if end is not None else "running"
    marks = ((call.begun.at, MarkSign.ERROR),) if call.problem else ()
    note = call.problem or f"{took}, {call.output}" if call.output or call.problem else took
    return ChartLane(f" {call.name}", (ChartBar(call.begun.at, end, BarLook.TOOL),), marks=marks, note=note)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s" if seconds < 60 else f"{seconds:.0f} s"


def item_charts(parts: Sequence[SpokenPart], voice: UserVoice | None) -> Iterator[Chart]:
    """The audio of an item: what the user said, or each part of an answer, what was heard of it bright."""
    for part in parts:
        yield _part_chart(part)
    if voice is not None and voice.waves:
        start, end = voice.waves[0].start, voice.waves[-1].end
        waves = tuple(ChartWave(wave.start, wave.levels, role="user") for wave in voice.waves)
        said = _time(voice.end - voice.begun) if voice.begun is not None and voice.end is not None else "none"
        title = f"{_time(end - start)} of audio, voice {said}"
        yield Chart(title, start, end, (ChartLane("audio", waves=waves),))


def _part_chart(part: SpokenPart) -> Chart:
    levels, heard = bytes(part.envelope.settle()), part.heard_ms
    # Where no player reported anything, all of it is drawn as heard: nothing says otherwise.
    runs = part.heard if heard is not None else [HeardRun(0.0, 0, 0)]
    title = f"{_time(part.received_ms / 1000)} of audio"
    title += ", no player told what was heard" if heard is None else f", {_time(runs[-1].last_ms / 1000)} heard"
    step = (part.received_ms if heard is None else runs[-1].last_ms) // 10
    waves = (ChartWave(0.0, levels[:step]), ChartWave(step / 100, levels[step:], bright=False))
    marks = ((part.cut_ms / 1000, MarkSign.CUT),) if part.cut_ms is not None else ()
    lane = ChartLane("audio", waves=tuple(wave for wave in waves if wave.levels), marks=marks)
    return Chart(title, 0.0, max(len(levels) / 100, 0.01), (lane,))
