"""Slash commands: each a function whose typed parameters are its parser and its completion, and which returns views."""

from rtcli.commands.all_commands import default_registry, proxy_registry
from rtcli.commands.complete import Completion, complete
from rtcli.commands.context import Context
from rtcli.commands.line import run_line
from rtcli.commands.registry import Command, Registry, command

__all__ = [
    "Command",
    "Completion",
    "Context",
    "Registry",
    "command",
    "complete",
    "default_registry",
    "proxy_registry",
    "run_line",
]
