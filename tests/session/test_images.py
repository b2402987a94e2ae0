"""Images as data URIs that the API takes."""

from __future__ import annotations

import base64
import io
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rtcli.errors import ConnectError, InputError
from rtcli.session import images
from rtcli.session.images import load_image, names_an_image, prepare


def encoded(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any) -> bytes:
    held = io.BytesIO()
    Image.new(mode, size, 120 if mode in "LP" else None).save(held, kind, **options)
    return held.getvalue()


def noise(size: tuple[int, int]) -> Image.Image:
    """An image that compresses badly."""
    return Image.frombytes("RGB", size, random.Random(7).randbytes(size[0] * size[1] * 3))


def decoded(uri: str) -> Image.Image:
    head, _, body = uri.partition(",")
    assert head.startswith("data:image/")
    return Image.open(io.BytesIO(base64.b64decode(body)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_the_api_takes_is_sent_byte_for_byte(kind: str) -> None:
    """PNG and JPEG are not encoded again."""
    data = encoded(kind)
    picture = prepare(data, "a")

    assert base64.b64decode(picture.data_uri.partition(",")[2]) == data
    assert (picture.width, picture.height, picture.size, picture.notes) == (40, 30, len(data), ())
    assert picture.media_type == f"image/{kind.lower()}"
    assert "40x30" in picture.summary and "base64" in picture.summary


@pytest.mark.parametrize(("kind", "sent"), [("WEBP", "JPEG"), ("GIF", "PNG"), ("BMP", "PNG"), ("TIFF", "PNG")])
def test_what_the_api_refuses_is_converted(kind: str, sent: str) -> None:
    """The image arrives as PNG or JPEG of the same size, and a note says so."""
    picture = prepare(encoded(kind), "a")

    assert decoded(picture.data_uri).format == sent
    assert decoded(picture.data_uri).size == (40, 30)
    assert picture.notes == (f"converted from {kind}",)


def test_a_transparent_picture_stays_transparent() -> None:
    """JPEG would lose it, so a WebP with holes becomes PNG."""
    picture = prepare(encoded("WEBP", mode="RGBA", lossless=True), "a")

    assert picture.media_type == "image/png"
    assert decoded(picture.data_uri).mode == "RGBA"


def test_of_a_moving_picture_the_first_is_sent() -> None:
    """The note says how many there were."""
    held = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:])

    assert prepare(held.getvalue(), "a").notes == ("converted from GIF, the first of 3 images",)


def test_a_picture_is_turned_as_its_camera_says() -> None:
    """EXIF rotation is applied, because the model would see it lying on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = prepare(encoded("JPEG", (40, 30), exif=exif), "a")

    assert (picture.width, picture.height) == (30, 40)
    assert decoded(picture.data_uri).getexif().get(0x0112, 1) == 1
    assert "turned upright" in picture.notes


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "RGBA"])
def test_a_large_picture_is_shrunk_with_a_note(mode: str) -> None:
    """No side is longer than models look at; the proportions stay."""
    picture = prepare(encoded("PNG", (4000, 1000), mode), "a")

    assert (picture.width, picture.height) == (2048, 512)
    assert "shrunk from 4000x1000" in picture.notes


def test_a_heavy_picture_is_made_lighter_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoded bytes stay below the bound, whatever the image holds."""
    monkeypatch.setattr(images, "MAX_BYTES", 20_000)
    held = io.BytesIO()
    noise((400, 300)).save(held, "PNG")
    picture = prepare(held.getvalue(), "a")

    assert picture.size <= 20_000
    assert picture.width * 3 == picture.height * 4
    assert any(note.startswith("shrunk from 400x300") for note in picture.notes)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", encoded("PNG")[:-40], encoded("JPEG")[:200], b"\x89PNG\r\n\x1a\n"]
)
def test_what_cannot_be_decoded_is_an_input_error(data: bytes) -> None:
    """Broken, cut off, or no image at all: one line, no traceback of a decoder."""
    with pytest.raises(InputError) as caught:
        prepare(data, "broken.png")

    assert "broken.png" in str(caught.value) and caught.value.hint


def test_a_picture_made_to_eat_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes that decode to a gigapixel are not decoded."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)

    for size in ((12, 10), (40, 30)):  # Pillow warns of one and refuses the other
        with pytest.raises(InputError, match="too many pixels"):
            prepare(encoded("PNG", size), "bomb.png")


async def test_files_are_read_and_their_errors_named(tmp_path: Path) -> None:
    """No such file, a folder, a name that cannot be one."""
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    assert (await load_image(str(tmp_path / "a.png"))).width == 40
    assert (await load_image("a.png", base=tmp_path)).source == "a.png"

    for source, why in (("none.png", "no such file"), (".", "folder"), ("a\0b", "null")):
        with pytest.raises(InputError, match=why):
            await load_image(source, base=tmp_path)


async def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A video given by mistake costs no memory."""
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 10)
    (tmp_path / "a.png").write_bytes(encoded("PNG"))

    with pytest.raises(InputError, match="larger than"):
        await load_image("a.png", base=tmp_path)


async def test_a_data_uri_is_taken_or_named_as_broken() -> None:
    """Pasted from somewhere else it goes through the same checks."""
    picture = await load_image("data:image/png;base64," + base64.b64encode(encoded("PNG")).decode())
    assert picture.width == 40

    for uri in ("data:image/png,abc", "data:image/png;base64,@@@"):
        with pytest.raises(InputError):
            await load_image(uri)


@pytest.fixture
async def website() -> AsyncIterator[str]:
    """A web server that has one image, and forgets to answer with it elsewhere."""
    import asyncio

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        body = encoded("PNG")
        status = b"200 OK" if path == b"/a.png" else b"404 Not Found"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def ramp(kind: str, mode: str, low: float, high: float) -> bytes:
    """Columns from one value to another."""
    code = {"I;16": "<256H", "I": "=256i", "F": "=256f"}[mode]
    values = [low + (high - low) * x / 255 for x in range(256)]
    row = struct.pack(code, *(values if mode == "F" else map(int, values)))
    held = io.BytesIO()
    Image.frombytes(mode, (256, 4), row * 4).save(held, kind)
    return held.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode", "high", "note"),
    [
        ("PNG", "I;16", 65535, ""),  # is sent as it is
        ("TIFF", "I;16", 65535, "from 16 to 8 bits"),
        ("TIFF", "I;16", 4095, "from 12 to 8 bits"),
        ("TIFF", "I", 255, ""),
        ("TIFF", "F", 1.0, "floating-point"),
        ("TIFF", "F", 255.0, "floating-point"),
    ],
)
def test_pixels_of_many_bits_keep_their_shades(kind: str, mode: str, high: float, note: str) -> None:
    """What is seen, and what is sent, goes from black to white in the steps of the original."""
    prepared = prepare(ramp(kind, mode, 0, high), "a")
    preview = Image.frombytes("RGB", (prepared.preview.width, prepared.preview.height), prepared.preview.pixels)
    seen = [preview.getpixel((x, 0)) for x in (0, preview.width // 2, preview.width - 1)]
    sent = decoded(prepared.data_uri)

    for shade, expected in zip(seen, (0, 128, 255), strict=True):
        assert isinstance(shade, tuple) and all(abs(channel - expected) <= 4 for channel in shade)
    assert note in ", ".join(prepared.notes)
    assert sent.mode == ("I;16" if kind == "PNG" else "L")


def test_a_large_png_of_16_bits_is_shrunk_with_its_shades() -> None:
    """Shrinking works on eight bits."""
    image = Image.new("I;16", (3000, 20), 32768)
    held = io.BytesIO()
    image.save(held, "PNG")
    prepared = prepare(held.getvalue(), "a")

    assert prepared.notes == ("shrunk from 3000x20", "reduced from 16 to 8 bits")
    assert decoded(prepared.data_uri).getpixel((5, 5)) == 127


@pytest.mark.parametrize(
    ("mode", "low", "high"), [("F", -1.0, 1.0), ("F", 0.0, 90_000.0), ("I", 0, 2_000_000), ("I", -5, 100)]
)
def test_pixels_whose_white_is_not_known_are_refused(mode: str, low: float, high: float) -> None:
    """Rather than shown wrong."""
    with pytest.raises(InputError, match="its pixels are"):
        prepare(ramp("TIFF", mode, low, high), "a")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.4\n", "PDF"),
        (b"\n<!DOCTYPE html><html>", "web page"),
    ],
)
def test_what_is_taken_for_an_image_is_named(data: bytes, word: str) -> None:
    """By its first bytes."""
    with pytest.raises(InputError, match=word):
        prepare(data, "a.png")


def test_broken_exif_says_nothing_and_turns_nothing(recwarn: pytest.WarningsRecorder) -> None:
    """An orientation that does not exist is none."""
    data = encoded("JPEG")
    block = b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12"
    broken = data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]
    exif = Image.Exif()
    exif[0x0112] = 99

    assert prepare(broken, "a").notes == ()
    assert prepare(encoded("JPEG", exif=exif), "a").notes == ()
    assert not recwarn.list


@pytest.mark.parametrize(
    ("url", "word"), [("ftp://x/a.png", "ftp://"), ("https://", "host"), ("http:///a.png", "host")]
)
async def test_an_address_that_cannot_be_fetched_says_what_is_missing(url: str, word: str) -> None:
    """Before anything is dialed."""
    with pytest.raises((InputError, ConnectError), match=word):
        await load_image(url)


async def test_a_url_is_fetched(website: str) -> None:
    """The API takes no URLs, so we fetch."""
    assert (await load_image(f"{website}/a.png")).media_type == "image/png"


async def test_a_url_that_cannot_be_fetched_says_why(website: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP status, refused connection, no URL, too much of it."""
    with pytest.raises(ConnectError, match="404"):
        await load_image(f"{website}/b.png")
    with pytest.raises(ConnectError):
        await load_image("http://127.0.0.1:1/a.png")
    with pytest.raises(ConnectError):
        await load_image("http://[broken/a.png")
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="larger than"):
        await load_image(f"{website}/a.png")


@pytest.mark.parametrize(
    ("found", "why"), [(None, "no image"), ([], "no image"), (NotImplementedError("no tool"), "no tool")]
)
async def test_an_empty_clipboard_says_so(found: Any, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on it, or no program to read it with."""
    from PIL import ImageGrab

    def grab() -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(ImageGrab, "grabclipboard", grab)
    with pytest.raises(InputError, match=why):
        await load_image("clipboard")


async def test_the_clipboard_gives_images_and_names_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screenshot, or a file that was copied."""
    from PIL import ImageGrab

    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: Image.new("RGB", (5, 6)))
    assert (await load_image("clipboard")).height == 6
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: [str(tmp_path / "a.png")])
    assert (await load_image("clip")).height == 30


def test_a_handle_is_no_picture(tmp_path: Path) -> None:
    """@alice stays text; a file, a suffix, a URL and the clipboard are meant as images."""
    (tmp_path / "shot").write_bytes(b"")

    assert all(names_an_image(text) for text in (str(tmp_path / "shot"), "nowhere.PNG", "https://x.y/z", "clipboard"))
    assert not any(names_an_image(text) for text in ("alice", "~nobody/there", "a\0b", "example.com", "."))
    assert names_an_image(f"{tmp_path}"), "a folder by its path is refused with its reason, not sent as text"


def test_what_becomes_jpeg_stands_on_white(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transparent image that only fits as JPEG loses its holes, and not its sight."""
    picture = Image.new("RGBA", (300, 300))
    picture.paste(noise((300, 150)), (0, 150))
    held = io.BytesIO()
    picture.save(held, "PNG")
    monkeypatch.setattr(images, "MAX_BYTES", 90_000)
    prepared = prepare(held.getvalue(), "a")

    assert prepared.media_type == "image/jpeg"
    assert decoded(prepared.data_uri).getpixel((150, 20)) == (255, 255, 255)


async def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own words."""
    (tmp_path / "a.png").write_bytes(encoded("PNG"))

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        await load_image("a.png", base=tmp_path)
