"""Pixels of more than eight bits, as the eight bits that screens and models see; what cannot be told is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rtcli.errors import InputError

if TYPE_CHECKING:
    from PIL import Image as Pillow

_HINT = "convert it to 8 bits per channel first"


def in_eight_bits(image: Pillow.Image, kind: str, source: str) -> tuple[Pillow.Image, str]:
    """The image with pixels that can be shown, and what was done for that ("": nothing had to be).

    Raises InputError for pixels whose white is not known, and for colors that cannot be converted.
    """
    if image.mode == "F":
        return _of_floats(image, source)
    if image.mode.startswith("I"):
        return _of_integers(image, kind, source)
    if image.mode == "LAB":
        raise InputError(source, "its colors (LAB) cannot be converted", hint="save it as RGB first")
    return image, ""


def _of_integers(image: Pillow.Image, kind: str, source: str) -> tuple[Pillow.Image, str]:
    """16 bits, or 12 of them, as cameras and microscopes fill them; in PNG white is what the format says."""
    whole = image.convert("I")
    low, high = cast("tuple[int, int]", whole.getextrema())
    depths = (16,) if kind == "PNG" else (8, 12, 16)
    depth = next((bits for bits in depths if low >= 0 and high < 2**bits), None)
    if depth is None:
        raise InputError(source, f"its pixels are numbers from {low} to {high}", hint=_HINT)
    return _scaled(whole, 255 / (2**depth - 1)), f"reduced from {depth} to 8 bits" if depth > 8 else ""


def _of_floats(image: Pillow.Image, source: str) -> tuple[Pillow.Image, str]:
    """From 0 to 1, or from 0 to 255."""
    low, high = cast("tuple[float, float]", image.getextrema())
    white = next((white for white in (1, 255) if low >= 0 and high <= white), None)
    if white is None:
        raise InputError(source, f"its pixels are floating-point numbers from {low:g} to {high:g}", hint=_HINT)
    return _scaled(image, 255 / white), "reduced from floating-point numbers to 8 bits"


def _scaled(image: Pillow.Image, factor: float) -> Pillow.Image:
    scaled = image.point(lambda value: value * factor).convert("L")
    scaled.info.pop("transparency", None)  # it is a value of the old range
    return scaled
