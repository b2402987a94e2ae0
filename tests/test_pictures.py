"""The README's pictures show the program as it is: `make docs` draws them anew."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.text import Text

from docs import pictures
from docs.pictures import IMAGES, SCENES, Scene

ROOT = Path(__file__).parent.parent
NOBODY = Scene("a picture", (), lambda terminal: None, {}, lines=3, columns=40)


@pytest.mark.terminal
@pytest.mark.parametrize("name", SCENES)
def test_a_picture_shows_what_the_program_shows(name: str) -> None:
    """Word for word, but for times, counts and ids."""
    if lacking := pictures.missing(name):
        pytest.skip(f"this scene cannot be played without {lacking}")
    rows = pictures.play(SCENES[name])

    drawn = pictures.words_of_svg((IMAGES / f"{name}.svg").read_text(encoding="utf-8"))
    assert drawn == pictures.words([row.plain for row in rows])


def test_every_picture_is_in_the_readme_and_is_drawn() -> None:
    """One that nobody sees, or that nobody can draw anew, goes stale."""
    shown = re.findall(r"!\[[^\]]+\]\[([\w-]+)\]", (ROOT / "README.md").read_text("utf-8"))

    assert sorted(shown) == sorted(SCENES) == sorted(path.stem for path in IMAGES.iterdir())


@pytest.mark.parametrize("path", sorted(IMAGES.iterdir()), ids=lambda path: path.name)
def test_a_picture_fetches_nothing(path: Path) -> None:
    """It is XML of a size that a page can bear, without an address but that of SVG itself."""
    picture = path.read_text(encoding="utf-8")

    ElementTree.fromstring(picture)
    assert set(re.findall(r"https?://[^\"'\s]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert len(picture) < 64_000


def test_words_survive_drawing() -> None:
    """What is read from a picture is what was drawn, spaces, colors and special characters included."""
    rows = [Text("  a <b> & 'c'", "bold red"), Text(""), Text('"x": 1.50 │ ⟂')]

    assert pictures.words_of_svg(pictures.svg(NOBODY, rows)) == pictures.words([row.plain for row in rows])


def test_other_words_are_another_picture_and_other_numbers_are_not() -> None:
    """The comparison can fail, and fails for nothing that differs in every run."""
    first = ["  9 +4.588s < response.created resp_…fYLtN", "● 1, 2, 3,", 'text "Hello! I am the tes…']

    assert pictures.words(first) == pictures.words(
        ['text "Hello! I am the te…', " 10 +14.5s < response.created resp_…x", "● 1, 2, 3, 4, 5,"]
    )
    assert pictures.words(first) != pictures.words([first[0].replace("created", "done"), *first[1:]])
