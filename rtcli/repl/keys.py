"""The keys of the prompt: a table of actions, each of which can be bound to another key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Always, Condition, Filter, has_focus, vi_insert_mode, vi_navigation_mode
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.key_binding.vi_state import InputMode
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
    KeyAction("interrupt", "esc", "stop the answer; in vi mode only outside of insert mode", typing=True),
    KeyAction("cancel", "ctrl+c", "clear the line; then stop the answer; then leave"),
    KeyAction("leave", "ctrl+d", "leave, if the line is empty", empty=True),
    KeyAction("paste_image", "ctrl+v", "paste the image of the clipboard", typing=True),
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
        if any(key.startswith("<") for key in keys):  # the library's names for what is not one key: <any>
            raise ValueError(text)
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
        _check_free(action, keys, changed, taken)
        taken[_normal(keys)] = action.name
        lone = keys == ("escape",)
        # eager: it does not wait whether Esc becomes the start of a longer binding
        table.add(*keys, filter=_when(action, keys), eager=lone)(handlers[action.name])
    if ("c-j",) not in taken:
        table.add("c-j", filter=has_focus(DEFAULT_BUFFER))(handlers["newline"])
    # vi's own binding of Esc would wait whether it becomes Alt+Enter
    inserting = has_focus(DEFAULT_BUFFER) & vi_insert_mode & _nothing_follows
    table.add("escape", filter=inserting, eager=True)(_to_normal_mode)
    return table


def check_keys(changed: Mapping[str, str], origin: str) -> None:
    """Raises UsageError, which names where they were set, for keys that `bindings` refuses."""
    try:
        bindings({action.name: lambda event: None for action in ACTIONS}, changed)
    except UsageError as error:
        raise UsageError(f"{origin}: {error.what}", why=error.why, hint=error.hint) from error


_NEEDED = {"c-h": "Backspace", "c-u": "Ctrl+U"}


def _check_free(
    action: KeyAction, keys: tuple[str, ...], changed: Mapping[str, str], taken: Mapping[tuple[str, ...], str]
) -> None:
    """Refuse a key that another action has, waits for as its first, or that the line itself needs."""
    text, normal = changed.get(action.name, action.keys), _normal(keys)
    problem = f"{text!r} is {_NEEDED[normal[0]]}, which deletes" if normal[0] in _NEEDED else ""
    for others, name in taken.items():
        if others == normal:
            problem = f"{text!r} is already the key of {name}"
        elif others != ("escape",) != normal and others[: len(normal)] == normal[: len(others)]:
            problem = f"{text!r} and the keys of {name} begin alike: one of them would only be waited for"
    if problem:
        raise UsageError(
            f"[keys] {action.name} cannot be used", why=problem, hint="give each action a key of its own, such as f6"
        )


def _normal(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Without the second names that some keys have: Ctrl+M is Enter."""
    table = KeyBindings()
    table.add(*keys)(lambda event: None)
    return tuple(str(getattr(key, "value", key)) for key in table.bindings[0].keys)


def _to_normal_mode(event: KeyPressEvent) -> None:
    buffer, mode = event.current_buffer, event.app.vi_state
    buffer.cancel_completion()
    buffer.cursor_position += buffer.document.get_cursor_left_position()
    mode.input_mode = InputMode.NAVIGATION


def _keys_of(action: KeyAction, changed: Mapping[str, str]) -> tuple[str, ...]:
    text = changed.get(action.name, action.keys)
    if not isinstance(text, str):
        raise UsageError(f"[keys] {action.name}: {text!r} is not the name of a key", hint='for example "ctrl+t"')
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
            "\x1bOM": _ALT_ENTER,  # Konsole
            "\x1b[I": Keys.Ignore,
            "\x1b[O": Keys.Ignore,
        }
    )


def _when(action: KeyAction, keys: tuple[str, ...]) -> Filter:
    when: Filter = has_focus(DEFAULT_BUFFER) if action.typing or action.empty else Always()
    if action.empty:
        when = when & _empty_line & (Always() if keys[0] != "?" else ~vi_navigation_mode)
    if keys == ("escape",):
        when = when & ~vi_insert_mode
    # Such a key may be the first of several that belong together: Esc of Alt+Enter, a character of a text.
    return when & _nothing_follows if keys == ("escape",) or len(keys[0]) == 1 else when


@Condition
def _nothing_follows() -> bool:
    """Alt+Enter and the like arrive as Esc and a key in one go; only a key that came alone acts by itself, at once."""
    return not get_app().key_processor.input_queue


@Condition
def _empty_line() -> bool:
    return not get_app().current_buffer.text
