"""The built-in server's own process: nothing of the current folder runs in it, and no key reaches it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtcli.cli.server_process import ServerProcess, isolated
from rtcli.masking import add_secret, forget_secrets

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
    server = ServerProcess(lambda line: None)

    url = await server.start()
    await server.close()

    assert url.startswith("ws://127.0.0.1:")
    assert [name for name in os.listdir(tmp_path) if name.endswith(".ran")] == []  # noqa: PTH208


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
