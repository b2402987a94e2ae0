"""rtcli: the terminal, the transport and a local server for the OpenAI Realtime API.

What stands in `__all__` is public. Each name is imported when it is first used: `import rtcli` costs next to nothing.
"""

TYPE_CHECKING = False  # type checkers know the name; `typing` itself costs more than the rest of `rtcli --version`

if TYPE_CHECKING:
    from rtcli import errors
    from rtcli.protocol.history import History
    from rtcli.server import RealtimeServer
    from rtcli.session.session import RealtimeSession
    from rtcli.transports import (
        OpenAIRealtimeBase,
        OpenAIRealtimeSIP,
        OpenAIRealtimeWebRTC,
        OpenAIRealtimeWebSocket,
        RealtimeTransportLayer,
    )

__version__ = "0.1.0"

__all__ = [
    "History",
    "OpenAIRealtimeBase",
    "OpenAIRealtimeSIP",
    "OpenAIRealtimeWebRTC",
    "OpenAIRealtimeWebSocket",
    "RealtimeServer",
    "RealtimeSession",
    "RealtimeTransportLayer",
    "__version__",
    "errors",
]

_HOMES = {
    "History": "rtcli.protocol.history",
    "OpenAIRealtimeBase": "rtcli.transports",
    "OpenAIRealtimeSIP": "rtcli.transports",
    "OpenAIRealtimeWebRTC": "rtcli.transports",
    "OpenAIRealtimeWebSocket": "rtcli.transports",
    "RealtimeServer": "rtcli.server",
    "RealtimeSession": "rtcli.session.session",
    "RealtimeTransportLayer": "rtcli.transports",
    "errors": "rtcli.errors",
}
"""The module that each lazy name comes from; `errors` is that module itself."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'rtcli' has no attribute {name!r}")
        from importlib import import_module

        module = import_module(home)
        return getattr(module, name, module)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
