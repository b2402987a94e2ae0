"""The pages of docs whose blocks of shell are a session: what they tell a reader to run, runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtcli.errors import ExitCode

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "agents.md").read_text(encoding="utf-8")


SLOW_PAGES = [pytest.param(page, marks=pytest.mark.slow) for page in ("check.md", "exports.md")]


@pytest.mark.parametrize("page", ["agents.md", "recordings.md", *SLOW_PAGES])
def test_every_block_runs(page: str, tmp_path: Path) -> None:
    """In the page's order, in one shell, up to the end."""
    program = tmp_path / "bin" / "rtcli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rtcli "$@"\n')
    program.chmod(0o755)
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    script = "set -eu\ntrap 'kill ${server-} ${faulty-} 2>/dev/null || true' EXIT\n" + "\n".join(blocks)
    ended = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=120
    )

    assert blocks
    assert ended.returncode == 0, ended.stderr
    assert "Hello" in ended.stdout


def test_the_exit_codes_are_those_of_the_program() -> None:
    """The table has no code that does not exist."""
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}

    assert named
    assert named <= {int(code) for code in ExitCode}
