"""The commands there are: declared once by a decorator, found by name, alias or unique prefix."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

from rtcli.commands.arguments import ArgumentType, Flag, argument_type_of
from rtcli.errors import UsageError
from rtcli.protocol.nearest import nearest_name
from rtcli.views import Views

Handler: TypeAlias = Callable[..., Views | Awaitable[Views]]

TOPICS: Mapping[str, str] = {
    "talk": "Talk",
    "audio": "Audio",
    "session": "Session",
    "wire": "Events",
    "items": "Conversation",
    "tools": "Tools",
    "measure": "Measure",
    "replay": "Recordings",
    "proxy": "Proxy",
    "app": "Program",
}
"""Topics in the order of help, and their headings."""

_MEANT: Mapping[str, str] = {
    "clear": "/new begins an empty conversation, Ctrl+L clears the screen, /clear-audio discards audio",
}
"""What other programs mean by a word that is no whole name here."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command. `option` is its `--name` where it is given by name."""

    name: str
    kind: ArgumentType[Any]
    required: bool
    default: Any
    option: str = ""

    @property
    def usage(self) -> str:
        """As usage lines show it."""
        label = self.kind.label or self.name.upper()
        if self.option:
            label = self.option if isinstance(self.kind, Flag) else f"{self.option} {label}"
        return label if self.required else f"[{label}]"


@dataclass(frozen=True, slots=True)
class Command:
    """A declared command. `name` may be two words ("session show")."""

    name: str
    topic: str
    aliases: tuple[str, ...]
    handler: Handler
    summary: str
    details: str
    parameters: tuple[Parameter, ...]
    exact: bool = False  # it destroys something: no shorter name stands for it

    @property
    def usage(self) -> str:
        """`/name ARGUMENTS`."""
        return " ".join([f"/{self.name}", *(parameter.usage for parameter in self.parameters)])

    @property
    def options(self) -> Mapping[str, Parameter]:
        """Arguments that are given by name."""
        return {parameter.option: parameter for parameter in self.parameters if parameter.option}

    @property
    def positional(self) -> tuple[Parameter, ...]:
        """Arguments that are given by place."""
        return tuple(parameter for parameter in self.parameters if not parameter.option)


def command(
    name: str, *, topic: str, aliases: tuple[str, ...] = (), exact: bool = False
) -> Callable[[Handler], Command]:
    """Declare a command. `exact`: only its whole name runs it, because it destroys something.

    Raises TypeError for a parameter that is not a kind of argument, or without a docstring.
    """
    if topic not in TOPICS:
        raise TypeError(f"/{name}: {topic!r} is not a topic")

    def declare(handler: Handler) -> Command:
        doc = inspect.getdoc(handler)
        if not doc:
            raise TypeError(f"/{name} has no docstring, which is its help")
        summary, _, details = doc.partition("\n")
        parameters = _parameters(name, handler)
        return Command(name, topic, aliases, handler, summary.strip(), details.strip(), parameters, exact)

    return declare


def _parameters(name: str, handler: Handler) -> tuple[Parameter, ...]:
    # Annotations are strings with `from __future__ import annotations`; include_extras keeps what Annotated carries.
    hints = typing.get_type_hints(handler, include_extras=True)
    # the first parameter is the context, whatever its name
    _context, *rest = inspect.signature(handler).parameters.values()
    found = []
    for parameter in rest:
        try:
            kind = argument_type_of(hints[parameter.name])
        except (KeyError, TypeError) as error:
            raise TypeError(f"/{name}: parameter {parameter.name!r}: {error}") from error
        # Python's own mark for what is given by name
        named = parameter.kind is parameter.KEYWORD_ONLY
        option = f"--{parameter.name.replace('_', '-')}" if named else ""
        required = parameter.default is parameter.empty
        found.append(Parameter(parameter.name, kind, required, None if required else parameter.default, option))
    return tuple(found)


class Registry:
    """Commands by name. Two of the same name are refused when they are added."""

    def __init__(self, commands: Iterable[Command] = ()) -> None:
        self._commands: dict[str, Command] = {}
        self._names: dict[str, Command] = {}
        for entry in commands:
            self.add(entry)

    def add(self, entry: Command) -> None:
        """Take a command in. Raises ValueError for a name or alias that is taken."""
        for name in (entry.name, *entry.aliases):
            if name in self._names:
                raise ValueError(f"/{name} is declared twice")
            self._names[name] = entry
        self._commands[entry.name] = entry

    def __iter__(self) -> Iterator[Command]:
        """In the order of topics, and of their declaration within one."""
        order = list(TOPICS)
        # sorted() is stable, which keeps the order of the modules within a topic.
        return iter(sorted(self._commands.values(), key=lambda entry: order.index(entry.topic)))

    def __len__(self) -> int:
        return len(self._commands)

    @property
    def names(self) -> Mapping[str, Command]:
        """Every name and alias."""
        return self._names

    def subcommands(self, group: str) -> list[str]:
        """The second words after a first one."""
        return [name.split()[1] for name in self._names if name.startswith(f"{group} ")]

    def resolve(self, text: str) -> tuple[Command, str]:
        """The command that a line without its slash begins with, and the rest of the line.

        Raises UsageError that suggests the nearest name, or lists what a prefix leaves open.
        """
        first, rest = _split(text)
        first = self._complete(first, {name.split()[0] for name in self._names}, "")
        subcommands = self.subcommands(first)
        second, after = _split(rest)
        # /item 2 is an argument, /item show a subcommand: what is not a subcommand is the group's own argument,
        # where it takes any
        if subcommands and second:
            if second in subcommands or first not in self._names or not self._names[first].parameters:
                word = self._complete(second, subcommands, f"{first} ")
                return self._names[f"{first} {word}"], after
        elif subcommands and first not in self._names:
            raise UsageError(f"/{first} needs a subcommand", why=", ".join(subcommands))
        return self._names[first], rest

    def _complete(self, word: str, known: Iterable[str], before: str) -> str:
        names = sorted(set(known))
        if word in names:
            return word
        fitting = [name for name in names if word and name.startswith(word)]
        # a prefix that fits a command and its own alias is not ambiguous
        targets = {id(self._names.get(f"{before}{name}", name)) for name in fitting}
        if len(targets) > 1:
            options = ", ".join(f"/{before}{name}" for name in fitting)
            raise UsageError(f"/{before}{word} is ambiguous", why=options)
        # A slip like /del must not delete anything, and /clear means something harmless in other programs.
        if fitting and (entry := self._names.get(f"{before}{fitting[0]}")) is not None and entry.exact:
            hint = _MEANT.get(word) or f"/{before}{fitting[0]} has to be typed in full"
            raise UsageError(f"unknown command /{before}{word}", hint=hint)
        if fitting:
            return fitting[0]
        near = nearest_name(word, names)
        hint = f"did you mean /{before}{near}?" if near else "/help lists the commands"
        raise UsageError(f"unknown command /{before}{word}", hint=hint)


def _split(text: str) -> tuple[str, str]:
    """The first word, and the rest without the space before it."""
    word, _, rest = text.lstrip().partition(" ")
    return word, rest.strip()


def collect(modules: Iterable[ModuleType]) -> Registry:
    """A registry of all commands that modules declare, in their order."""
    return Registry(value for module in modules for value in vars(module).values() if isinstance(value, Command))
