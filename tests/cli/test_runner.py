"""A command's coroutine, and the signals that end it."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from rtcli.cli import runner
from rtcli.errors import ExitCode


async def command() -> ExitCode:
    return ExitCode.OK


def test_a_command_that_never_began_leaves_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal comes after the command was made and before it runs: "was never awaited" would be told then."""
    made: list[Any] = []

    def interrupted(coroutine: Any) -> None:
        made.append(coroutine)
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)
    made.append(command())
    with pytest.raises(KeyboardInterrupt):
        runner.run(made[0])

    assert len(made) == 2
    assert {inspect.getcoroutinestate(one) for one in made} == {inspect.CORO_CLOSED}
