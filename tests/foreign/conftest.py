"""The official clients' environment, a server in a process of its own, and each driver's results, made once."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a driver printed: for each check None or why it failed; events counted by type; what the models refused."""

    checks: dict[str, str | None]
    events: dict[str, int]
    problems: list[str]


OUTCOMES = pytest.StashKey[dict[str, Outcome]]()
Drive: TypeAlias = Callable[[str], Outcome]


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
    for driver, outcome in config.stash.get(OUTCOMES, {}).items():
        passed = sum(failure is None for failure in outcome.checks.values())
        terminalreporter.write_line(
            f"{driver}: {passed} of {len(outcome.checks)} checks; {sum(outcome.events.values())} events of "
            f"{len(outcome.events)} types held against the typed models, {len(outcome.problems)} problems"
        )


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


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The API of a server with every engine that is installed, in a process of its own."""
    options = json.dumps({"script": str(SCRIPT)})
    command = [sys.executable, "-m", "tests.kit.foreign_server", options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url: str = json.loads(process.stdout.readline())["url"]
            yield url.replace("ws://", "http://").removesuffix("/realtime")
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.fixture(scope="session")
def drive(python: Path, speech: Path, server_url: str, request: pytest.FixtureRequest) -> Drive:
    """Runs a driver, once for all tests that look at its results."""

    @cache
    def run(driver: str) -> Outcome:
        environment = os.environ | {"NO_PROXY": "127.0.0.1", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
        command = [str(python), "-m", f"tests.foreign.drivers.{driver}", server_url, str(speech)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
        lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines, done.stderr
        checks = {line["check"]: None if line["ok"] else line["detail"] for line in lines if "check" in line}
        assert "events" in lines[-1], done.stderr
        outcome = Outcome(checks, lines[-1]["events"], lines[-1]["problems"])
        request.config.stash.setdefault(OUTCOMES, {})[driver] = outcome
        return outcome

    return run
