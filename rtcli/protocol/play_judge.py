"""What a client should have sent between two answers of a script, and what it should not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.catalog import meant_by
from rtcli.protocol.differences import NOTHING, Discrepancy, Mismatch
from rtcli.protocol.event_matching import EventMatcher, refuse_bare_expression, words_matcher
from rtcli.protocol.events import Event

_FORMS = "an expectation is an event with its type, event: {...}, text: WORDS, or no: with one of these"


@dataclass(frozen=True, slots=True)
class _Typed:
    """The user's words, in any message that the client has put into the conversation."""

    words: str

    @property
    def text(self) -> str:
        return f"the text {self.words!r}"

    def differences(self, event: Event) -> Sequence[Discrepancy]:
        item = event.get("item") if event["type"] == "conversation.item.create" else None
        parts = item.get("content") if isinstance(item, Mapping) else None
        texts = [part.get("text") for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
        if any(map(words_matcher(self.words), texts)):
            return ()
        return (Discrepancy("text", self.words, " ".join(map(str, texts)) if texts else NOTHING),)


_Item = EventMatcher | _Typed


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges what was sent: each event that is required has to be there, in order if `ordered`, and the others not."""

    required: tuple[_Item, ...]
    excluded: tuple[_Item, ...]
    ordered: bool = False

    @classmethod
    def of(cls, items: Iterable[Any], ordered: bool = False) -> Judge:
        """From the list in a script. Raises UsageError for an item that says nothing that can be judged."""
        required: list[_Item] = []
        excluded: list[_Item] = []
        for item in items:
            if isinstance(item, Mapping) and list(item) == ["no"]:
                excluded.append(_parsed(item["no"]))
            else:
                required.append(_parsed(item))
        return cls(tuple(required), tuple(excluded), ordered)

    def judge(self, sent: Sequence[Event]) -> Mismatch | None:
        """Where what was sent is not what is required; None where it is."""
        found: list[Discrepancy] = []
        left = list(sent)
        for one in self.required:
            place = next((i for i, event in enumerate(left) if not one.differences(event)), None)
            if place is None:
                found += _nearest(one, left)
            else:
                left = left[place + 1 :] if self.ordered else left
        for one in self.excluded:
            found += [Discrepancy(f"no {one.text}", NOTHING, event) for event in sent if not one.differences(event)]
        return Mismatch("the client has not sent what the script expects", tuple(found)) if found else None


def _parsed(item: Any) -> _Item:
    if isinstance(item, Mapping) and list(item) == ["text"] and isinstance(item["text"], str):
        refuse_bare_expression(item["text"])
        words_matcher(item["text"])
        return _Typed(item["text"])
    fields = item.get("event") if isinstance(item, Mapping) and list(item) == ["event"] else item
    if not isinstance(fields, Mapping) or not isinstance(fields.get("type"), str):
        raise UsageError(f"{item!r} cannot be expected", why=_FORMS)
    if meant := meant_by(fields["type"]):
        raise UsageError(f"{fields['type']!r} is not an event", hint=f"did you mean {meant}?")
    return EventMatcher(fields)


def _nearest(item: _Item, sent: Sequence[Event]) -> Iterable[Discrepancy]:
    """What is required, and where the event of its type that comes nearest to it is another one."""
    alike = [event for event in sent if isinstance(item, EventMatcher) and item.type == event["type"]]
    if not alike:
        types = ", ".join(str(event["type"]) for event in sent) or NOTHING
        return (Discrepancy(item.text, item.words if isinstance(item, _Typed) else item.fields, types),)
    nearest = min((item.differences(event) for event in alike), key=len)
    return (Discrepancy(f"{item.text} {one.path}", one.expected, one.got) for one in nearest)
