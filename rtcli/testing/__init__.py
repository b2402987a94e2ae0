"""What users import in tests of their own: a transport that plays a script, and events to play."""

from rtcli.protocol.play import PlayStep as Step
from rtcli.testing.events import audio_response, call_response, text_response
from rtcli.testing.scripted_transport import ScriptedTransport, ScriptError, close, emit, expect

__all__ = [
    "ScriptError",
    "ScriptedTransport",
    "Step",
    "audio_response",
    "call_response",
    "close",
    "emit",
    "expect",
    "text_response",
]
