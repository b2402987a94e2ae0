"""Words that the project does not use any more, each with its reason, in names, strings, docstrings and pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A pattern for whole words (case does not matter), and why there is a better one.
RETIRED: dict[str, str] = {
    r"persons?|people": "a user: the word of the documentation that users read",
    r"pictures?": "an image: the wire's word",
    r"whoever": "the client, the caller, the reader: who that is",
    r"recognis\w*|behaviours?|catalogues?|honour\w*|summaris\w*|labell\w*|neighbours?": "American spelling, everywhere",
    r"guilty|suffers?": "events are attributed, faults are injected: nobody is accused",
    r"hung up|given up on": "a connection is closed, a command is cancelled",
    r"is no (event|key|kind|topic|terminal|JSON|NDJSON|WebSocket)": "it is not a ...: how an error message says it",
    r"defect of rtcli": "a bug in rtcli",
    r"sound(?! card)": "audio: the wire's word; only a sound card is called so",
    r"wanted": "requested, expected or a name of its own: what it is, not that somebody wants it",
    r"dialled": "the client connects; American spelling where the word has to stay",
}
# Names are searched for parts, because a word boundary does not stand at an underscore.
RETIRED_NAMES: dict[str, str] = {
    r"_?(MOST|LEAST|LONGEST|SHORTEST)_[A-Z]": "MAX_ and MIN_: what a constant bounds is read at once",
    r"[A-Za-z_]*[Cc]olour[A-Za-z_]*": "color: the spelling of rich, prompt_toolkit and NO_COLOR",
    r"served_by_child|hand_over|take_over": "verbs that the field knows: serve, export, resume",
}


def program() -> Iterator[Path]:
    """The files that users and programmers read."""
    yield from (ROOT / "rtcli").rglob("*.py")
    yield from (ROOT / "docs").glob("*.md")
    yield ROOT / "README.md"


def found(text: str) -> list[str]:
    """Each retired word in a text."""
    words = [match[0] for pattern in RETIRED for match in re.finditer(rf"\b(?:{pattern})\b", text, re.IGNORECASE)]
    return words + [match[0] for pattern in RETIRED_NAMES for match in re.finditer(rf"\b(?:{pattern})", text)]


@pytest.mark.parametrize("path", sorted(program()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_uses_the_words_of_the_field(path: Path) -> None:
    """A word that was retired does not come back; its row says what stands for it."""
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [(number, word) for number, line in enumerate(lines, 1) for word in found(line)] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a Person's colours", ["Person", "colours"]),
        ("color and personal", []),
        ("a sound device and a sound card sounds", ["sound"]),
        ("frame 4 is no event", ["is no event"]),
        ("_MOST_HITS = 50", ["_MOST_H"]),
        ("utmost_care, ALMOST_ALL", []),
        ("def colour_of()", ["colour_of"]),
    ],
)
def test_a_retired_word_is_noticed(text: str, words: list[str]) -> None:
    """As a word of a sentence or as a part of a name, and only then."""
    assert found(text) == words
