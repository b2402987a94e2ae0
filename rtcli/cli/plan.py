"""A chat as the command line asked for it, all of it checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rtcli.cli.sound import SoundChoice
from rtcli.config.endpoints import Endpoint
from rtcli.config.settings import Settings
from rtcli.views import DisplaySettings

if TYPE_CHECKING:
    from rtcli.session.tools import Tool


@dataclass(frozen=True, slots=True)
class Plan:
    """`config` is what is asked of the session; `limit` seconds may pass without an event in a pipe (None: any)."""

    endpoint: Endpoint
    config: Mapping[str, Any] = field(default_factory=dict)
    sound: SoundChoice = field(default_factory=SoundChoice)
    display: DisplaySettings = field(default_factory=DisplaySettings)
    settings: Settings = field(default_factory=lambda: Settings(()))
    tools: tuple[Tool, ...] = ()
    json: bool = False
    both: bool = False
    limit: float | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
