"""What a command works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from rtcli.views import DisplaySettings, View

if TYPE_CHECKING:
    from rtcli.commands.registry import Registry
    from rtcli.session.session import RealtimeSession

Views: TypeAlias = View | Sequence[View] | None
"""What a handler returns: one view, several, or nothing to say."""


@dataclass(slots=True)
class Context:
    """A session, what the person wants to see of it, and the commands there are.

    `edit` opens text in the person's editor and returns what it became (None: unchanged); without one there is no
    terminal to edit in. `prices` are the settings' own.
    """

    session: RealtimeSession
    display: DisplaySettings
    registry: Registry
    edit: Callable[[str], Awaitable[str | None]] | None = None
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
