"""Commands that move in a recording: on, in steps, to a point in it."""

from __future__ import annotations

from rtcli.commands.arguments import RemainingText
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.errors import UsageError
from rtcli.protocol.units import since
from rtcli.session.replay import parse_speed
from rtcli.views import Notice, Views

_MAX_STEPS = 10_000  # more at once would keep the prompt from answering


@command("pause", topic="replay")
def pause(context: Context) -> Views:
    """Pause the replay, or resume it."""
    replay = context.replay
    if replay.peek() is None:
        return Notice("the recording has ended", hint="/seek 0 starts it again")
    return Notice(f"{'paused' if replay.pause() else 'resumed'} at {since(replay.at)}")


@command("step", topic="replay")
def step(context: Context, frames: int = 1) -> Views:
    """Pause the replay and show the next frame, or the next N."""
    if not 0 < frames <= _MAX_STEPS:
        raise UsageError(f"{frames} is not a number of frames", hint=f"from 1 to {_MAX_STEPS:,}")
    for _ in range(frames):
        if context.replay.step() is None:
            return Notice("the recording has ended")
    return Notice(f"at {since(context.replay.at)}, frame {len(context.state.log)}")


@command("seek", topic="replay")
def seek(context: Context, point: RemainingText) -> Views:
    """Go to a point, forward or back: a time (12.5, 1:30, +1:02.345), a frame (#57), the note of a mark."""
    return context.replay.seek(point)


@command("speed", topic="replay")
def speed(context: Context, factor: str) -> Views:
    """Choose the speed of the replay: 1 is real time, 2 is twice as fast, max is at once."""
    context.replay.set_speed(parse_speed(factor))
    return Notice(f"speed: {factor}")
