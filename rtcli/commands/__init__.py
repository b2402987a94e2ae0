"""Slash commands: each a function whose typed parameters are its parser and its completion, and which returns views.

Each name is imported when it is first used: a program that shows findings or differences needs no session for them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtcli.commands.all_commands import default_registry, proxy_registry
    from rtcli.commands.context import Context
    from rtcli.commands.line import run_line
    from rtcli.commands.registry import Command, Registry, command

__all__ = [
    "Command",
    "Context",
    "Registry",
    "command",
    "default_registry",
    "proxy_registry",
    "run_line",
]

_HOMES = {
    "Command": "registry",
    "Context": "context",
    "Registry": "registry",
    "command": "registry",
    "default_registry": "all_commands",
    "proxy_registry": "all_commands",
    "run_line": "line",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return found
