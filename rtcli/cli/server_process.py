"""The built-in server in a process of its own, so that no work of its engines can stall the prompt."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from rtcli.errors import ConnectError
from rtcli.masking import is_secret_name, masked
from rtcli.views import Level, Notice

# Without -P, `-m` would import what lies in the current folder before anything of ours.
SERVE = (sys.executable, "-P", "-m", "rtcli", "serve", "--until-eof")

_START_SECONDS = 20.0
"""Seconds that it may take to say where it listens."""

_STOP_SECONDS = 5.0
"""Seconds that it may take to end by itself."""

RESTART_PAUSES = (0.0, 1.0, 2.0, 5.0, 15.0)
"""Seconds before each restart. When it has died once more after the last one, it is left alone."""

_STABLE_SECONDS = 60.0
"""Seconds that it has to run for its earlier deaths to be forgotten."""


class ServerProcess:
    """Runs from `start` to `close`. What it says to users goes to `say`, line by line; what becomes of it, to `show`.

    If it dies in between, it is started anew at the same address: /reconnect finds it there. One that dies again and
    again is waited for longer each time, and then given up. It ends with us, however we end: it watches its standard
    input, which closes with this process. `command` takes a port; `pause` waits so many seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        show: Callable[[Notice], None],
        *,
        command: Sequence[str] = SERVE,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._say = say
        self._show = show
        self._command = command
        self._pause = pause
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Its address, as soon as it listens. Raises ConnectError."""
        url = await self._run(port=0)
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(urlsplit(url).port or 0))
        return url

    async def close(self) -> None:
        """End it."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        child = self._process
        if child is None:
            return
        if child.returncode is None:
            child.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()

    async def _run(self, port: int) -> str:
        child = self._process = await asyncio.create_subprocess_exec(
            *(*self._command, "--port", str(port)),
            env=isolated(os.environ),
            stdin=subprocess.PIPE,  # never written to: its end tells the child that we have ended
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=os.name == "posix",  # Ctrl+C in the terminal is ours alone
        )
        return await _address(child)

    async def _supervise(self, port: int) -> None:
        deaths = 0  # in a row
        while True:
            began = time.monotonic()
            why = await self._watch()
            # One that ran for a minute died of something new: it has all its restarts again.
            deaths = 1 if time.monotonic() - began > _STABLE_SECONDS else deaths + 1
            if deaths > len(RESTART_PAUSES):
                what = f"the built-in server ended {deaths} times in a row, and is not started again"
                self._show(Notice(what, why, "rtcli serve, in another terminal, shows more", Level.ERROR))
                return
            seconds = RESTART_PAUSES[deaths - 1]
            when = f"in {seconds:g} s" if seconds else "now"
            what = f"the built-in server ended, and is started again {when} ({deaths} of {len(RESTART_PAUSES)})"
            self._show(Notice(what, why, "/reconnect", Level.WARNING))
            await self._pause(seconds)
            with contextlib.suppress(ConnectError, OSError):  # it has ended once more, which counts above
                await self._run(port)

    async def _watch(self) -> str:
        """Pass on what it says until it ends; how it ended, and what it said last."""
        child, last = self._process, ""
        assert child is not None
        assert child.stderr is not None
        while line := await child.stderr.readline():
            last = line.decode(errors="replace").rstrip()
            self._say(last)
        code = await child.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        # After a signal its last line is what it was doing, not why it ended.
        return f"{how}: {last}" if last and code > 0 else how


async def _address(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await child.stdout.readline()
    except TimeoutError:
        child.kill()
        raise ConnectError("the built-in server did not start", why=f"no output for {_START_SECONDS:g} s") from None
    if not line:
        raise ConnectError("the built-in server did not start", why="it exited at once", hint="try: rtcli serve")
    return line.decode().strip()


def isolated(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without secrets, of which a server needs none, and without a way to the current folder."""
    kept = {name: value for name, value in environ.items() if not is_secret_name(name) and masked(value) == value}
    if "PYTHONPATH" in kept:
        # An empty entry, like any relative one, is looked for from the current folder.
        folders = [folder for folder in kept["PYTHONPATH"].split(os.pathsep) if os.path.isabs(folder)]  # noqa: PTH117
        kept["PYTHONPATH"] = os.pathsep.join(folders)
        if not folders:
            del kept["PYTHONPATH"]
    return kept
