"""Tool: something that the model may call, and what a call that goes wrong says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

ToolSchema: TypeAlias = dict[str, Any]

MAX_NAME = 64
_NAME = re.compile(r"[a-zA-Z0-9_-]+")


class ArgumentBinder(Protocol):
    """Knows what a function takes (see `rtcli.session.tools.signature`)."""

    def bind(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]: ...


class AnyArguments:
    """For a function that takes whatever the model says."""

    def bind(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """All of them by name."""
        return [], dict(values)


@dataclass(frozen=True, slots=True)
class Tool:
    """What the model may call. Without `function` the user answers the calls.

    `signature` knows what the function takes; where the loader has not made one, the first call does.
    """

    schema: ToolSchema
    function: Callable[..., Any] | None = None
    signature: ArgumentBinder | None = None

    @property
    def name(self) -> str:
        """As the model calls it; an MCP server goes by its label."""
        return str(self.schema.get("name") or self.schema.get("server_label"))


class ToolError(Exception):
    """A call that went wrong, in one sentence for the model. `place` (file, line, function) is for the user alone."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class NotAToolError(Exception):
    """Why a function cannot be a tool."""


def check_name(name: str) -> None:
    """Raise NotAToolError for a name that the API refuses."""
    if len(name) > MAX_NAME:
        raise NotAToolError(f"its name has {len(name)} characters, the API takes at most {MAX_NAME}")
    if not _NAME.fullmatch(name):
        raise NotAToolError("the API takes only letters a to z, digits, _ and - in a name")
