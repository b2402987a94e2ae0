"""The built-in server in a process of its own, so that no work of its engines can stall the prompt."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from rtcli.errors import ConnectError
from rtcli.masking import is_secret_name, masked

_START_SECONDS = 20.0
"""Seconds that it may take to say where it listens."""

_STOP_SECONDS = 5.0
"""Seconds that it may take to end by itself."""


class ServerProcess:
    """Runs from `start` to `close`. What it says to users goes to `say`, line by line.

    If it dies in between, it is started anew at the same address (unless it cannot start): /reconnect finds it there.
    It ends with us, however we end: it watches its standard input, which closes with this process.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
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
            # Without -P, `-m` would import what lies in the current folder before anything of ours.
            *(sys.executable, "-P", "-m", "rtcli", "serve", "--port", str(port), "--until-eof"),
            env=isolated(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=os.name == "posix",  # Ctrl+C in the terminal is ours alone
        )
        return await _address(child)

    async def _supervise(self, port: int) -> None:
        while self._process is not None and self._process.stderr is not None:
            while line := await self._process.stderr.readline():
                self._say(line.decode(errors="replace").rstrip())
            await self._process.wait()
            await self._run(port)


async def _address(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await child.stdout.readline()
    except TimeoutError:
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
