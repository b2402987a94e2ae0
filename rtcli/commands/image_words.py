"""Images in a message: `@path` in any of its spellings, and files that were dropped on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rtcli.commands.lexer import next_word
from rtcli.files import expanded
from rtcli.session.images import IMAGE_SUFFIXES, file_of, names_an_image

_OF_ADDRESSES = "._%+-/"  # beside letters and digits, what stands before the @ of an address, or in a path
_POSSESSIVE = re.compile(r"['\u2019]s$")
_NEXT = re.compile(r"[,;]@")


class NamedImage(NamedTuple):
    """What a message names as an image, and where: from `start` to `end`."""

    source: str
    start: int
    end: int


def named_images(text: str) -> list[NamedImage]:
    """Every image that the text names, in order. An address or a handle ("@alice") is none."""
    found: list[NamedImage] = []
    at = 0
    while (at := text.find("@", at)) >= 0:
        image = _at(text, at)
        if image is None:
            at += 1
        else:
            found.append(image)
            at = image.end
    return found


def without(text: str, images: list[NamedImage]) -> str:
    """The text with the images taken out, each with the space before it."""
    # from behind, so that the positions of those before stay right
    for image in reversed(images):
        start = image.start - (text[image.start - 1 : image.start] == " ")
        text = text[:start] + text[image.end :]
    return text.strip()


def dropped_image(text: str) -> NamedImage | None:
    """The image file whose absolute path, as terminals write a dropped file, begins the text.

    A path that is all of the text is one even if no such file is there: it is told then, rather than sent.
    """
    word = next_word(text, 0)
    # Terminals write an absolute path or a URL when a file is dropped on them; a relative one was typed.
    if word is None or word.open or not word.text.startswith(("/", "file://")):
        return None
    path = file_of(word.text)
    try:
        # Three parts: "/cat.png" alone may be a command that was misspelled.
        alone = word.end == len(text.rstrip()) and len(path.parts) > 2
        if path.suffix.lower() in IMAGE_SUFFIXES and (alone or path.is_file()):
            return NamedImage(word.text, 0, word.end)
    except (OSError, ValueError):
        pass
    return None


def _at(text: str, at: int) -> NamedImage | None:
    # "name@host" is an address
    if at and (text[at - 1].isalnum() or text[at - 1] in _OF_ADDRESSES):
        return None
    word = next_word(text, at + 1)
    if word is None or word.start != at + 1 or word.open or not word.text:
        return None
    if names_an_image(word.text) and not _is_more_than_a_name(word.text):
        return NamedImage(word.text, at, word.end)
    for name in _shorter(word.text):
        if names_an_image(name):
            return NamedImage(name, at, word.end - (len(word.text) - len(name)))
    return None


def _shorter(text: str) -> Iterator[str]:
    """What a word may mean without what follows a name in a sentence: "@cat.png, what is it?" means cat.png."""
    for name in (text, _NEXT.split(text)[0]):
        end = len(name)
        while end and not name[end - 1].isalnum():
            end -= 1
        yield name[:end]
        yield _POSSESSIVE.sub("", name[:end])


def _is_more_than_a_name(text: str) -> bool:
    """Whether a word goes on behind a name, as far as can be seen. A file that is called so is meant as it stands."""
    if text[-1:].isalnum() and not _NEXT.search(text):
        return False
    try:
        return not expanded(text).is_file()
    except (OSError, ValueError, RuntimeError):
        return True
