"""Images in a message: `@path` in any of its spellings, and files that were dropped on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rtcli.commands.lexer import next_word
from rtcli.session.images import IMAGE_SUFFIXES, file_of, names_an_image

_BEHIND = ",.;:!?)]}>'\"\u2019\u201d\u3001\u3002\uff0c\uff01\uff1f"  # punctuation that follows a name


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
    if at and not text[at - 1].isspace() and text[at - 1] not in "([{<\"'":
        return None
    word = next_word(text, at + 1)
    if word is None or word.start != at + 1 or word.open or not word.text:
        return None
    if names_an_image(word.text) and not _ends_in_punctuation(word.text):
        return NamedImage(word.text, at, word.end)
    # "@cat.png, what is it?" means cat.png
    name = word.text.rstrip(_BEHIND)
    if name and names_an_image(name):
        return NamedImage(name, at, word.end - (len(word.text) - len(name)))
    return None


def _ends_in_punctuation(name: str) -> bool:
    """Such a name may be a file's; then it is meant as it stands."""
    if not name.endswith(tuple(_BEHIND)):
        return False
    try:
        return not Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return True
