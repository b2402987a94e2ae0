"""The keys of the prompt: a table of actions, each of which can be bound to another key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Always, Condition, Filter, has_focus
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from rtcli.errors import UsageError

KeyHandler: TypeAlias = Callable[[KeyPressEvent], None]

ESCAPE_SECONDS = 0.03
"""How long a lone Esc waits for the rest of a longer key's bytes."""


class KeyAction(NamedTuple):
    """Something a key does. `typing`: only while the input line has the focus (not in a history search).

    `empty`: only while nothing has been typed.
    """

    name: str
    keys: str
    meaning: str
    typing: bool = False
    empty: bool = False


ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("send", "enter", "send the line", typing=True),
    KeyAction("newline", "alt+enter", "insert a newline; Ctrl+J and Shift+Enter do so too", typing=True),
    KeyAction("complete", "tab", "complete the word; in the menu: the next candidate", typing=True),
    KeyAction("help", "?", "show help, if the line is empty", empty=True),
    KeyAction("interrupt", "esc", "stop the answer", typing=True),
    KeyAction("cancel", "ctrl+c", "clear the line; then stop the answer; then leave"),
    KeyAction("leave", "ctrl+d", "leave, if the line is empty", empty=True),
    KeyAction("edit", "ctrl+x ctrl+e", "edit the text in $EDITOR", typing=True),
    KeyAction("clear", "ctrl+l", "clear the screen"),
    KeyAction("suspend", "ctrl+z", "suspend to the shell; `fg` returns"),
    KeyAction("mute", "f2", "mute or unmute the microphone"),
    KeyAction("events", "f3", "events: off, summary, all"),
    KeyAction("talk", "f4", "push to talk: start, end"),
    KeyAction("metrics", "f5", "show metrics in the toolbar"),
    KeyAction("pause", "f6", "in a recording: pause, go on"),
    KeyAction("step", "f7", "in a recording: the next event"),
)
_BY_NAME = {action.name: action for action in ACTIONS}
_MODIFIERS = {"ctrl+": "c-", "control+": "c-", "shift+": "s-"}  # as a user writes them, as prompt_toolkit does
_NAMES = {"esc": "escape", "return": "enter", "space": " "}


def read_keys(text: str) -> tuple[str, ...]:
    """`ctrl+x ctrl+e` as the prompt's library names keys. Raises UsageError for what is not a key."""
    keys = tuple(key for word in text.lower().split() for key in _read_key(word))
    try:
        # the library knows best which keys there are
        KeyBindings().add(*keys)(lambda event: None)
    except (ValueError, AssertionError) as error:
        raise UsageError(f"{text!r} is not a key", hint="for example: f2, ctrl+t, alt+enter, ctrl+x ctrl+e") from error
    return keys


def _read_key(word: str) -> Iterator[str]:
    if match := re.fullmatch(r"(?:alt|meta|option)\+(.+)", word):
        # a terminal sends Alt and a key as Esc and the key
        yield "escape"
        word = match[1]
    for modifier, short in _MODIFIERS.items():
        word = word.replace(modifier, short)
    yield _NAMES.get(word, word)


def bindings(handlers: Mapping[str, KeyHandler], changed: Mapping[str, str] | None = None) -> KeyBindings:
    """The key bindings of the handlers, by the name of their action; `changed` gives other keys to some.

    Raises UsageError for an action or a key that does not exist, and for keys with which nothing could be typed or one
    action would be out of reach.
    """
    _teach_sequences()
    changed = changed or {}
    for name in changed:
        if name not in _BY_NAME:
            raise UsageError(f"unknown key action {name!r}", hint=f"the actions are: {', '.join(_BY_NAME)}")
    table = KeyBindings()
    taken: dict[tuple[str, ...], str] = {}  # keys, and the action that has them
    for action in ACTIONS:
        keys = _keys_of(action, changed)
        if keys in taken:
            why = f"{changed.get(action.name, action.keys)!r} is already the key of {taken[keys]}"
            raise UsageError(f"[keys] {action.name} cannot be used", why=why, hint="give each action a key of its own")
        taken[keys] = action.name
        lone = keys == ("escape",)
        # eager: it does not wait whether Esc becomes the start of a longer binding
        table.add(*keys, filter=_when(action, keys), eager=lone)(handlers[action.name])
    if ("c-j",) not in taken:
        table.add("c-j", filter=has_focus(DEFAULT_BUFFER))(handlers["newline"])
    return table


def _keys_of(action: KeyAction, changed: Mapping[str, str]) -> tuple[str, ...]:
    text = changed.get(action.name, action.keys)
    try:
        keys = read_keys(text)
    except UsageError as error:
        raise UsageError(f"[keys] {action.name}: {error.what}", hint=error.hint) from error
    if len(keys[0]) == 1 and text != action.keys:  # a letter or a space
        why = f"{text!r} begins with a character, which could not be typed any more"
        raise UsageError(f"[keys] {action.name} cannot be used", why=why, hint="for example f6 or ctrl+t")
    return keys


_ALT_ENTER = (Keys.Escape, Keys.ControlM)


def _teach_sequences() -> None:
    """What terminals send and the library does not know: Shift+Enter of kitty and of modifyOtherKeys, and the focus."""
    ANSI_SEQUENCES.update(
        {
            "\x1b[13;2u": _ALT_ENTER,
            "\x1b[27;2;13~": _ALT_ENTER,
            "\x1b[13;3u": _ALT_ENTER,
            "\x1b[I": Keys.Ignore,
            "\x1b[O": Keys.Ignore,
        }
    )


def _when(action: KeyAction, keys: tuple[str, ...]) -> Filter:
    when: Filter = has_focus(DEFAULT_BUFFER) if action.typing or action.empty else Always()
    if action.empty:
        when = when & _empty_line
    # Such a key may be the first of several that belong together: Esc of Alt+Enter, a character of a text.
    return when & _nothing_follows if keys == ("escape",) or len(keys[0]) == 1 else when


@Condition
def _nothing_follows() -> bool:
    """Alt+Enter and the like arrive as Esc and a key in one go; only a key that came alone acts by itself, at once."""
    return not get_app().key_processor.input_queue


@Condition
def _empty_line() -> bool:
    return not get_app().current_buffer.text
