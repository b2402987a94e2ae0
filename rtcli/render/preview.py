"""A small image in a terminal: as graphics where the terminal has them, else as half blocks in color."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto

from rtcli.views import ImagePreview

_COLUMNS, _ROWS = 40, 12
"""The room that a preview takes at most, in cells. A cell is about twice as high as it is wide."""

_KITTY_CHUNK = 4096  # base64 characters in one escape sequence: the protocol's own limit
_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")  # values of TERM
_KITTY_PROGRAMS = ("ghostty",)  # of TERM_PROGRAM
_ITERM_PROGRAMS = ("iTerm.app", "WezTerm", "mintty")


class Graphics(Enum):
    """How a terminal shows an image. HALF_BLOCKS takes 256 colors, TRUE_BLOCKS all of them."""

    NONE = auto()
    HALF_BLOCKS = auto()
    TRUE_BLOCKS = auto()
    KITTY = auto()
    ITERM = auto()


def graphics_of(environ: Mapping[str, str], *, colored: bool) -> Graphics:
    """What the terminal of this environment can show, `colored` if it may have 256 colors."""
    if not colored:
        return Graphics.NONE
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    inside = environ.get("TMUX") or term.startswith(("tmux", "screen"))  # it hands no graphics on unless told to
    if not inside and (environ.get("KITTY_WINDOW_ID") or term in _KITTY_TERMS or program in _KITTY_PROGRAMS):
        return Graphics.KITTY
    if not inside and (program in _ITERM_PROGRAMS or environ.get("LC_TERMINAL") == "iTerm2"):
        return Graphics.ITERM
    return Graphics.TRUE_BLOCKS if environ.get("COLORTERM") in ("truecolor", "24bit") else Graphics.HALF_BLOCKS


def preview_rows(preview: ImagePreview, graphics: Graphics, width: int) -> list[str]:
    """The image in rows of at most `width` columns; none where nothing can be shown."""
    draw = _DRAW.get(graphics)
    if draw is None or preview.width < 1 or preview.height < 1 or width < 2:
        return []
    columns, rows = _room(preview, width)
    return list(draw(preview, columns, rows))


def _room(preview: ImagePreview, width: int) -> tuple[int, int]:
    """Columns and rows that keep its shape."""
    scale = min(min(_COLUMNS, width) / preview.width, 2 * _ROWS / preview.height)
    return max(1, int(preview.width * scale)), max(1, round(preview.height * scale / 2))


def _kitty(preview: ImagePreview, columns: int, rows: int) -> Iterator[str]:
    data = base64.b64encode(zlib.compress(preview.pixels)).decode()
    pieces = [data[start : start + _KITTY_CHUNK] for start in range(0, len(data), _KITTY_CHUNK)]
    # q=2: no answer, which would come in as keys; C=1: the cursor stays, since rows are ours to count
    head = f"a=T,q=2,C=1,f=24,o=z,s={preview.width},v={preview.height},c={columns},r={rows},"
    drawn = "".join(
        f"\x1b_G{head if number == 1 else ''}m={int(number < len(pieces))};{piece}\x1b\\"
        for number, piece in enumerate(pieces, 1)
    )
    yield from _drawn_over(drawn, rows)


def _iterm(preview: ImagePreview, columns: int, rows: int) -> Iterator[str]:
    data = base64.b64encode(_png(preview)).decode()
    head = f"inline=1;doNotMoveCursor=1;preserveAspectRatio=1;width={columns};height={rows}"
    yield from _drawn_over(f"\x1b]1337;File={head}:{data}\x07", rows)


def _drawn_over(drawn: str, rows: int) -> Iterator[str]:
    """Rows are made first, so that the screen has scrolled by then; the image is drawn over them from the last."""
    yield from ("" for _ in range(rows - 1))
    yield f"\x1b[{rows - 1}A{drawn}\x1b[{rows - 1}B" if rows > 1 else drawn


def _blocks(color: Callable[[int, bytes], str]) -> Callable[[ImagePreview, int, int], Iterator[str]]:
    def draw(preview: ImagePreview, columns: int, rows: int) -> Iterator[str]:
        for row in range(rows):
            # a cell shows two pixels, one above the other: the block is the upper, its ground the lower
            upper = _sampled(preview, columns, rows * 2, row * 2)
            lower = _sampled(preview, columns, rows * 2, row * 2 + 1)
            cells = (f"\x1b[{color(38, a)};{color(48, b)}m▀" for a, b in zip(upper, lower, strict=True))
            yield "".join(cells) + "\x1b[0m"

    return draw


def _sampled(preview: ImagePreview, columns: int, rows: int, row: int) -> list[bytes]:
    """The colors of one row, if the image had this many columns and rows."""
    y = (2 * row + 1) * preview.height // (2 * rows)
    xs = ((2 * column + 1) * preview.width // (2 * columns) for column in range(columns))
    return [preview.pixels[at : at + 3] for x in xs for at in [3 * (y * preview.width + x)]]


def _true(layer: int, pixel: bytes) -> str:
    return f"{layer};2;{pixel[0]};{pixel[1]};{pixel[2]}"


def _of_256(layer: int, pixel: bytes) -> str:
    """The nearest of the cube of 6 by 6 by 6, whose steps are 0, 95, 135, 175, 215, 255."""
    # the borders are the midpoints between two steps
    red, green, blue = (0 if value < 48 else 1 if value < 115 else (value - 35) // 40 for value in pixel)
    return f"{layer};5;{16 + 36 * red + 6 * green + blue}"


def _png(preview: ImagePreview) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    line = 3 * preview.width
    # each row begins with its filter: 0, none
    rows = b"".join(b"\0" + preview.pixels[start : start + line] for start in range(0, line * preview.height, line))
    header = struct.pack(">IIBBBBB", preview.width, preview.height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


_DRAW: Mapping[Graphics, Callable[[ImagePreview, int, int], Iterator[str]]] = {
    Graphics.HALF_BLOCKS: _blocks(_of_256),
    Graphics.TRUE_BLOCKS: _blocks(_true),
    Graphics.KITTY: _kitty,
    Graphics.ITERM: _iterm,
}
