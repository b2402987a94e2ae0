"""The tests that dial run twice: with `websockets`, and with `picows` taking the connection over."""

from __future__ import annotations

import pytest

from rtcli.transports import backends
from rtcli.transports.backends import FrameBackend, faster

DIALING = (
    "connect",
    "conversation",
    "dead_peer",
    "events",
    "frames",
    "robust",
    "sending",
    "sip",
    "wait_ready",
    "watching",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Where a test dials, the backend is one more parameter of it."""
    if metafunc.module.__name__.rpartition("test_")[2] in DIALING:
        metafunc.parametrize("backend", [FrameBackend.WEBSOCKETS, FrameBackend.PICOWS], indirect=True, ids=str)


# For all tests, as pytest sets up no fixture that a test is given a parameter for and does not name.
@pytest.fixture(autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FrameBackend:
    """What every connection of the test uses."""
    used = FrameBackend(getattr(request, "param", FrameBackend.AUTO))
    if used is FrameBackend.PICOWS:
        pytest.importorskip("picows")
    if used is not FrameBackend.AUTO:
        monkeypatch.setattr(backends, "faster", lambda _: faster(used))
    return used
