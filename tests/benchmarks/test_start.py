"""What the bench of starts measures."""

from __future__ import annotations

from rtcli.cli.app import COMMANDS
from tests.benchmarks import bench_start


def test_every_command_has_a_row() -> None:
    """A new one is measured as well."""
    assert {line.split()[0] for line in bench_start.COMMANDS} == {"--version", "--help", *COMMANDS}
