"""What commands, the session and outcomes hand to the writers: frozen values that know nothing of a terminal.

Each name is imported when it is first used. A prompt is painted before most of them are, and making such a class takes
longer than loading a module of functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtcli.views.charts import BarLook, Chart, ChartBar, ChartLane, ChartWave, MarkSign
    from rtcli.views.notices import DisplaySettings, Level, Notice, Quit, Text, counted
    from rtcli.views.shown import (
        FrameRows,
        ImagePreview,
        Json,
        Labeled,
        SpeechDelta,
        SpeechDone,
        Table,
    )
    from rtcli.views.status import (
        ANSWERING,
        CANCELLING,
        CONNECTING,
        CallStatus,
        ProxiedConnection,
        ProxyStatus,
        SessionStatus,
        Wait,
    )
    from rtcli.views.view import View, Views

__all__ = [
    "ANSWERING",
    "CANCELLING",
    "CONNECTING",
    "BarLook",
    "CallStatus",
    "Chart",
    "ChartBar",
    "ChartLane",
    "ChartWave",
    "DisplaySettings",
    "FrameRows",
    "ImagePreview",
    "Json",
    "Labeled",
    "Level",
    "MarkSign",
    "Notice",
    "ProxiedConnection",
    "ProxyStatus",
    "Quit",
    "SessionStatus",
    "SpeechDelta",
    "SpeechDone",
    "Table",
    "Text",
    "View",
    "Views",
    "Wait",
    "counted",
]

_HOMES = ("notices", "status", "charts", "shown", "view")
"""From what the first paint needs to what imports the protocol."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for home in _HOMES if name in __all__ else ():
            module = import_module(f"{__name__}.{home}")
            if name in vars(module):
                globals()[name] = found = vars(module)[name]
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
