"""Which engines run: those of the voice extra where they are installed, the basic ones elsewhere."""

from __future__ import annotations

import importlib

from rtcli.errors import UsageError
from rtcli.installation import install_command
from rtcli.server.engines import Engines
from rtcli.server.voice.basic_engines import basic_engines

ENGINE_CHOICES = ("auto", "tone", "voice")


def load_engines(choice: str = "auto") -> Engines:
    """The engines of a choice: `tone`, `voice`, or `auto` (`voice` where it is installed). Blocks for seconds.

    Raises UsageError for an unknown choice, and for `voice` where its packages are missing.
    """
    if choice not in ENGINE_CHOICES:
        raise UsageError(f"unknown engines {choice!r}", hint=f"choose one of {', '.join(ENGINE_CHOICES)}")
    if choice == "tone":
        return basic_engines()
    try:
        # imported here: numpy and the rest are needed for real engines alone
        loading = importlib.import_module("rtcli.server.voice.loading")
        engines: Engines = loading.load()
    except (ImportError, UsageError) as error:
        if choice == "voice":
            raise UsageError(
                "the voice engines are not installed", why=str(error), hint=install_command("rtcli[voice]")
            ) from error
        return basic_engines()
    return engines
