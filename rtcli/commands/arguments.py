"""Kinds of argument: each one class that parses a word and says what could stand there; these need no session."""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from rtcli.commands.known import Known
from rtcli.commands.lexer import quoted
from rtcli.errors import UsageError
from rtcli.files import expanded
from rtcli.session.audio_devices import device_names
from rtcli.session.images import IMAGE_SUFFIXES

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
    """Any word, as it stands."""

    def parse(self, text: str, known: Known) -> str:
        return text


class Integer(ArgumentType[int]):
    """A whole number, not negative."""

    def parse(self, text: str, known: Known) -> int:
        try:
            value = int(text)
        except ValueError:
            # one message for what is not a number and for what is negative
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


class RestOfLine(Word):
    """The rest of the line as it is."""

    greedy = True


class FilePath(ArgumentType[Path]):
    """A file or folder of this machine."""

    label = "FILE"

    def __init__(self, *suffixes: str) -> None:
        self.suffixes = suffixes

    def parse(self, text: str, known: Known) -> Path:
        return expanded(_file_name(text))

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return file_suggestions(typed, self.suffixes)


class ImageSource(FilePath):
    """An image: a file, a URL, or the word clipboard."""

    label = "PATH|URL|clipboard"

    def __init__(self) -> None:
        super().__init__(*IMAGE_SUFFIXES)

    def parse(self, text: str, known: Known) -> Any:
        return _file_name(text)

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        yield from super().suggest(typed, known)
        yield Suggestion("clipboard")


class DeviceName(Word):
    """An audio device by index or a part of its name."""

    label = "DEVICE"
    greedy = True

    def __init__(self, kind: Literal["input", "output"]) -> None:
        self.kind = kind

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        # By name: an index changes when a headset is unplugged.
        return (Suggestion(name, f"device {index}") for index, name in device_names(self.kind))


def _file_name(text: str) -> str:
    """The text. Raises UsageError where no file can have that name."""
    if not text or "\0" in text:
        raise UsageError(f"{text!r} is not the name of a file")
    return text


def file_suggestions(typed: str, suffixes: tuple[str, ...] = ()) -> Iterator[Suggestion]:
    """Entries of the folder that `typed` is in; folders go on. Unreadable folders suggest nothing."""
    head, slash, _ = typed.rpartition("/")
    try:
        # Not Path(typed).parent: of "src/" that would be ".", and not the folder that was named.
        entries = sorted(expanded(head + slash or ".").iterdir())
    except (OSError, RuntimeError):  # RuntimeError: "~nobody" has no home
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
