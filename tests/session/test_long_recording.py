"""A session that is recorded for an hour stays small, and its first frames can still be looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.foreign import ROOT

MAX_GROWTH = 64  # MB


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what is resident is read from /proc")
def test_an_hour_of_a_recorded_session_stays_small_and_keeps_its_first_frames_at_hand(tmp_path: Path) -> None:
    """After the first turn, at every moment; `/show`, `/grep` and `/why` reach what the log has forgotten."""
    command = [sys.executable, "-m", "tests.kit.hour", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)

    first, *later = found["resident"]
    assert max(later) - first <= MAX_GROWTH, found["resident"]
    assert found["frames"] > 180_000 and found["size"] > 180_000 * 1_280
    assert found["oldest_kept"] > 3
    show, grep, why = (found["shown"][line] for line in ("/show 1", "/grep xylophone", "/why 3"))
    assert "session.update" in show and "1 match" in grep and "session.updated" in why and "session.update'" in why
