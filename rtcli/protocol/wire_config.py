"""A session as the wire has it, as a config that the transport takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Fields that the transport's config names itself; every other field of the API travels under `provider_data`.
_NAMED = frozenset(
    {"instructions", "output_modalities", "audio", "tools", "tool_choice", "prompt", "reasoning", "parallel_tool_calls"}
)
_NOT_SETTABLE = frozenset({"type", "object", "id", "expires_at", "model"})


def config_of(session: Mapping[str, Any]) -> dict[str, Any]:
    """A session of the wire as a config that the transport takes; what cannot be set is left out."""
    settable = {name: value for name, value in session.items() if name not in _NOT_SETTABLE}
    config = {name: value for name, value in settable.items() if name in _NAMED}
    rest = {name: value for name, value in settable.items() if name not in _NAMED}
    return config | ({"provider_data": rest} if rest else {})
