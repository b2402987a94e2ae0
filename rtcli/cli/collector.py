"""Python's collector of cycles while the program starts: nothing of what modules make as they load is garbage."""

from __future__ import annotations

import gc

_SELDOM = 100_000
"""Objects between two collections. A prompt's modules make about as many, and a hundred collections find nothing."""

_USUAL = gc.get_threshold()


def rest() -> None:
    """Collect seldom from now on."""
    gc.set_threshold(_SELDOM, *_USUAL[1:])


def work() -> None:
    """Collect as usual, and never again look through what has been loaded: that would stop a prompt for 20 ms."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def end() -> None:
    """Let the interpreter's end collect that too: native modules report each object it does not reach as leaked."""
    gc.unfreeze()
