"""Kinds of argument that name what a session has: settings, events, items, calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import rtcli.commands.settings_catalog as paths
from rtcli.commands.arguments import ArgumentType, Suggestion, Word, file_suggestions
from rtcli.commands.known import Known
from rtcli.commands.registry import TOPICS
from rtcli.errors import UsageError
from rtcli.masking import masked_start
from rtcli.protocol.catalog import all_types, event_types
from rtcli.protocol.filters import type_of
from rtcli.protocol.ids import expand, ids_of
from rtcli.protocol.items import Item, MessageItem
from rtcli.protocol.ndjson import parse_object
from rtcli.protocol.record import Direction
from rtcli.session.setting_paths import parse_value
from rtcli.session.transfer import text_of_item

_MAX_WORDS = 60  # characters of an item, beside its id
_PAIR = re.compile(r"\s*([A-Za-z_][\w.]*)=")


def _pairs(text: str) -> list[tuple[str, str]] | None:
    """The names and values of a text that consists of NAME=VALUE alone; None for any other.

    A value ends at a space, unless it is JSON that begins with a quote or a bracket.
    """
    pairs, at = [], 0
    while at < len(text.rstrip()):
        if (name := _PAIR.match(text, at)) is None:
            return None
        at = name.end()
        try:
            # raw_decode says where the value ends: JSON may hold the spaces that separate plain values.
            end = json.JSONDecoder().raw_decode(text, at)[1] if text[at : at + 1] in ('"', "[", "{") else 0
        except ValueError:
            end = 0
        # Not JSON after all, like "2"x: then it is a plain value.
        if not end or not (end == len(text) or text[end].isspace()):
            end = next((place for place in range(at, len(text)) if text[place].isspace()), len(text))
        pairs.append((name[1], text[at:end]))
        at = end
    return pairs


class Fields(ArgumentType[dict[str, Any]]):
    """A JSON object, or name=value pairs whose values are JSON or text; `names` are offered, with their meaning."""

    label = "JSON|NAME=VALUE..."
    greedy = True

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def parse(self, text: str, known: Known) -> dict[str, Any]:
        if text.lstrip().startswith("{"):
            return parse_object(text)
        if (pairs := _pairs(text)) is not None:
            return {name: parse_value(value) for name, value in pairs}
        # The first word that is wrong: in a long line that is what the user looks for.
        wrong = next((word for word in text.split() if not _PAIR.match(word)), text)
        hint = 'quote values with spaces: NAME="two words"'
        raise UsageError(f"{wrong!r} is not NAME=VALUE", hint=hint)

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


class Assignments(ArgumentType[list[tuple[str, Any]]]):
    """PATH=VALUE, several of them, or PATH VALUE; a value is JSON or text, and may be empty behind =."""

    label = "PATH=VALUE..."
    greedy = True

    def parse(self, text: str, known: Known) -> list[tuple[str, Any]]:
        # a value may hold spaces (instructions=Be brief): only where every word is an assignment are there several
        if (pairs := _pairs(text)) is not None and len(pairs) > 1:
            return [(path.removeprefix("session."), parse_value(value)) for path, value in pairs]
        return [self._pair(text)]

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
        before, space, last = typed.rpartition(" ")
        # Only behind whole pairs is a new one begun: in instructions=Be br the words belong to the value.
        done = f"{before}{space}" if space and _pairs(before) else ""
        path, equals, _ = (last if done else typed).partition("=")
        if equals:
            return (Suggestion(f"{done}{path}={value}") for value in paths.allowed(path))
        settable = paths.settable(known.session)
        return (Suggestion(f"{done}{known}=", meaning, more=True) for known, meaning in settable.items())


class AllowedValue(Word):
    """A value of one session path, its allowed values are suggested."""

    def __init__(self, path: str, label: str) -> None:
        self.path = path
        self.label = label

    def parse(self, text: str, known: Known) -> str:
        if not text:
            raise UsageError(f"{self.label} is empty")
        return text

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(value) for value in paths.allowed(self.path))


class EventPattern(Word):
    """An event type or a glob over them."""

    label = "TYPE"

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(row.name, row.meaning) for row in all_types(known.kind))


class FilterTerms(Word):
    """A filter of the event view; its last term is completed."""

    label = "EXPR"
    greedy = True

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        before, space, last = typed.rpartition(" ")
        # a suggestion of a greedy argument replaces all of it, so it repeats what stands before the last term
        begin = f"{before}{space}" + ("-" if last.startswith("-") else "")
        for row in all_types(known.kind):
            yield Suggestion(f"{begin}{row.name}", row.meaning)
        for _, item in known.items:
            yield Suggestion(f"{begin}item={item.item_id}")
        yield Suggestion(f"{begin}error", "an error, or something that failed")
        if not before:
            yield Suggestion("off", "all events")


class RecordKey(Word):
    """A record of the event view: its number, an id in it, or its type."""

    label = "N|ID|TYPE"

    def parse(self, text: str, known: Known) -> str:
        if not text:
            raise UsageError("'' is not the number, id or type of an event")
        return text

    def suggest(self, typed: str, known: Known) -> Iterator[Suggestion]:
        # the newest first: it is the one that is asked about
        frames = [(frame, type_of(frame)) for frame in reversed(known.frames)]
        for frame, event_type in frames:
            yield Suggestion(str(frame.number), event_type)
        items, ids = {item.item_id: item for _, item in known.items}, dict[str, str]()
        for frame, event_type in frames:
            for name in ids_of(frame.event or {}):
                ids.setdefault(name, event_type)
        for name, event_type in ids.items():
            yield Suggestion(name, (_words(items[name]) if name in items else "") or event_type)
        meanings = {row.name: row.meaning for row in all_types(known.kind)}
        for event_type in dict.fromkeys(event_type for _, event_type in frames):
            yield Suggestion(event_type, meanings.get(event_type, ""))


class FrameNumbers(ArgumentType[tuple[int, "int | None"]]):
    """Frames from one number to another: `500-560`, `500-` to the newest, `500` alone; each may have a #."""

    label = "N-M"

    def parse(self, text: str, known: Known) -> tuple[int, int | None]:
        match = re.fullmatch(r"#?(\d+)(?:(-)#?(\d+)?)?", text, re.ASCII)
        first = int(match[1]) if match else 0
        last = int(match[3]) if match and match[3] else None if match and match[2] else first
        if first < 1 or (last is not None and last < first):
            raise UsageError(f"{text!r} is not one of: off, summary, all, or numbers like 500-560")
        return first, last


class ItemId(ArgumentType[str]):
    """An item of the conversation, by its number in /history, its id or the end of it."""

    label = "ITEM"

    def parse(self, text: str, known: Known) -> str:
        history = known.history
        # an id of digits alone is taken by its name, not by its number in /history
        if text in history:
            return text
        number = text.removeprefix("#")
        if number.isdecimal() and (item := history.numbered(int(number))) is not None:
            return item.item_id
        return expand(text, (item.item_id for item in history))

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (
            Suggestion(item.item_id, f"{number} {getattr(item, 'role', item.type)}: {_words(item)}".rstrip(": "))
            for number, item in known.items
        )


class ItemOrFile(ItemId):
    """An item, or a file that holds a conversation."""

    label = "ITEM|FILE"

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        yield from super().suggest(typed, known)
        yield from file_suggestions(typed, (".json",))


class ClientEvents(Word):
    """Events to send, as JSON or @FILE."""

    label = "EVENT"
    greedy = True

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        if typed.startswith("@"):
            files = file_suggestions(typed[1:], (".json", ".ndjson", ".jsonl"))
            return (Suggestion(f"@{file.text}", file.meta, file.more) for file in files)
        if typed.lstrip().startswith("{"):
            return typed_event(typed, known)
        rows = event_types(Direction.SENT, known.kind)
        return (Suggestion(f'{{"type":"{row.name}"', row.meaning, more=True) for row in rows)


def _words(item: Item) -> str:
    """The beginning of what an item says, or the name of the function that it calls."""
    if not isinstance(item, MessageItem):
        return item.name
    return masked_start(text_of_item(item), _MAX_WORDS, "")


def typed_event(text: str, known: Known) -> Iterator[Suggestion]:
    """Ways to end the type of an event that is being typed as JSON; each is the whole text."""
    _, found, typed = text.rpartition('"type"')
    value = typed.lstrip().removeprefix(":").lstrip()
    if not found or not value.startswith('"') or '"' in value[1:]:
        return
    # up to the opening quote
    begin = text[: len(text) - len(value) + 1]
    for row in event_types(Direction.SENT, known.kind):
        if row.name.startswith(value[1:]):
            yield Suggestion(f'{begin}{row.name}"', row.meaning, more=True)


class CommandName(Word):
    """A command, a topic of them, or a page."""

    label = "NAME"
    greedy = True

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        if not typed.startswith("/"):
            yield from (Suggestion(topic, f"the commands under {heading}") for topic, heading in TOPICS.items())
        slash = "/" if typed.startswith("/") else ""
        yield from (Suggestion(f"{slash}{entry.name}", entry.summary) for entry in known.commands)


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
