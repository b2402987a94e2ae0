"""What a stream can show: a terminal or not, how many colors, how wide."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from rtcli.render.styles import Color

DEFAULT_WIDTH = 80


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a user looks at it; a closed or missing stream is none."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def can_prompt(environ: Mapping[str, str], stdin: TextIO | None, stdout: TextIO | None) -> bool:
    """Whether a prompt can be kept under streaming text here; elsewhere, lines are read and written."""
    return is_terminal(stdin) and is_terminal(stdout) and environ.get("TERM", "") not in ("dumb", "unknown")


def color_of(stream: TextIO | None, environ: Mapping[str, str]) -> Color:
    """The colors to use on a stream: none for NO_COLOR, a pipe or TERM=dumb; FORCE_COLOR overrides the last two."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR"):
        return Color.NONE
    if not environ.get("FORCE_COLOR") and (not is_terminal(stream) or term in ("dumb", "unknown")):
        return Color.NONE
    rich_enough = "256color" in term or term in ("xterm-kitty", "alacritty", "xterm-ghostty", "wezterm", "foot")
    if rich_enough or environ.get("COLORTERM") in ("truecolor", "24bit") or sys.platform == "win32":
        return Color.MIDDLE
    return Color.SIXTEEN


def width_of(stream: TextIO | None) -> int:
    """The columns of a terminal, DEFAULT_WIDTH for anything else."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH if stream else DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH
