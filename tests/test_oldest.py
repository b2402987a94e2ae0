"""The lower bounds of pyproject.toml are honest: the tests pass with the oldest versions that it allows."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.kit.foreign import ROOT, Fetched, UnavailableError, environment, interpreter

pytestmark = pytest.mark.slow

TOOLS = ("build", "mypy", "ruff")  # they look at the code and do not run it
NOT_HERE = "not sound and not slow and not foreign and not terminal and not browser"
CLI = ("main", "commands", "bad_input", "completion")  # what typer makes of a line
WHERE = (  # what meets a package's own behavior; what only the standard library decides passes here as elsewhere
    *(f"tests/{layer}" for layer in ("audio", "config", "dsp", "http", "render", "repl", "terminal", "transports")),
    *(f"tests/cli/test_{name}.py" for name in CLI),
    "tests/cli/send_event",
    "tests/protocol/test_patterns.py",  # regex
    "tests/protocol/test_yaml_reader.py",
    "tests/server/calls",  # aiortc
    "tests/server/net",
    "tests/server/voice",
    "tests/session/tools",  # pydantic, docstring-parser
    "tests/session/test_images.py",  # Pillow
)
ELSEWHERE = ("tests/transports/test_typed_sample.py",)  # asks mypy


def oldest() -> dict[str, str]:
    """For each dependency that has a lower bound, of the program, its extras and its tests: that version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        project["dependency-groups"]["test"],
    ]
    requirements = [Requirement(line) for lines in lists for line in lines if isinstance(line, str)]
    bounds = {
        requirement.name: specifier.version
        for requirement in requirements
        for specifier in requirement.specifier
        if specifier.operator in (">=", "==")
    }
    return {name: version for name, version in bounds.items() if name not in TOOLS}


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with these versions, and with what they depend on at its newest."""
    pins = [f"{name}=={version}" for name, version in oldest().items()]
    fetched = Fetched(".venv-oldest", ("--editable", str(ROOT), *pins), environment)
    try:
        return interpreter(fetched.folder())
    except UnavailableError as reason:
        if "ResolutionImpossible" in str(reason):
            pytest.fail(f"two bounds contradict each other: {reason}")
        pytest.skip(str(reason))


def test_the_environment_has_the_oldest_versions(python: Path) -> None:
    """Every bound, as it is written; else the next test would say nothing about it."""
    code = "import json, sys; from importlib.metadata import version; print(json.dumps([*map(version, sys.argv[1:])]))"
    wanted = oldest()
    told = subprocess.run([python, "-c", code, *wanted], cwd=python.parent, capture_output=True, text=True, check=True)
    installed = dict(zip(wanted, map(Version, json.loads(told.stdout)), strict=True))

    assert installed == {name: Version(version) for name, version in wanted.items()}


def test_the_tests_pass_with_the_oldest_versions(python: Path) -> None:
    """All that are about packages, and run without a terminal, a sound card or an official client."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [str(python), "-m", "pytest", "--quiet", "--numprocesses=auto", "-p", "no:cacheprovider", "-m", NOT_HERE]
    command += ["--show-capture=no"]  # what a test logged would hide why it failed
    command += [*WHERE, *(f"--ignore={file}" for file in ELSEWHERE)]
    ended = subprocess.run(
        command, cwd=ROOT, env=kept | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout[-8_000:] + ended.stderr[-2_000:]
