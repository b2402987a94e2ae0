"""Transports: the Python counterpart of the transport layer of OpenAI's JavaScript agents SDK."""

from rtcli.transports.base import OpenAIRealtimeBase
from rtcli.transports.layer import RealtimeTransportLayer
from rtcli.transports.sip import OpenAIRealtimeSIP
from rtcli.transports.webrtc import OpenAIRealtimeWebRTC
from rtcli.transports.websocket import OpenAIRealtimeWebSocket

__all__ = [
    "OpenAIRealtimeBase",
    "OpenAIRealtimeSIP",
    "OpenAIRealtimeWebRTC",
    "OpenAIRealtimeWebSocket",
    "RealtimeTransportLayer",
]
