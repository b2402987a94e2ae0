"""What users import in tests of their own: a transport that plays a script, and events to play.

Each name is imported when it is first used: pytest loads the plugin beside it in every run, also without such tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtcli.protocol.play import PlayStep as Step
    from rtcli.testing.events import audio_response, call_response, text_response
    from rtcli.testing.fixtures import SessionOpener
    from rtcli.testing.scripted_transport import ScriptedTransport, ScriptError, close, emit, expect
    from rtcli.testing.server_thread import ServerThread

__all__ = [
    "ScriptError",
    "ScriptedTransport",
    "ServerThread",
    "SessionOpener",
    "Step",
    "audio_response",
    "call_response",
    "close",
    "emit",
    "expect",
    "text_response",
]

_HOMES = {
    "ServerThread": "rtcli.testing.server_thread",
    "SessionOpener": "rtcli.testing.fixtures",
    **dict.fromkeys(("audio_response", "call_response", "text_response"), "rtcli.testing.events"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'rtcli.testing' has no attribute {name!r}")
    from importlib import import_module

    # Type names are unique inside of rtcli, where scenarios have steps too; users get the short one.
    if name == "Step":
        return import_module("rtcli.protocol.play").PlayStep
    return getattr(import_module(_HOMES.get(name, "rtcli.testing.scripted_transport")), name)
