"""Which parts of a session config have to be objects: what is none says nothing, and is refused before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from rtcli.errors import UsageError
from rtcli.masking import masked_start
from rtcli.protocol.events import value_at

_OBJECTS = (
    "audio",
    "audio.input",
    "audio.output",
    "audio.input.turn_detection",
    "turn_detection",
    "prompt",
    "provider_data",
)
_MAX_SHOWN = 60  # characters of a value


def checked_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config itself. None is as good as absent in all these places.

    Raises UsageError, which names the place, for a part that is neither an object nor None, and for `tools` that are
    not a list of objects.
    """
    _check_object("a session config", config)
    for path in _OBJECTS:
        if (place := value_at(config, path)) is not None:
            _check_object(f"{path} of a session config", place)
    tools = config.get("tools")
    if tools is not None and not isinstance(tools, list | tuple):
        raise UsageError(f"tools of a session config is {_short(tools)}, not a list")
    for index, tool in enumerate(tools or ()):
        _check_object(f"tools[{index}] of a session config", tool)
    return config


def _check_object(what: str, value: object) -> None:
    # is_dataclass() is also true of the class itself, which holds no values.
    if not isinstance(value, Mapping) and (isinstance(value, type) or not is_dataclass(value)):
        raise UsageError(f"{what} is {_short(value)}, not an object")


def _short(value: object) -> str:
    return masked_start(repr(value), _MAX_SHOWN, "...")
