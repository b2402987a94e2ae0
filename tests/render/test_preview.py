"""A small image, in terminals that have graphics and in those that have colors."""

from __future__ import annotations

import base64
import io
import random
import re
import zlib

import pytest
from PIL import Image

from rtcli.render.presenter import Presenter
from rtcli.render.preview import Graphics, graphics_of, preview_rows
from rtcli.render.styles import Color
from rtcli.views import DisplaySettings, ImagePreview

RED, BLUE = bytes([255, 0, 0]), bytes([0, 0, 255])
FLAG = ImagePreview(8, 4, (RED * 4 + BLUE * 4) * 4)
"""Left half red, right half blue."""


@pytest.mark.parametrize(
    ("environ", "graphics"),
    [
        ({"TERM": "xterm-kitty"}, Graphics.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Graphics.KITTY),
        ({"TERM": "xterm-ghostty"}, Graphics.KITTY),
        ({"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}, Graphics.ITERM),
        ({"TERM_PROGRAM": "WezTerm", "COLORTERM": "truecolor"}, Graphics.ITERM),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}, Graphics.HALF_BLOCKS),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Graphics.TRUE_BLOCKS),
        ({"TERM": "xterm-256color"}, Graphics.HALF_BLOCKS),
    ],
    ids=str,
)
def test_the_environment_tells_what_a_terminal_can_show(environ: dict[str, str], graphics: Graphics) -> None:
    """A multiplexer hands no graphics on; without colors nothing is shown at all."""
    assert graphics_of(environ, colored=True) is graphics
    assert graphics_of(environ, colored=False) is Graphics.NONE


def test_half_blocks_show_two_pixels_a_cell() -> None:
    """The upper one in the foreground, the lower one in the background; the shape is kept."""
    rows = preview_rows(FLAG, Graphics.TRUE_BLOCKS, 8)

    assert len(rows) == 2
    cells = re.findall(r"\x1b\[38;2;(\d+);0;(\d+);48;2;(\d+);0;(\d+)m▀", rows[0])
    assert cells == [("255", "0", "255", "0")] * 4 + [("0", "255", "0", "255")] * 4
    assert all(row.endswith("\x1b[0m") for row in rows)


def test_fewer_colours_take_the_nearest() -> None:
    """Of the cube of 256: pure red is 196, pure blue 21."""
    (row, _) = preview_rows(FLAG, Graphics.HALF_BLOCKS, 8)

    assert row.count("38;5;196;48;5;196m") == 4 and row.count("38;5;21;48;5;21m") == 4


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000), (1, 1), (240, 160)])
@pytest.mark.parametrize("width", [2, 20, 200])
def test_a_preview_stays_small(size: tuple[int, int], width: int) -> None:
    """Whatever its shape and the terminal's width."""
    preview = ImagePreview(*size, bytes(3 * size[0] * size[1]))
    rows = preview_rows(preview, Graphics.TRUE_BLOCKS, width)

    assert 1 <= len(rows) <= 12
    assert all(1 <= row.count("▀") <= min(40, width) for row in rows)


def test_the_kitty_protocol_carries_the_pixels_in_chunks() -> None:
    """Rows are made first; then the cursor goes up, the image is drawn, and it comes back."""
    noise = random.Random(7).randbytes(3 * 100 * 100)
    rows = preview_rows(ImagePreview(100, 100, noise), Graphics.KITTY, 80)
    last = rows[-1]
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", last)

    assert rows[:-1] == [""] * (len(rows) - 1)
    assert last.startswith(f"\x1b[{len(rows) - 1}A") and last.endswith(f"\x1b[{len(rows) - 1}B")
    assert "s=100,v=100," in chunks[0][0] and f"r={len(rows)}," in chunks[0][0]
    assert [keys[-3:] for keys, _ in chunks] == ["m=1"] * (len(chunks) - 1) + ["m=0"]
    assert len(chunks) > 1 and all(len(data) <= 4096 for _, data in chunks)
    assert zlib.decompress(base64.b64decode("".join(data for _, data in chunks))) == noise


def test_the_iterm_protocol_carries_a_png() -> None:
    """One that other programs read."""
    last = preview_rows(FLAG, Graphics.ITERM, 80)[-1]
    match = re.search(r"\x1b\]1337;File=inline=1;[^:]*:([^\x07]*)\x07", last)
    assert match
    image = Image.open(io.BytesIO(base64.b64decode(match[1])))

    assert image.tobytes() == FLAG.pixels and image.size == (8, 4)


def test_where_nothing_can_be_shown_nothing_is() -> None:
    """No graphics, no room, no pixels; a presenter without colors."""
    assert preview_rows(FLAG, Graphics.NONE, 80) == []
    assert preview_rows(FLAG, Graphics.KITTY, 1) == []
    assert preview_rows(ImagePreview(0, 0, b""), Graphics.KITTY, 80) == []
    assert Presenter(DisplaySettings(), Color.NONE).lines(FLAG, 80) == []


def test_a_presenter_shows_it_as_its_terminal_can() -> None:
    """The writer of the prompt says which."""
    presenter = Presenter(DisplaySettings(), Color.MIDDLE, Graphics.TRUE_BLOCKS)

    assert presenter.lines(FLAG, 8) == preview_rows(FLAG, Graphics.TRUE_BLOCKS, 8)
