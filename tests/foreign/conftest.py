"""The official clients' environments, a server in a process of its own, and each driver's results, made once."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from rtcli.dsp.wav import read_speech, write_wav
from tests.kit.false_alarms import false_alarms, sessions
from tests.kit.foreign import ROOT, UnavailableError, foreign_node_modules, foreign_python, locked, recording

DRIVERS = Path(__file__).parent / "drivers"
SCRIPT = Path(__file__).parent / "script.json"
TIME_LIMIT = 300  # seconds for a whole driver
SUMMARY = "foreign client"
PACE = 2  # of the server's answers: still slow enough to be interrupted


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a driver printed: for each check None or why it failed; events counted by type; what the models refused.

    `sessions` counts those that the server recorded, `false_alarms` what `rtcli check` has against them in vain.
    """

    checks: dict[str, str | None]
    events: dict[str, int]
    problems: list[str]
    sessions: int
    false_alarms: list[str]


Drive: TypeAlias = Callable[..., Outcome]
"""(driver, engines, through=False): with `through` the client's base URL is that of a proxy before the server."""


def checks_of(driver: str) -> list[tuple[str, str]]:
    """Name and promise of each check of a driver, read from its sources: only its own interpreter can import them."""
    script = DRIVERS / f"{driver}.mjs"
    if script.exists():
        return re.findall(r'^check\("(\w+)", "([^"]*)"', script.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        (node.name, ast.get_docstring(node) or "")
        for source in sorted([*DRIVERS.glob(f"{driver}.py"), *DRIVERS.glob(f"{driver}/*.py")])
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef)
        and any(isinstance(name, ast.Name) and name.id == "check" for name in node.decorator_list)
    ]


def _command(driver: str) -> list[str]:
    """What runs a driver. Raises UnavailableError."""
    script = DRIVERS / f"{driver}.mjs"
    if not script.exists():
        return [str(foreign_python()), "-m", f"tests.foreign.drivers.{driver}"]
    copy = foreign_node_modules() / script.name  # a script imports what lies beside it
    shutil.copyfile(script, copy)
    return ["node", str(copy)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many checks and events there were."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == SUMMARY:
                terminalreporter.write_line(str(value))


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
def drive(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Runs a driver against a server with some engines, once for all tests and workers that look at its results."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def run(driver: str, engines: str, *, through: bool = False) -> Outcome:
        results = shared / f"{driver}-{engines}{'-proxy' if through else ''}.json"
        with locked(results.with_suffix(".lock")):
            if not results.exists():
                results.write_text(json.dumps(_drive(driver, engines, speech, results.with_suffix(""), through)))
        outcome = json.loads(results.read_text())
        if "unavailable" in outcome:
            pytest.skip(outcome["unavailable"])
        return Outcome(**outcome)

    return run


def _drive(driver: str, engines: str, speech: Path, recordings: Path, through: bool) -> dict[str, Any]:
    """The fields of a driver's Outcome, or why there is none."""
    try:
        command = _command(driver)
    except UnavailableError as reason:
        return {"unavailable": str(reason)}
    environment = os.environ | {"NO_PROXY": "127.0.0.1", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
    with ExitStack() as stack:
        about = stack.enter_context(serving(script=str(SCRIPT), voice=engines, pace=PACE, record=str(recordings)))
        api = about["url"].replace("ws://", "http://").removesuffix("/realtime")
        if through:
            api = stack.enter_context(proxying(about["url"], recordings.with_name(f"{recordings.name}-seen")))
        command += [api, str(speech), *["--recognizer"] * about["recognizer"]]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    *checks, summary = [json.loads(line) for line in done.stdout.splitlines()] or [{}]
    if "events" not in summary:
        problems = [f"the driver ended with {done.returncode}: {done.stderr}"]
        return {"checks": {}, "events": {}, "problems": problems, "sessions": 0, "false_alarms": []}
    judged = {"sessions": sessions(recordings), "false_alarms": [*false_alarms(recordings)]}
    return {"checks": {line["check"]: None if line["ok"] else line["detail"] for line in checks}, **summary, **judged}


@contextmanager
def serving(**options: object) -> Iterator[dict[str, Any]]:
    """A RealtimeServer in a process of its own; gives what it says of itself."""
    command = [sys.executable, "-m", "tests.kit.foreign_server", json.dumps(options)]
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


@contextmanager
def proxying(to: str, recordings: Path) -> Iterator[str]:
    """`rtcli proxy` before a server, as a pipe that nobody reads; the base URL for clients."""
    command = [sys.executable, "-m", "rtcli", "proxy", "--to", to, "--listen", "127.0.0.1:0", "--json"]
    command += ["--record", str(recordings)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "proxy at http" in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()  # what else it says
            yield next(word for word in line.split() if word.startswith("http"))
        finally:
            process.terminate()
            process.wait(10)
