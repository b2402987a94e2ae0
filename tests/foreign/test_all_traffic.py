"""What the server says in the project's own tests, held against the typed models of the official package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign.conftest import SUMMARY, TIME_LIMIT
from tests.kit.foreign import ROOT, UnavailableError, foreign_python
from tests.kit.server_tap import TAP

pytestmark = [pytest.mark.foreign, pytest.mark.slow]  # runs a folder of tests again

SUITE = "tests/server"  # it has a test for everything that the server says


def test_every_event_of_the_servers_own_tests_fits_the_typed_models(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """They run once more with every connection tapped; each event is then validated strictly."""
    try:
        python = foreign_python()
    except UnavailableError as reason:
        pytest.skip(str(reason))
    tap = tmp_path / "events.ndjson"
    run = [sys.executable, "-m", "pytest", "-q", "-p", "tests.kit.server_tap", "-p", "no:cacheprovider", SUITE]
    quiet = [*run, "-m", "not slow", "--ignore=tests/server/voice", "--numprocesses=0"]
    ran = subprocess.run(
        quiet,
        cwd=ROOT,
        env=os.environ | {TAP: str(tap)},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]

    judge = [str(python), "-m", "tests.foreign.drivers.tapped", str(tap)]
    judged = subprocess.run(judge, cwd=ROOT, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    assert judged.returncode == 0, judged.stderr
    verdict = json.loads(judged.stdout)
    events = f"{sum(verdict['counts'].values())} events of {len(verdict['counts'])} types"
    record_property(
        SUMMARY, f"the project's own tests: {events}, {len(verdict['problems'])} refused by the typed models"
    )

    assert verdict["problems"] == []
    assert len(verdict["counts"]) > 30
