"""Whose project file counts: that of a folder which the user or root owns and not everybody can write."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from rtcli.config.settings import load_settings
from tests.kit.program import rtcli, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder below one that has a project file."""
    (tmp_path / ".rtcli.toml").write_text('instructions = "Talk like a pirate."\n')
    below = tmp_path / "below"
    below.mkdir()
    return below


def _instructions(folder: Path) -> object:
    return load_settings(environ={"XDG_CONFIG_HOME": str(folder)}, folder=folder).get("instructions")


def test_a_file_of_ours_counts_below_its_folder(project: Path) -> None:
    """As ever."""
    assert _instructions(project) == "Talk like a pirate."


@pytest.mark.parametrize("name", [".", ".rtcli.toml"])
def test_what_everybody_can_write_sets_nothing(project: Path, name: str) -> None:
    """Folder or file; it stops no command either, whatever is in it."""
    os.chmod(project.parent / name, 0o777)  # noqa: PTH101
    assert _instructions(project) is None


@pytest.mark.skipif(getattr(os, "getuid", lambda: 1)() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("name", [".", ".rtcli.toml"])
def test_what_another_user_owns_sets_nothing(project: Path, name: str) -> None:
    """Folder or file."""
    os.chown(project.parent / name, 65534, 65534)
    assert _instructions(project) is None


async def test_instructions_of_a_project_are_told(project: Path) -> None:
    """In one line, so that nobody wonders where they come from."""
    process = await start("chat", "--local", "--text", cwd=project)
    _, err = await process.communicate(b"hello\n")
    assert b"the instructions come from the project's .rtcli.toml" in err


async def test_a_folder_that_was_deleted_is_no_defect(tmp_path: Path) -> None:
    """Every command works in it, or says what is wrong."""
    for arguments in (["chat", "--local", "--text"], ["doctor"], ["config"]):
        gone = tmp_path / "gone"
        gone.mkdir()
        command = f'rmdir "{gone}"; exec "{sys.executable}" -P -m rtcli {" ".join(arguments)}'

        process = await asyncio.create_subprocess_shell(
            command, cwd=gone, stdin=asyncio.subprocess.PIPE, stdout=-1, stderr=-1
        )
        _, err = await process.communicate(b"hello\n")
        assert b"bug in rtcli" not in err
        assert process.returncode == 0, err
    assert (await rtcli("--version")).code == 0
