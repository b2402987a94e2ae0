"""Runs a command's coroutine so that signals end it in order, with their exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from typing import Any

from rtcli.errors import ExitCode

_LOADING_SECONDS = 1.0
"""After this time what a command needs has been loaded, most of it."""


def run(command: Coroutine[Any, Any, ExitCode]) -> ExitCode:
    """The coroutine's code, or that of the signal that cancelled it (its cleanup has run then)."""
    import asyncio

    from rtcli.cli.leaving import Deadline
    from rtcli.terminal.signals import set_last_resort

    # made before the command touches the terminal
    set_last_resort(Deadline().begin)
    whole = _until_signal(command)
    try:
        _quiet_logging()
        return asyncio.run(whole)
    finally:
        whole.close()  # a signal that comes before they run would leave warnings
        # One that was never started would warn that it was never awaited.
        command.close()


def _quiet_logging() -> None:
    """Libraries log what is reported here as one clear line anyway; RTCLI_DEBUG=1 shows their records."""
    import logging

    from rtcli.masking import mask_all_records

    mask_all_records()
    if os.environ.get("RTCLI_DEBUG"):
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    else:
        # Without any handler Python prints warnings to stderr by itself, into the prompt.
        logging.getLogger().addHandler(logging.NullHandler())


async def _until_signal(command: Coroutine[Any, Any, ExitCode]) -> ExitCode:
    import asyncio

    from rtcli.cli import collector
    from rtcli.terminal.signals import on_signal

    asyncio.get_running_loop().call_later(_LOADING_SECONDS, collector.work)
    task = asyncio.ensure_future(command)
    received: list[ExitCode] = []

    def stop(code: ExitCode) -> None:
        # Before the cancellation: the code of the first signal is the one that counts.
        received.append(code)
        task.cancel()

    with on_signal(stop):
        try:
            return await task
        except asyncio.CancelledError:
            # else somebody other than a signal has cancelled it
            if received:
                return received[0]
            raise
