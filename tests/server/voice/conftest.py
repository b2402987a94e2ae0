"""Speech for the engines to hear: recordings of people."""

from __future__ import annotations

import pytest

from rtcli.dsp.wav import read_speech
from tests.kit.foreign import UnavailableError, recording


@pytest.fixture(scope="session")
def beckett() -> bytes:
    """A person says: "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better." (10 s)."""
    return _recording("beckett")


@pytest.fixture(scope="session")
def two_cities() -> bytes:
    """A person reads the beginning of A Tale of Two Cities (44 s)."""
    return _recording("two_cities")


def _recording(name: str) -> bytes:
    try:
        return read_speech(recording(name))
    except UnavailableError as reason:
        pytest.skip(str(reason))
