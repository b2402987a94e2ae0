"""The official clients' environment, a server in a process of its own, and each driver's results, made once."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from rtcli.dsp.wav import read_speech, write_wav
from tests.kit.foreign import ROOT, UnavailableError, foreign_python, recording

DRIVERS = Path(__file__).parent / "drivers"
SCRIPT = Path(__file__).parent / "script.json"
TIME_LIMIT = 300  # seconds for a whole driver
PACE = 0.5  # of the server's answers: still slow enough to be interrupted


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a driver printed: for each check None or why it failed; events counted by type; what the models refused."""

    checks: dict[str, str | None]
    events: dict[str, int]
    problems: list[str]


OUTCOMES = pytest.StashKey[dict[tuple[str, str], Outcome]]()
Drive: TypeAlias = Callable[[str, str], Outcome]


def checks_of(driver: str) -> list[tuple[str, str]]:
    """Name and promise of each check of a driver, read from its source: it can only be imported by its own Python."""
    tree = ast.parse((DRIVERS / f"{driver}.py").read_text(encoding="utf-8"))
    return [
        (node.name, ast.get_docstring(node) or "")
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef)
        and any(isinstance(name, ast.Name) and name.id == "check" for name in node.decorator_list)
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was held against the typed models."""
    for (driver, engines), outcome in config.stash.get(OUTCOMES, {}).items():
        passed = sum(failure is None for failure in outcome.checks.values())
        checks = f"{driver}, {engines} engines: {passed} of {len(outcome.checks)} checks"
        events = f"{sum(outcome.events.values())} events of {len(outcome.events)} types"
        terminalreporter.write_line(f"{checks}; {events}, {len(outcome.problems)} of them refused by the typed models")


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter that has the official clients."""
    try:
        return foreign_python()
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's speech as a WAV file of 24 kHz PCM16."""
    try:
        pcm = read_speech(recording("beckett"))
    except UnavailableError as reason:
        pytest.skip(str(reason))
    path = tmp_path_factory.mktemp("speech") / "beckett.wav"
    write_wav(path, pcm)
    return path


@contextmanager
def serving(**options: object) -> Iterator[dict[str, Any]]:
    """A RealtimeServer in a process of its own; gives what it says of itself."""
    command = [sys.executable, "-m", "tests.kit.foreign_server", json.dumps({"script": str(SCRIPT), **options})]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.fixture(scope="session")
def drive(python: Path, speech: Path, request: pytest.FixtureRequest) -> Iterator[Drive]:
    """Runs a driver against a server with some engines, once for all tests that look at its results."""
    environment = os.environ | {"NO_PROXY": "127.0.0.1", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    outcomes = request.config.stash.setdefault(OUTCOMES, {})
    with ExitStack() as stack:

        @cache
        def server(engines: str) -> dict[str, Any]:
            return stack.enter_context(serving(voice=engines, pace=PACE))

        def run(driver: str, engines: str) -> Outcome:
            if (driver, engines) not in outcomes:
                about = server(engines)
                api = about["url"].replace("ws://", "http://").removesuffix("/realtime")
                command = [str(python), "-m", f"tests.foreign.drivers.{driver}", api, str(speech)]
                outcomes[driver, engines] = _outcome(command + ["--recogniser"] * about["recogniser"], environment)
            return outcomes[driver, engines]

        yield run


def _outcome(command: list[str], environment: dict[str, str]) -> Outcome:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
    )
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    if not lines or "events" not in lines[-1]:
        return Outcome({}, {}, [f"the driver ended with {done.returncode}: {done.stderr}"])
    checks = {line["check"]: None if line["ok"] else line["detail"] for line in lines[:-1]}
    return Outcome(checks, lines[-1]["events"], lines[-1]["problems"])
