"""docs/commands.md is what the program says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rtcli.commands import default_registry
from rtcli.commands.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_page_is_up_to_date() -> None:
    """python -m rtcli.commands.reference > docs/commands.md"""
    assert PAGE.read_text(encoding="utf-8") == reference(default_registry())


def test_the_page_is_printed_by_the_module() -> None:
    """The command that the page names makes it."""
    done = subprocess.run(
        [sys.executable, "-m", "rtcli.commands.reference"], capture_output=True, text=True, check=True
    )

    assert done.stdout == PAGE.read_text(encoding="utf-8")


def test_every_command_is_on_the_page() -> None:
    """Usage and aliases of each."""
    page = PAGE.read_text(encoding="utf-8")

    assert [entry.name for entry in default_registry() if f"`{entry.usage}`".replace("|", "\\|") not in page] == []
