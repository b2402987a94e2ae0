"""What a stream can show."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from rtcli.render.styles import Color
from rtcli.terminal.capabilities import can_prompt, color_of, is_terminal, width_of


@pytest.fixture
def tty() -> Iterator[TextIO]:
    """A stream that is a terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream
    os.close(master)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-256color"}, Color.MIDDLE),
        ({"TERM": "xterm"}, Color.SIXTEEN),
        ({"TERM": "linux"}, Color.SIXTEEN),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, Color.MIDDLE),
        ({"TERM": "dumb"}, Color.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Color.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, Color.MIDDLE),
        ({"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_COLOR": "1"}, Color.NONE),
    ],
)
def test_colours_of_a_terminal(tty: TextIO, environ: dict[str, str], expected: Color) -> None:
    """NO_COLOR wins over everything, a dumb terminal has none."""
    assert color_of(tty, environ) is expected


def test_a_pipe_has_colours_only_if_they_are_forced() -> None:
    """Nobody wants escape codes in a file."""
    assert color_of(io.StringIO(), {"TERM": "xterm-256color"}) is Color.NONE
    assert color_of(io.StringIO(), {"TERM": "xterm-256color", "FORCE_COLOR": "1"}) is Color.MIDDLE


def test_a_prompt_needs_a_terminal_at_both_ends(tty: TextIO) -> None:
    """And one that can move its cursor."""
    environ = {"TERM": "xterm"}
    assert can_prompt(environ, tty, tty)
    assert not can_prompt(environ, io.StringIO(), tty)
    assert not can_prompt(environ, tty, io.StringIO())
    assert not can_prompt(environ, None, tty)
    assert not can_prompt({"TERM": "dumb"}, tty, tty)


def test_a_closed_stream_is_no_terminal() -> None:
    """Asking must not fail."""
    stream = io.StringIO()
    stream.close()

    assert not is_terminal(stream)


def test_width_without_a_terminal_is_eighty() -> None:
    """A pipe, a missing stream."""
    assert width_of(io.StringIO()) == width_of(None) == 80
