"""No default, example, message or page names a model that OpenAI switches off; a few tables have to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.tables import PLACE
from rtcli.protocol.models import shutdown_of

ROOT = Path(__file__).parents[1]
# What they cost and how they are billed, when they go, what the built-in server takes for a model.
TABLES = {
    "rtcli/protocol/models.py",
    "rtcli/config/prices.py",
    "rtcli/server/net/handshake.py",
    "rtcli/server/session/state.py",
    "rtcli/server/session/usage.py",
}
_NAME = re.compile(r"\b(?:gpt|whisper)-[\w.-]*\w")


def pages() -> Iterator[Path]:
    for folder, ends in (("rtcli", ("py", "json", "yaml", "toml")), ("examples", ("*",)), ("docs", ("md", "py"))):
        for end in ends:
            yield from (path for path in (ROOT / folder).rglob(f"*.{end}") if path.is_file())
    yield from ROOT.glob("*.md")


def leaving(text: str) -> list[str]:
    """The names of models that go."""
    return [name for name in _NAME.findall(text) if shutdown_of(name)]


@pytest.mark.parametrize("path", sorted({str(path.relative_to(ROOT)) for path in pages()} - TABLES))
def test_nothing_names_a_model_that_goes(path: str) -> None:
    """Who copies it would be without a session soon. Tables that are printed from the program are the program's."""
    text = PLACE.sub("", (ROOT / path).read_text(encoding="utf-8", errors="replace"))

    assert leaving(text) == []


def test_the_tables_know_of_them() -> None:
    """A file that names none any more has no place in the list."""
    assert [path for path in sorted(TABLES) if not leaving((ROOT / path).read_text(encoding="utf-8"))] == []
