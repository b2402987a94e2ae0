"""The spans of a turn: what lasted from when to when, in the order in which it began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rtcli.timeline.turns import SpokenPart, Turn, TurnResponse

_PLAYED_MS = 120
"""So much of a part may be missing when a player has told its last position."""

_SILENT_SECONDS = 1.0  # after which a player that told nothing more has stopped


class SpanKind(StrEnum):
    """What a span is."""

    VOICE = "voice"
    END_OF_TURN = "end of turn"
    COMMIT = "commit"
    WAITING = "waiting"  # from the request to response.created
    RESPONSE = "response"
    FIRST_DELTA = "first delta"
    RECEIVED = "audio received"
    HEARD = "audio heard"
    CALL = "tool call"
    CUT = "interruption"
    ERROR = "error"
    SILENCE = "silence of the server"


@dataclass(frozen=True, slots=True)
class TurnSpan:
    """From `start` to `end`, the same for a moment; `end` is None while it lasts.

    `name` is that of what it is about (a response, a call, an item), `note` what there is to say of it, `frame` the
    number of the frame that ends or tells it.
    """

    kind: SpanKind
    start: float
    end: float | None
    name: str = ""
    note: str = ""
    frame: int = 0


def spans(turn: Turn) -> list[TurnSpan]:
    """All spans of a turn."""
    found = [*_of_voice(turn), *_of_calls(turn)]
    for response in turn.responses:
        found += _of_response(response)
    found += [
        TurnSpan(SpanKind.CUT, cut.moment.at, cut.moment.at, cut.key[0], cut.cause, cut.moment.frame)
        for cut in turn.interruptions
    ]
    found += [
        TurnSpan(SpanKind.ERROR, problem.moment.at, problem.moment.at, "", problem.what, problem.moment.frame)
        for problem in turn.problems
    ]
    found += [TurnSpan(SpanKind.SILENCE, silence.start, silence.end) for silence in turn.silences]
    return sorted(found, key=lambda span: span.start)


def _of_voice(turn: Turn) -> Iterator[TurnSpan]:
    voice = turn.voice
    if voice is None:
        return
    # By what was measured in the audio; without audio by what the server said.
    begun = voice.begun if voice.begun is not None else voice.started.at if voice.started else None
    stopped = voice.stopped
    end = voice.end if voice.end is not None else stopped.at if stopped else None
    if begun is not None:
        yield TurnSpan(SpanKind.VOICE, begun, end, voice.item_id, turn.text)
    if voice.end is not None and stopped is not None:
        yield TurnSpan(SpanKind.END_OF_TURN, voice.end, stopped.at, voice.item_id, "", stopped.frame)
    if voice.committed is not None:
        yield TurnSpan(
            SpanKind.COMMIT, voice.committed.at, voice.committed.at, voice.item_id, "", voice.committed.frame
        )


def _of_calls(turn: Turn) -> Iterator[TurnSpan]:
    for call in turn.calls:
        # A call that failed before it was answered has no length, and must not seem to run for ever.
        end = call.answered.at if call.answered else call.begun.at if call.problem else None
        note = call.problem or call.output
        yield TurnSpan(SpanKind.CALL, call.begun.at, end, call.name, note, (call.answered or call.begun).frame)


def _of_response(response: TurnResponse) -> Iterator[TurnSpan]:
    if response.asked is not None and response.asked.at < response.created.at:
        yield TurnSpan(SpanKind.WAITING, response.asked.at, response.created.at, response.id, "", response.asked.frame)
    done = response.done.at if response.done else None
    note = f"{response.status}, {response.reason}" if response.reason else response.status
    yield TurnSpan(
        SpanKind.RESPONSE, response.created.at, done, response.id, note, (response.done or response.created)[1]
    )
    if response.first_delta is not None:
        first = response.first_delta
        yield TurnSpan(SpanKind.FIRST_DELTA, first.at, first.at, response.id, "", first.frame)
    for part in response.parts.values():
        yield TurnSpan(SpanKind.RECEIVED, part.first.at, part.last_at, part.key[0], "", part.first.frame)
        for run in part.heard:
            yield TurnSpan(SpanKind.HEARD, run.start, run.end, part.key[0])


def is_playing(part: SpokenPart, now: float) -> bool:
    """More of a part is about to be heard."""
    if not part.heard or part.cut_ms is not None or part.heard[-1].end + _SILENT_SECONDS < now:
        return False
    # Players tell their position a few times a second, and not at the very end.
    return part.heard[-1].last_ms + _PLAYED_MS < part.received_ms


def is_running(turn: Turn, now: float) -> bool:
    """Something of a turn is still to come or to be heard."""
    return turn.running or any(is_playing(part, now) for part in turn.parts)
