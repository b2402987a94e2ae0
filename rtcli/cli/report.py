"""What is said to users on stderr: whole lines, with control characters and keys taken out."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rtcli.errors import RtcliError

if TYPE_CHECKING:  # help and errors need none of the views
    from rtcli.views import Notice


def line(text: str) -> None:
    """One line from the program."""
    from rtcli.masking import masked
    from rtcli.render.text import one_line

    with contextlib.suppress(OSError):  # nobody reads it any more (`2>&1 | head`): the exit code still counts
        # One line, whatever a server has put into its message: a second one could pass for ours.
        sys.stderr.write(f"rtcli: {one_line(masked(text))}\n")
        sys.stderr.flush()


def error(problem: RtcliError) -> None:
    """What happened, why, and what to do, in one line."""
    line(f"{problem} ({problem.hint})" if problem.hint else str(problem))


def notice(view: Notice) -> None:
    """A notice of the session, in one line."""
    text = f"{view.what}: {view.why}" if view.why else view.what
    line(f"{text} ({view.hint})" if view.hint else text)
