"""The package as somebody else gets it: built, installed into an empty environment, and run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest

import rtcli

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def run(*command: str | Path, text: str = "", **environ: str) -> str:
    """Standard output of a command that has to succeed; outside of the project, without what is set for it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RTCLI_", "OPENAI_"))}
    ended = subprocess.run(
        list(map(str, command)),
        cwd=Path(command[0]).parent,
        env=kept | environ,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr or ended.stdout
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and with the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """What an index shows of it."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def test_the_metadata_says_what_the_project_says(metadata: Message) -> None:
    """Version, license, authors, addresses, and the README as the long description."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert metadata["Version"] == rtcli.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Author"] == "rtcli maintainers"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert set(metadata.get_all("Project-URL") or ()) == {f"{k}, {v}" for k, v in project["urls"].items()}
    assert set(metadata.get_all("Provides-Extra") or ()) == set(project["optional-dependencies"])


def test_the_wheel_holds_the_program_and_nothing_else(wheel: Path) -> None:
    """Every module and data file of the package, the license, the marker for type checkers; no test, no example."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    listed = subprocess.run(["git", "ls-files", "rtcli"], cwd=ROOT, capture_output=True, text=True, check=True)
    inside = {name for name in names if ".dist-info/" not in name}

    assert inside == set(listed.stdout.split())
    assert "rtcli/py.typed" in inside
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_sdist_can_be_tested(sdist: Path) -> None:
    """Tests, pages, examples and the Makefile are in it, and nothing of an environment."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    for name in ("Makefile", "LICENSE", "tests/conftest.py", "docs/cli.md", "examples/hello.py", "rtcli/__init__.py"):
        assert name in names
    assert [name for name in names if name.startswith((".venv", "dist/"))] == []


def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """One turn with the built-in server, the version, and the doctor, without anything that the tests need."""
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    bin_folder = environment / ("Scripts" if os.name == "nt" else "bin")
    run(bin_folder / "python", "-m", "pip", "install", "--quiet", wheel)
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path)}
    program = bin_folder / "rtcli"

    assert run(program, "--version") == f"rtcli {rtcli.__version__}\n"
    assert "Hello" in run(program, "chat", "--local", "--text", text="hello\n", **home)
    events = run(program, "chat", "--local", "--text", "--json", text="hello\n", **home)
    assert "response.done" in {json.loads(line)["type"] for line in events.splitlines()}
    assert "answered within" in run(program, "doctor", **home)


def test_pytest_finds_the_plugin_of_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """Where it is installed, without an option."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)

    assert "@pytest.mark.realtime_server(" in run(sys.executable, "-m", "pytest", "--markers", PYTHONPATH=str(tmp_path))


def test_the_newest_typer_still_imports_pydantic(tmp_path: Path) -> None:
    """The reason for `typer<0.29` in pyproject.toml; when this fails, the cap can go."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", tmp_path, "typer")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import typer; app = typer.Typer(rich_markup_mode=None);"
        "app.command()(lambda: None); app(args=[], standalone_mode=False); print('pydantic' in sys.modules)"
    )

    assert run(sys.executable, "-c", program) == "True\n"
