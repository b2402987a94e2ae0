"""An image from a file, a URL or the clipboard as the data URI that the API takes."""

from __future__ import annotations

import asyncio
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rtcli.errors import ConnectError, InputError
from rtcli.files import expanded
from rtcli.http.client import stream
from rtcli.protocol.audio_formats import decode_base64, encode_base64
from rtcli.protocol.units import size
from rtcli.session.image_depth import in_eight_bits
from rtcli.views import ImagePreview, Notice, View

if TYPE_CHECKING:
    from PIL import Image as Pillow

MAX_PIXELS_PER_SIDE = 2048
"""Models look at no more than this; larger images only cost time (and have closed connections)."""

MAX_BYTES = 4 * 2**20
"""An encoded image stays below this, so that its event is far from any server's limit on frames."""

MAX_FILE_BYTES = 64 * 2**20
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
_EXIF_ORIENTATION, _TURNED = 0x0112, range(2, 9)
_NOT_DECODED = {
    b"ftyphei": "HEIC, as phones write it",
    b"ftypmif1": "HEIC, as phones write it",
    b"<svg": "SVG",
    b"<?xml": "XML or SVG",
    b"%pdf": "PDF",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
}
"""How files begin that are taken for images."""

_FETCH_SECONDS, _MAX_FETCH_SECONDS = 20.0, 60.0  # for each step of it, and for all
_PREVIEW = (240, 160)  # pixels


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image ready to be sent. `notes` say what was done to it; `source` is what the user named.

    `preview` is small, for a terminal that can show it.
    """

    source: str
    data_uri: str
    width: int
    height: int
    size: int
    media_type: str
    preview: ImagePreview
    notes: tuple[str, ...] = ()

    @property
    def views(self) -> list[View]:
        """What the user is shown of it."""
        return [self.preview, Notice(self.summary, why=", ".join(self.notes))]

    @property
    def summary(self) -> str:
        """Pixels, bytes and what they become on the wire, in one line."""
        kind = self.media_type.removeprefix("image/").upper()
        wire = len(self.data_uri)
        return f"{self.source}: {kind} {self.width}x{self.height}, {size(self.size)} ({size(wire)} as base64)"


IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tiff")


_BLANKS = re.compile(r"\s+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def file_of(source: str) -> Path:
    """The path that a name or a file:// URL stands for."""
    if source.lower().startswith("file://"):
        source = unquote(urlsplit(source).path)
    return Path(source)


def names_an_image(text: str) -> bool:
    """Whether a word after an @ is meant as an image: it is a file or a path, has an image suffix, or is a URL.

    An address or a handle ("@alice") is not.
    """
    if text in ("clipboard", "clip") or text.lower().endswith(IMAGE_SUFFIXES):
        return True
    if text.lower().startswith(("http://", "https://")):
        return True
    try:
        path = expanded(file_of(text))
        return path.is_file() or ("/" in text and path.exists())  # a folder by its bare name may be anything
    except (OSError, RuntimeError, ValueError):
        return False


async def load_image(source: str, *, base: Path | None = None) -> PreparedImage:
    """An image by path (relative to `base`), http(s) URL, or the word `clipboard`.

    Raises InputError (no file, a folder, not an image, nothing on the clipboard) or ConnectError (URL).
    """
    if source in ("clipboard", "clip"):
        return await asyncio.to_thread(_from_clipboard)
    scheme = (_SCHEME.match(source) or ("", ""))[1].lower()
    if scheme not in ("", "http", "https", "file"):
        raise InputError(source, f"{scheme}:// cannot be fetched", hint="http://, https:// or a file")
    if scheme.startswith("http"):
        return await asyncio.to_thread(prepare, await _fetch(source), source)
    if source.startswith("data:"):
        return await asyncio.to_thread(prepare, _from_data_uri(source), "data URI")
    return await asyncio.to_thread(lambda: prepare(_read(source, base), source))


def _read(source: str, base: Path | None = None) -> bytes:
    try:
        path = _same_but_for_blanks((base or Path()) / expanded(file_of(source)))
        if path.is_dir():
            raise InputError(source, "this is a folder, not an image")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(source, f"larger than {size(MAX_FILE_BYTES)}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(source, "there is no such file") from error
    except OSError as error:
        raise InputError(source, error.strerror or str(error)) from error
    except (ValueError, RuntimeError) as error:  # a null byte in the name; ~nobody
        raise InputError(source, str(error)) from error


def _same_but_for_blanks(path: Path) -> Path:
    """The path; where no file is there, the only one whose name differs in kinds of blanks alone (macOS has U+202F)."""
    if path.exists() or not path.parent.is_dir() or not _BLANKS.search(path.name):
        return path
    folded = _BLANKS.sub(" ", path.name)
    fitting = [entry for entry in path.parent.iterdir() if _BLANKS.sub(" ", entry.name) == folded]
    return fitting[0] if len(fitting) == 1 else path


def _from_data_uri(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise InputError("data URI", "not of the form data:image/...;base64,...")
    try:
        return decode_base64(body)
    except ValueError as error:
        raise InputError("data URI", f"its base64 cannot be read: {error}") from error


async def _fetch(url: str) -> bytes:
    if not re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise ConnectError(f"GET {url} failed", why="the address names no host", url=url)
    taken = bytearray()
    # no key goes along where it redirects to
    async with stream("GET", url, timeout=_FETCH_SECONDS, total=_MAX_FETCH_SECONDS, follow_redirects=True) as response:
        async for piece in response.aiter_bytes():
            taken += piece
            if len(taken) > MAX_FILE_BYTES:
                raise InputError(url, f"larger than {size(MAX_FILE_BYTES)}")
    return bytes(taken)


def _from_clipboard() -> PreparedImage:
    from PIL import ImageGrab

    try:
        found = ImageGrab.grabclipboard()
    except (NotImplementedError, OSError, ChildProcessError) as error:
        why = "no tool reads it here" if "ImageGrab" in str(error) else str(error) or "cannot be read"
        raise InputError("clipboard", why, hint="on Linux, install wl-clipboard or xclip") from error
    if isinstance(found, list) and found:  # some systems give the names of copied files
        return prepare(_read(str(found[0])), str(found[0]))
    if found is None or isinstance(found, list):
        raise InputError("clipboard", "it contains no image")
    held = io.BytesIO()
    found.save(held, "PNG")
    return prepare(held.getvalue(), "clipboard")


def prepare(data: bytes, source: str) -> PreparedImage:
    """Decode, turn upright, shrink and re-encode as far as the API asks for it.

    PNG and JPEG within bounds pass untouched; everything else that can be decoded becomes one of them.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken EXIF data, say: the image itself is there
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Pillow.Image = Image.open(io.BytesIO(data))
            kind = image.format or "?"
            turned = image.getexif().get(_EXIF_ORIENTATION, 1) in _TURNED
            image.load()
            image, reduced = in_eight_bits(image, kind, source)
            if turned:
                image = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(source, "the image has too many pixels", hint="shrink it first") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's decoders raise all of these
        unknown = type(error).__name__ == "UnidentifiedImageError"
        why = _what_it_is(data) if unknown else f"broken: {error}"
        raise InputError(source, why, hint="PNG, JPEG, WebP and GIF are read") from error
    notes = ["turned upright"] if turned else []
    if max(image.size) > MAX_PIXELS_PER_SIDE:
        before = image.size
        image = _without_palette(image)  # a palette cannot be averaged
        image.thumbnail((MAX_PIXELS_PER_SIDE, MAX_PIXELS_PER_SIDE))
        notes.append(f"shrunk from {before[0]}x{before[1]}")
    if kind in _MEDIA_TYPES and not notes and len(data) <= MAX_BYTES:
        return _prepared(source, data, image, _MEDIA_TYPES[kind], notes)
    notes += [reduced] if reduced else []
    if kind not in _MEDIA_TYPES:
        frames = getattr(image, "n_frames", 1)
        notes.append(f"converted from {kind}" + (f", the first of {frames} images" if frames > 1 else ""))
    return _encode(source, image, kind, notes)


def _what_it_is(data: bytes) -> str:
    """Of data that no decoder knows: what its first bytes say."""
    if not data:
        return "it is empty"
    start = data[:512].lstrip().lower()
    what = next((name for sign, name in _NOT_DECODED.items() if sign in start[: len(sign) + 8]), None)
    return f"{what}, not an image that can be decoded" if what else "no image that can be decoded"


def _encode(source: str, image: Pillow.Image, kind: str, notes: list[str]) -> PreparedImage:
    """As PNG where it was lossless or is transparent, else as JPEG; smaller and smaller until it fits."""
    opaque = image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info
    ways: list[tuple[str, Callable[[Pillow.Image], bytes]]] = [("image/png", _as_png)]
    if opaque and kind in ("JPEG", "WEBP", "MPO"):
        ways.insert(0, ("image/jpeg", _as_jpeg))
    else:
        ways.append(("image/jpeg", _as_jpeg))
    while True:
        for media_type, encode in ways:
            data = encode(image)
            if len(data) <= MAX_BYTES:
                return _prepared(source, data, image, media_type, notes)
        before = image.size
        image = _without_palette(image).resize((max(1, before[0] * 3 // 4), max(1, before[1] * 3 // 4)))
        notes.append(f"shrunk from {before[0]}x{before[1]}")


def _without_palette(image: Pillow.Image) -> Pillow.Image:
    return image.convert("RGBA" if "transparency" in image.info else "RGB") if image.mode in "1P" else image


def _as_png(image: Pillow.Image) -> bytes:
    held = io.BytesIO()
    image = image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.convert("RGB")
    image.save(held, "PNG")
    return held.getvalue()


def _as_jpeg(image: Pillow.Image) -> bytes:
    """JPEG knows no transparency."""
    held = io.BytesIO()
    _opaque(image).save(held, "JPEG", quality=88)
    return held.getvalue()


def _prepared(source: str, data: bytes, image: Pillow.Image, media_type: str, notes: list[str]) -> PreparedImage:
    uri = f"data:{media_type};base64,{encode_base64(data)}"
    preview = _preview(image)
    return PreparedImage(source, uri, *image.size, len(data), media_type, preview, tuple(notes))


def _preview(image: Pillow.Image) -> ImagePreview:
    """In colors that a terminal has, on white where it is transparent."""
    small = _opaque(image)
    small.thumbnail(_PREVIEW)
    return ImagePreview(*small.size, small.tobytes())


def _opaque(image: Pillow.Image) -> Pillow.Image:
    from PIL import Image

    if image.mode not in ("RGBA", "LA", "PA", "P"):
        return image.convert("RGB")
    clear = image.convert("RGBA")
    opaque = Image.new("RGB", clear.size, "white")
    opaque.paste(clear, mask=clear.getchannel("A"))
    return opaque
