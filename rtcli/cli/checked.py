"""CheckedCommand: what no option of any command takes is refused before the command runs, by one rule for all."""

import math
from typing import Any

from typer.core import TyperCommand

from rtcli.errors import UsageError

EMPTY_MEANS_SOMETHING = frozenset({"--instructions", "--filter"})
"""Options that are given with an empty value on purpose: none, in place of what the settings say."""

PASSED_ON = "command"
"""The argument that is a program with arguments of its own: what they may be is for it to say."""

FILES = frozenset({"FILE", "WAV", "FOLDER", "DIR", "RECORDING", "FILE|last"})
"""What the help calls files and folders. `-` is one of them where the help says so."""


class CheckedCommand(TyperCommand):
    """Refuses an empty value, a number below 0 or beyond all numbers, and `-` where it is not a stream."""

    def invoke(self, ctx: Any) -> Any:
        for parameter in self.params:
            given = ctx.params.get(parameter.name or "")
            values = given if isinstance(given, list | tuple) else (given,)
            for value in values[:1] if parameter.name == PASSED_ON else values:
                _check(parameter, value)
        return super().invoke(ctx)


def _check(parameter: Any, value: object) -> None:
    is_option = parameter.param_type_name == "option"
    name = max(parameter.opts, key=len) if is_option else parameter.metavar or (parameter.name or "").upper()
    if value == "" and name not in EMPTY_MEANS_SOMETHING:
        raise UsageError(f"{name} is empty")
    if isinstance(value, int | float) and not isinstance(value, bool) and not 0 <= value < math.inf:
        said = str(value) if isinstance(value, int) else f"{value:g}"
        raise UsageError(f"{name} {said}", why="must be a number from 0 on")
    if value == "-" and is_option and takes_no_stream(parameter):
        raise UsageError(f"{name} -", why="it takes a file, and not a stream")


def takes_no_stream(option: Any) -> bool:
    """Whether `-` cannot be its value. `--record` says more of that itself."""
    return option.metavar in FILES and "- is" not in option.help and "--record" not in option.opts
