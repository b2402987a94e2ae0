"""What the tests fetch: made once, made anew when it changes, and a reason to skip where it cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kit.foreign import Fetched, UnavailableError, environment


def made(folder: Path, requirements: Sequence[str]) -> None:
    (folder / "made for").write_text(" ".join(requirements))


def broken(folder: Path, _requirements: Sequence[str]) -> None:
    (folder / "half of it").touch()
    raise UnavailableError("the index is gone")


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    """The second time it is there already, as it was left."""
    folder = Fetched("kept", ("one",), made, tmp_path).folder()
    (folder / "made for").write_text("and used")

    assert Fetched("kept", ("one",), broken, tmp_path).folder() == folder
    assert (folder / "made for").read_text() == "and used"


def test_other_requirements_make_it_anew(tmp_path: Path) -> None:
    """What was made for others is gone."""
    Fetched("kept", ("one",), made, tmp_path).folder()
    folder = Fetched("kept", ("one", "two"), made, tmp_path).folder()

    assert (folder / "made for").read_text() == "one two"


def test_what_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    """The reason reaches whoever skips; the next run tries again."""
    with pytest.raises(UnavailableError, match="the index is gone"):
        Fetched("kept", ("one",), broken, tmp_path).folder()

    assert list(tmp_path.iterdir()) == []


def test_an_index_that_has_nothing_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip's own last word is the reason."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)

    with pytest.raises(UnavailableError, match=r"cannot install what the test needs: .*openai"):
        Fetched("kept", ("openai==0.0.0",), environment, tmp_path).folder()
