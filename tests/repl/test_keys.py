"""Keys and their table."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.repl.keys import ACTIONS, bindings, read_keys

NOTHING = {action.name: lambda event: None for action in ACTIONS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f2", ("f2",)),
        ("Ctrl+T", ("c-t",)),
        ("alt+enter", ("escape", "enter")),
        ("esc", ("escape",)),
        ("ctrl+x ctrl+e", ("c-x", "c-e")),
        ("shift+tab", ("s-tab",)),
        ("alt+x", ("escape", "x")),
    ],
)
def test_keys_are_written_as_people_write_them(text: str, expected: tuple[str, ...]) -> None:
    """In any case, with plus signs, several in a row."""
    assert read_keys(text) == expected


@pytest.mark.parametrize("text", ["", "f99", "ctrl+", "hello"])
def test_what_is_no_key_is_refused(text: str) -> None:
    """When the program starts, not when the key is pressed."""
    with pytest.raises(UsageError):
        read_keys(text)


def test_an_action_moves_to_another_key() -> None:
    """And its old key is free."""
    keys = {str(key) for binding in bindings(NOTHING, {"mute": "ctrl+t"}).bindings for key in binding.keys}

    assert "Keys.ControlT" in keys
    assert "Keys.F2" not in keys


def test_an_action_that_does_not_exist_is_refused() -> None:
    """With the names that do."""
    with pytest.raises(UsageError, match="mutee") as caught:
        bindings(NOTHING, {"mutee": "f2"})

    assert "mute" in caught.value.hint


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"send": "ctrl+t", "mute": "ctrl+t"}, "mute cannot be used"),
        ({"mute": "enter"}, "already the key of send"),
        ({"talk": "a"}, "talk cannot be used"),
        ({"talk": "space"}, "could not be typed"),
        ({"talk": "f99"}, "talk: 'f99' is not a key"),
    ],
)
def test_keys_that_would_lock_the_user_out_are_refused(changed: dict[str, str], words: str) -> None:
    """Two actions on one key, a character that could not be typed; the action is named."""
    with pytest.raises(UsageError, match="keys") as caught:
        bindings(NOTHING, changed)
    assert words in str(caught.value)
