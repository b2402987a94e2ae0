"""What the tests fetch from the package index once and keep: the official clients in their own environment, and speech.

Nothing here is imported into the tests' own interpreter: the clients pin an older websockets than rtcli runs with.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STAMP = "complete"
_TIME_LIMIT = 900  # seconds for the index to deliver, also on a machine that is busy


class UnavailableError(Exception):
    """The index cannot be reached, or does not have it for this platform: the message is the reason for a skip."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A folder below the project's root, made once and kept until its requirements change."""

    name: str
    requirements: tuple[str, ...]
    make: Callable[[Path, Sequence[str]], None]
    root: Path = ROOT

    def folder(self) -> Path:
        """The folder, made now where it is missing or was made for other requirements. Raises UnavailableError."""
        with locked(Path(tempfile.gettempdir()) / f"{_digest(str(self.root / self.name))}.lock"):
            return self._made()

    def _made(self) -> Path:
        folder = self.root / self.name
        wanted = _digest(repr((self.requirements, sys.version_info[:2])))
        stamp = folder / _STAMP
        if stamp.is_file() and stamp.read_text() == wanted:
            return folder
        making = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.root))
        try:
            self.make(making, self.requirements)
            (making / _STAMP).write_text(wanted)
            shutil.rmtree(folder, ignore_errors=True)
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits until no other process of the tests holds this lock: workers side by side fetch and run things once."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def foreign_python() -> Path:
    """The interpreter that has the official clients. Raises UnavailableError."""
    return interpreter(CLIENTS.folder())


def foreign_node_modules() -> Path:
    """A folder whose scripts can import the official JavaScript SDK. Raises UnavailableError."""
    return SCRIPTS.folder()


def recording(name: str) -> Path:
    """A WAV file of a user who speaks English, by name. Raises UnavailableError.

    `beckett` (10 s): "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."; `two_cities` (44 s)
    begins "It was the best of times".
    """
    return SPEECH.folder() / "moonshine_voice" / "assets" / f"{name}.wav"


def environment(folder: Path, requirements: Sequence[str]) -> None:
    venv.create(folder, with_pip=True)
    _pip(interpreter(folder), "install", *requirements)


def _files_alone(folder: Path, requirements: Sequence[str]) -> None:
    """The wheel is wanted for the recordings in it: no dependencies, and any platform's wheel does."""
    platform = ("--platform", "manylinux_2_34_x86_64", "--python-version", "3.11", "--only-binary", ":all:")
    _pip(
        Path(sys.executable), "install", "--no-deps", "--no-compile", "--target", str(folder), *platform, *requirements
    )


def _node_modules(folder: Path, requirements: Sequence[str]) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise UnavailableError("node and npm are not installed")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    _run(npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel", "error", *requirements)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def interpreter(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _pip(python: Path, *arguments: str) -> None:
    _run(str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments, "--quiet")


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{command[0]} did not finish: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise UnavailableError(f"{Path(command[0]).name} cannot install what the test needs: {last}")


CLIENTS = Fetched(".venv-foreign", ("openai[realtime]==3.54.0", "openai-agents==0.24.0"), environment)
SCRIPTS = Fetched(".venv-foreign-js", ("@openai/agents-realtime@0.20.0", "openai@7.57.0"), _node_modules)
SPEECH = Fetched(".venv-speech", ("moonshine-voice==0.1.5",), _files_alone)
