"""Completion as a pure function of what stands before the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rtcli.commands.arguments import Suggestion, as_word, file_suggestions
from rtcli.commands.known import Known
from rtcli.commands.lexer import next_word
from rtcli.commands.registry import Command, Parameter, Registry
from rtcli.commands.session_arguments import typed_event
from rtcli.errors import UsageError
from rtcli.session.images import IMAGE_SUFFIXES

_MAX_COMPLETIONS = 200


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` replaces everything from index `start` of the line to the cursor; `display` is what a menu shows."""

    text: str
    start: int
    display: str
    meta: str = ""


def complete(text: str, registry: Registry, known: Known) -> list[Completion]:
    """What could stand at the end of `text`, at most 200, the best first. May run in any thread."""
    if text.startswith("/") and not text.startswith("//"):
        found = _command_line(text, registry, known)
    elif text.lstrip().startswith("{"):
        found = _event_type(text, known)
    else:
        found = _image(text)
    # lazily: a folder may have a hundred thousand entries
    return [completion for completion, _ in zip(found, range(_MAX_COMPLETIONS), strict=False)]


def _fitting(suggestions: Iterable[Suggestion], typed: str) -> Iterator[Suggestion]:
    """Those that begin with what was typed, then those that only contain it."""
    needle = typed.lower()
    inside = []
    for suggestion in suggestions:
        if suggestion.text.lower().startswith(needle):
            yield suggestion
        elif needle in suggestion.text.lower():
            inside.append(suggestion)
    yield from inside


def _command_line(text: str, registry: Registry, known: Known) -> Iterator[Completion]:
    first, space, rest = text[1:].partition(" ")
    if not space:
        yield from _names(first, 1, registry)
        return
    start = len(text) - len(rest)
    subcommands = registry.subcommands(first)
    word, second_space, after = rest.partition(" ")
    if subcommands and not second_space:
        for name in subcommands:
            if name.startswith(word):
                yield Completion(f"{name} ", start, name, registry.names[f"{first} {name}"].summary)
    try:
        # "/session " with nothing behind it completes the arguments of /session, too
        entry, _ = registry.resolve(text[1:] if word else first)
    except UsageError:
        return
    if subcommands and word:  # the second word belongs to the name
        if not second_space:
            return
        start, rest = len(text) - len(after), after
    yield from _arguments(entry, rest, start, known)


def _names(typed: str, start: int, registry: Registry) -> Iterator[Completion]:
    seen = set()
    for entry in registry:
        name = entry.name.split()[0]
        if name.startswith(typed) and name not in seen:
            seen.add(name)
            group = registry.subcommands(name)
            yield Completion(f"{name} ", start, f"/{name}", "|".join(group) if group else entry.summary)
    # aliases only where no name fits, else each command would be listed twice
    if not seen:
        for alias, entry in registry.names.items():
            if alias.startswith(typed) and " " not in alias:
                yield Completion(f"{alias} ", start, f"/{alias}", entry.summary)


def _arguments(entry: Command, text: str, start: int, known: Known) -> Iterator[Completion]:
    """Walk over the finished words to the parameter that the cursor is in, and let its kind suggest."""
    remaining = list(entry.positional)
    parameter: Parameter | None = remaining.pop(0) if remaining else None
    at = 0
    while parameter is None or not parameter.kind.greedy:
        word = next_word(text, at)
        # the word that the cursor is in is not finished
        if word is None or word.end >= len(text):
            break
        at = word.end
        if word.text not in entry.options:
            parameter = remaining.pop(0) if remaining else None
            if parameter is None and not entry.options:
                return
    while at < len(text) and text[at].isspace():
        at += 1
    typed = text[at:]
    # Options only where one is begun, or where nothing else can stand: they would bury the values.
    if typed.startswith("-") or parameter is None:
        for option, named in entry.options.items():
            if option.startswith(typed):
                yield Completion(f"{option} ", start + at, option, named.kind.label)
    if parameter is not None:
        # an open quote is part of the word that is completed, not of the value
        bare = typed[1:] if typed[:1] in ("'", '"') and not parameter.kind.greedy else typed
        for suggestion in _fitting(parameter.kind.suggest(bare, known), bare):
            end = "" if suggestion.more else " "
            written = suggestion.text if suggestion.more else as_word(suggestion.text, parameter.kind)
            yield Completion(written + end, start + at, suggestion.text, suggestion.meta)


def _event_type(text: str, known: Known) -> Iterator[Completion]:
    """Inside the type of a raw event."""
    for suggestion in typed_event(text, known):
        # Only the type is replaced: the text before it may be long, and a menu would show all of it.
        start = text.rindex('"') + 1
        yield Completion(suggestion.text[start:], start, suggestion.text[start:-1], suggestion.meta)


def _image(text: str) -> Iterator[Completion]:
    """A path behind an @ at the beginning of a word."""
    word = text.rpartition(" ")[2]
    if not word.startswith("@"):
        return
    start = len(text) - len(word) + 1
    for suggestion in _fitting(file_suggestions(word[1:], IMAGE_SUFFIXES), word[1:]):
        yield Completion(suggestion.text + ("" if suggestion.more else " "), start, suggestion.text, suggestion.meta)
