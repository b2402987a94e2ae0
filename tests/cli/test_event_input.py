"""Standard input and files as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.cli.event_input import read_input
from rtcli.errors import InputError


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing one, a folder."""
    with pytest.raises(InputError, match="No such file"):
        read_input(str(tmp_path / "none"))
    with pytest.raises(InputError, match="directory"):
        read_input(str(tmp_path))
