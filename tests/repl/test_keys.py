"""Keys and their table."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.repl.keys import ACTIONS, bindings, check_keys, read_keys

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
        ({"mute": "ctrl+m"}, "already the key of send"),
        ({"mute": "ctrl+i"}, "already the key of complete"),
        ({"mute": "backspace"}, "Backspace, which deletes"),
        ({"mute": "ctrl+h"}, "Backspace, which deletes"),
        ({"mute": "enter x"}, "begin alike"),
        ({"mute": "ctrl+x"}, "begin alike"),
        ({"mute": "<any>"}, "is not a key"),
        ({"mute": 5}, "5 is not the name of a key"),
    ],
)
def test_keys_that_would_lock_the_user_out_are_refused(changed: dict[str, Any], words: str) -> None:
    """Two actions on one key, a character that could not be typed; the action is named."""
    with pytest.raises(UsageError, match="keys") as caught:
        bindings(NOTHING, changed)
    assert words in str(caught.value)
    with pytest.raises(UsageError, match=r"my\.toml: \[keys\]"):
        check_keys(changed, "my.toml")


def test_keys_may_change_places() -> None:
    """Enter for a new line, Alt+Enter to send."""
    check_keys({"newline": "enter", "send": "alt+enter"}, "my.toml")
