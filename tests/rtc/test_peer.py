"""How a peer is got, with and without the library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rtcli.errors import UsageError
from rtcli.rtc.peer import create_peer, load


async def test_without_the_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how this installation gets it."""
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, "rtcli.rtc.aiortc_peer", raising=False)
    with pytest.raises(UsageError) as raised:
        create_peer()
    with pytest.raises(UsageError):
        await load()

    assert str(raised.value) == "rtcli was installed without WebRTC"
    assert "install rtcli[webrtc]: " in raised.value.hint
    assert "pip install 'rtcli[webrtc]'" in raised.value.hint


def test_the_interface_and_the_pure_parts_import_nothing_of_others() -> None:
    """The library costs 50 MB and half a second: it is imported by who makes a peer."""
    modules = "peer, playout, reorder, sdp"
    program = f"import sys; from rtcli.rtc import {modules}; print(*sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"aiortc", "av", "numpy"} & set(ended.stdout.split())
