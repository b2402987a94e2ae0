"""Kinds of argument: each one class that parses a word and says what could stand there."""

from __future__ import annotations

import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import rtcli.commands.settings_catalog as paths
from rtcli.commands.known import Known
from rtcli.commands.lexer import quoted
from rtcli.errors import UsageError
from rtcli.protocol.catalog import EVENT_TYPES
from rtcli.protocol.ids import expand
from rtcli.protocol.ndjson import parse_object
from rtcli.session.audio_devices import device_names
from rtcli.session.setting_paths import parse_value

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that could stand in an argument's place, and what it means. `more`: it goes on, no space follows."""

    text: str
    meta: str = ""
    more: bool = False


class ArgumentType(ABC, Generic[T]):
    """One kind of argument. `greedy`: it takes the rest of the line, spaces and quotes as they are."""

    label: str = ""
    greedy: ClassVar[bool] = False

    @abstractmethod
    def parse(self, text: str, known: Known) -> T:
        """The value. Raises UsageError."""

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        """What could stand here, given what has been typed of it; the caller keeps what fits."""
        return ()


class Word(ArgumentType[str]):
    """Any word."""

    def parse(self, text: str, known: Known) -> str:
        return text


class Integer(ArgumentType[int]):
    """A whole number, not negative."""

    def parse(self, text: str, known: Known) -> int:
        try:
            value = int(text)
        except ValueError:
            # one message for what is no number and for what is negative
            value = -1
        if value < 0:
            raise UsageError(f"{text!r} is not a whole number")
        return value


class Flag(ArgumentType[bool]):
    """Given by its name alone."""

    def parse(self, text: str, known: Known) -> bool:
        return True


class Choice(ArgumentType[str]):
    """One of a few words, or a prefix that fits only one."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices
        self.label = "|".join(choices)

    def parse(self, text: str, known: Known) -> str:
        found = [choice for choice in self.choices if choice == text]
        # an exact word wins: "server" would be ambiguous beside "server_vad"
        found = found or [choice for choice in self.choices if text and choice.startswith(text)]
        if len(found) != 1:
            raise UsageError(f"{text!r} is not one of: {', '.join(self.choices)}")
        return found[0]

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(choice) for choice in self.choices)


class RestOfLine(ArgumentType[str]):
    """The rest of the line as it is."""

    greedy = True

    def parse(self, text: str, known: Known) -> str:
        return text


class JsonObject(ArgumentType[dict[str, Any]]):
    """A JSON object, over several lines if need be."""

    label = "JSON"
    greedy = True

    def parse(self, text: str, known: Known) -> dict[str, Any]:
        return parse_object(text)


class Fields(ArgumentType[dict[str, Any]]):
    """A JSON object, or name=value pairs whose values are JSON or text; `names` are offered, with their meaning."""

    label = "JSON|NAME=VALUE..."
    greedy = True

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def parse(self, text: str, known: Known) -> dict[str, Any]:
        if text.lstrip().startswith("{"):
            return parse_object(text)
        fields: dict[str, Any] = {}
        for pair in text.split():
            name, equals, value = pair.partition("=")
            if not equals or not name:
                raise UsageError(f"{pair!r} is not NAME=VALUE", hint="values with spaces need a JSON object")
            fields[name] = parse_value(value)
        return fields

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        before, space, _ = typed.rpartition(" ")
        return (Suggestion(f"{before}{space}{name}=", meta, more=True) for name, meta in self.names.items())


class SessionPath(ArgumentType[str]):
    """A dotted path into the session."""

    label = "PATH"

    def parse(self, text: str, known: Known) -> str:
        return text.removeprefix("session.")

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(path, meaning) for path, meaning in paths.known(known.session).items())


_SEVERAL = re.compile(r"(?:[A-Za-z_][\w.]*=\S*)(?:\s+[A-Za-z_][\w.]*=\S*)+")


class Assignments(ArgumentType[list[tuple[str, Any]]]):
    """PATH=VALUE, several of them, or PATH VALUE; a value is JSON or text, and may be empty behind =."""

    label = "PATH=VALUE..."
    greedy = True

    def parse(self, text: str, known: Known) -> list[tuple[str, Any]]:
        # a value may hold spaces (instructions=Be brief): only where every word is an assignment are there several
        pairs = text.split() if _SEVERAL.fullmatch(text.strip()) else [text]
        return [self._pair(pair) for pair in pairs]

    @staticmethod
    def _pair(text: str) -> tuple[str, Any]:
        path, equals, value = text.partition("=")
        # in PATH {"a": "x=y"} the first = belongs to the value
        if not equals or " " in path.strip() or "{" in path:
            path, _, value = text.partition(" ")
        if not path.strip() or not (equals or value.strip()):
            raise UsageError("expected PATH=VALUE", hint="for example audio.output.voice=marin")
        return path.strip().removeprefix("session."), parse_value(value.strip())

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        path, equals, _ = typed.partition("=")
        if equals:
            return (Suggestion(f"{path}={value}") for value in paths.allowed(path))
        settable = paths.settable(known.session)
        return (Suggestion(f"{known}=", meaning, more=True) for known, meaning in settable.items())


class AllowedValue(ArgumentType[str]):
    """A value of one session path, its allowed values are suggested."""

    def __init__(self, path: str, label: str) -> None:
        self.path = path
        self.label = label

    def parse(self, text: str, known: Known) -> str:
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(value) for value in paths.allowed(self.path))


class EventPattern(ArgumentType[str]):
    """An event type or a glob over them."""

    label = "TYPE"

    def parse(self, text: str, known: Known) -> str:
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(name, row.meaning) for name, row in EVENT_TYPES.items())


class FilterTerms(ArgumentType[str]):
    """A filter of the event view; its last term is completed."""

    label = "EXPR"
    greedy = True

    def parse(self, text: str, known: Known) -> str:
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        before, space, last = typed.rpartition(" ")
        # a suggestion of a greedy argument replaces all of it, so it repeats what stands before the last term
        begin = f"{before}{space}" + ("-" if last.startswith("-") else "")
        for name, row in EVENT_TYPES.items():
            yield Suggestion(f"{begin}{name}", row.meaning)
        for item_id, _ in known.items:
            yield Suggestion(f"{begin}item={item_id}")
        yield Suggestion(f"{begin}error", "an error, or something that failed")


class RecordKey(ArgumentType[str]):
    """A record of the event view: its number, an id in it, or its type."""

    label = "N|ID|TYPE"

    def parse(self, text: str, known: Known) -> str:
        return text

    def suggest(self, typed: str, known: Known) -> Iterator[Suggestion]:
        # the newest first: it is the one that is asked about
        for number, event_type in reversed(known.frames):
            yield Suggestion(str(number), event_type)


class ItemId(ArgumentType[str]):
    """An item of the conversation, by its number in /history, its id or the end of it."""

    label = "ITEM"

    def parse(self, text: str, known: Known) -> str:
        ids = [item_id for item_id, _ in known.items]
        # an id of digits alone is taken by its name, not by its number in /history
        if text.isdecimal() and text not in ids and 1 <= int(text) <= len(ids):
            return ids[int(text) - 1]
        return expand(text, ids)

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(item_id, role) for item_id, role in reversed(known.items))


class OpenCallId(ArgumentType[str]):
    """A function call that has no answer yet."""

    label = "CALL"

    def parse(self, text: str, known: Known) -> str:
        return expand(text, (call.id for call in known.calls if not call.is_approval))

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        calls = (call for call in known.calls if not call.is_approval)
        return (Suggestion(call.id, f"{call.name} {call.arguments}, {call.state}") for call in calls)


class CallOutput(ArgumentType[tuple[str | None, str]]):
    """The id of a call that has no answer yet and its output, or the output alone: None and the output then."""

    label = "[CALL] OUTPUT"
    greedy = True

    def parse(self, text: str, known: Known) -> tuple[str | None, str]:
        word, _, rest = text.partition(" ")
        call_id = OpenCallId().parse(word, known)
        # a first word that names no open call is the output's own
        named = any(call.id == call_id for call in known.calls if not call.is_approval)
        if named and not rest.strip():
            raise UsageError(f"{call_id} needs an output", hint=f"/tool {call_id} OUTPUT")
        return (call_id, rest.strip()) if named else (None, text)

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        calls = OpenCallId().suggest(typed, known)
        return (Suggestion(f"{call.text} ", call.meta, more=True) for call in calls)


class ApprovalId(ArgumentType[str]):
    """An MCP call that waits for approval."""

    label = "ID"

    def parse(self, text: str, known: Known) -> str:
        waiting = [call.id for call in known.calls if call.is_approval]
        text = expand(text, waiting)
        if text not in waiting:
            why = f"waiting: {', '.join(waiting)}" if waiting else "no approval is pending"
            raise UsageError(f"{text!r} is not waiting for approval", why=why)
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(call.id, call.name) for call in known.calls if call.is_approval)


class FilePath(ArgumentType[Path]):
    """A file or folder of this machine."""

    label = "FILE"

    def __init__(self, *suffixes: str) -> None:
        self.suffixes = suffixes

    def parse(self, text: str, known: Known) -> Path:
        return Path(text).expanduser()

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return file_suggestions(typed, self.suffixes)


class ImageSource(FilePath):
    """An image: a file, a URL, or the word clipboard."""

    label = "PATH|URL|clipboard"

    def parse(self, text: str, known: Known) -> Any:
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        yield from super().suggest(typed, known)
        yield Suggestion("clipboard")


class DeviceName(ArgumentType[str]):
    """An audio device by index or a part of its name."""

    label = "DEVICE"
    greedy = True

    def __init__(self, kind: Literal["input", "output"]) -> None:
        self.kind = kind

    def parse(self, text: str, known: Known) -> str:
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(name, f"device {index}") for index, name in device_names(self.kind))


def file_suggestions(typed: str, suffixes: tuple[str, ...] = ()) -> Iterator[Suggestion]:
    """Entries of the folder that `typed` is in; folders go on. Unreadable folders suggest nothing."""
    head, slash, _ = typed.rpartition("/")
    try:
        entries = sorted((Path(head + slash or ".").expanduser()).iterdir())
    except (OSError, RuntimeError):
        return
    for entry in entries:
        # as a shell does it
        if entry.name.startswith(".") and not typed.rpartition("/")[2].startswith("."):
            continue
        if entry.is_dir():
            yield Suggestion(f"{head}{slash}{entry.name}/", "folder", more=True)
        elif not suffixes or entry.suffix.lower() in suffixes:
            yield Suggestion(f"{head}{slash}{entry.name}")


RemainingText = Annotated[str, RestOfLine()]
_PLAIN: dict[Any, ArgumentType[Any]] = {str: Word(), int: Integer(), bool: Flag()}


def argument_type_of(annotation: Any) -> ArgumentType[Any]:
    """The kind that an annotation stands for. Raises TypeError for one that stands for none."""
    if typing.get_origin(annotation) is Annotated:
        # Annotated may carry other metadata as well
        kinds = [extra for extra in typing.get_args(annotation)[1:] if isinstance(extra, ArgumentType)]
        if len(kinds) == 1:
            return kinds[0]
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        # None says that the argument may be left out, which its default says too
        inner = [part for part in typing.get_args(annotation) if part is not NoneType]
        if len(inner) == 1:
            return argument_type_of(inner[0])
    if typing.get_origin(annotation) is Literal:
        return Choice(*typing.get_args(annotation))
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    raise TypeError(f"{annotation!r} is not a kind of argument")


def as_word(text: str, kind: ArgumentType[Any]) -> str:
    """A suggestion as it has to be typed."""
    return text if kind.greedy else quoted(text)
