"""The built-in server's own process: nothing of the current folder runs in it, and no key reaches it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from rtcli.cli.server_process import RESTART_PAUSES, ServerProcess, isolated
from rtcli.masking import add_secret, forget_secrets
from rtcli.views import Level, Notice
from tests.kit.waiting import until

TRAP = "import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()\n"


@pytest.mark.parametrize("path", [None, "", ".", f".{os.pathsep}"])
async def test_files_of_the_current_folder_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    """Whatever their names are, and even where PYTHONPATH leads to that folder."""
    for name in ("random.py", "typer.py", "yaml.py", "sitecustomize.py", "rtcli.py"):
        (tmp_path / name).write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", path)
    server = ServerProcess(lambda line: None, lambda notice: None)

    url = await server.start()
    await server.close()

    assert url.startswith("ws://127.0.0.1:")
    assert [name for name in os.listdir(tmp_path) if name.endswith(".ran")] == []  # noqa: PTH208


SHORT_LIVED = (sys.executable, "-c", "print('ws://127.0.0.1:7/v1', flush=True); import sys; sys.exit('out of luck')")
NEVER_AGAIN = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
if path.exists():
    sys.exit("no more")
path.touch()
print("ws://127.0.0.1:7/v1", flush=True)
"""


async def until_given_up(command: tuple[str, ...]) -> tuple[list[float], list[Notice]]:
    """The pauses before the restarts, and what was said, until it is left alone."""
    pauses: list[float] = []
    shown: list[Notice] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    server = ServerProcess(lambda line: None, shown.append, command=command, pause=pause)
    await server.start()
    await until(lambda: any(notice.level is Level.ERROR for notice in shown), "it is given up")
    await server.close()
    return pauses, shown


async def test_a_server_that_dies_again_and_again_is_given_up() -> None:
    """Each restart waits longer than the one before, is said in one line with the reason, and there is a last one."""
    pauses, shown = await until_given_up(SHORT_LIVED)

    assert pauses == sorted(set(pauses)) == list(RESTART_PAUSES)
    assert len(shown) == len(pauses) + 1
    assert all("built-in server ended" in notice.what and "out of luck" in notice.why for notice in shown)
    assert "not started again" in shown[-1].what and "rtcli serve" in shown[-1].hint
    assert not any("\n" in notice.what for notice in shown)


async def test_a_server_that_cannot_start_again_is_told(tmp_path: Path) -> None:
    """A start that fails counts like a death, and is not passed over in silence."""
    pauses, shown = await until_given_up((sys.executable, "-c", NEVER_AGAIN, str(tmp_path / "started")))

    assert pauses == list(RESTART_PAUSES)
    assert [notice.why for notice in shown] == ["exit code 0", *["exit code 1: no more"] * len(pauses)]


async def test_a_command_that_vanishes_is_told(tmp_path: Path) -> None:
    """Nothing of it can be run any more."""
    program = tmp_path / "server"
    program.write_text(
        f"#!{sys.executable}\nprint('ws://127.0.0.1:7/v1', flush=True)\n__import__('os').remove(__file__)\n"
    )
    program.chmod(0o700)
    pauses, shown = await until_given_up((str(program),))

    assert pauses == list(RESTART_PAUSES)
    assert shown[-1].level is Level.ERROR


async def test_closing_ends_the_wait_for_a_restart() -> None:
    """Nothing is started any more, and nothing is left running."""
    shown: list[Notice] = []
    server = ServerProcess(lambda line: None, shown.append, command=SHORT_LIVED, pause=lambda _: asyncio.Future())
    await server.start()
    await until(lambda: shown, "it has ended")
    await server.close()

    assert len(shown) == 1


def test_no_secret_is_handed_on() -> None:
    """Neither by its variable's name nor by its value, which may stand in any variable."""
    add_secret("canary-0123456789")
    try:
        kept = isolated(
            {
                "OPENAI_API_KEY": "sk-1",
                "AZURE_TOKEN": "x",
                "MINE": "canary-0123456789",
                "HTTPS_PROXY": "http://me:canary-0123456789@proxy:8080",
                "HOME": "/home/me",
                "RTCLI_WHISPER_DIR": "/models",
            }
        )
    finally:
        forget_secrets()

    assert kept == {"HOME": "/home/me", "RTCLI_WHISPER_DIR": "/models"}


def test_absolute_folders_stay_on_the_path() -> None:
    """An installation may depend on them."""
    assert isolated({"PYTHONPATH": os.pathsep.join(("", "/opt/lib", "lib"))}) == {"PYTHONPATH": "/opt/lib"}
