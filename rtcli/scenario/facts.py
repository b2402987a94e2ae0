"""What has come since the user's last turn, as expectations look at it: events, and what they amount to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rtcli.protocol.dialects import Dialect
from rtcli.protocol.differences import NOTHING
from rtcli.protocol.event_matching import value_at
from rtcli.protocol.events import Event, read_json
from rtcli.protocol.record import Direction, Frame, Record

_CALLS = ("function_call", "mcp_call")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that came at a moment, in seconds of the session, with frame `number`.

    `kind` is "event", or what an event amounts to: a "text" or a "transcript" that is complete, a "call". `value` holds
    {"text"}, {"transcript"}, or {"name", "arguments", "call_id"}; of an event it is the event.
    """

    kind: str
    value: Event
    at: float
    number: int


class SceneFacts:
    """The facts of a session. `all` are those since `begin`; `since` is the moment that `within` counts from.

    `troubles` are the error events and the responses that failed which nothing has judged yet, also of before.
    """

    def __init__(self) -> None:
        self.all: list[Fact] = []
        self.troubles: list[Fact] = []
        self.received = 0  # frames of the server, in all
        self.since = 0.0
        self._dialect = Dialect()
        self._called: set[str] = set()  # calls that were told, by id

    def __repr__(self) -> str:
        return f"<SceneFacts: {len(self.all)} since {self.since:.3f} s>"

    def begin(self, now: float) -> None:
        """The user does something: what came before is over."""
        self.all = []
        self.since = now

    def observe(self, record: Record) -> None:
        """Take one record in."""
        if not isinstance(record, Frame):
            return
        self.received += record.direction is Direction.RECEIVED
        for event in self._events(record):
            self._add("event", event, record)
            for kind, value in self._amounts_to(event):
                self._add(kind, value, record)

    def _events(self, frame: Frame) -> Iterator[Event]:
        """The event as it crossed the wire, and as GA names it where that is something else."""
        event = cast(Event | None, frame.event)
        if event is None:
            if frame.binary and isinstance(frame.raw, bytes):
                yield from self._dialect.read_binary(frame.raw) or ()
            return
        yield event
        if frame.direction is Direction.RECEIVED and isinstance(event.get("type"), str):
            try:
                # Both names count, so that an expectation holds on a server of another dialect and on OpenAI alike.
                yield from self._dialect.read(dict(event)) or ()
            except Exception:  # noqa: BLE001  # a stranger's event, taken as it is
                return

    def _add(self, kind: str, value: Event, frame: Frame) -> None:
        fact = Fact(kind, value, frame.at, frame.number)
        self.all.append(fact)
        # An event of a dialect comes twice, under both of its names; the trouble is one.
        if kind == "event" and _is_trouble(value) and not any(one.number == fact.number for one in self.troubles):
            self.troubles.append(fact)

    def _amounts_to(self, event: Event) -> Iterator[tuple[str, Event]]:
        kind, item, response = event.get("type"), event.get("item"), event.get("response")
        if kind == "response.output_text.done":
            yield "text", {"text": event.get("text", "")}
        elif kind == "response.output_audio_transcript.done":
            yield "transcript", {"transcript": event.get("transcript", "")}
        items: Any = [item] if kind == "response.output_item.done" else []
        if kind == "response.done" and isinstance(response, Mapping):  # of a server that sends nothing before
            items = response.get("output")
        for one in items if isinstance(items, list) else ():
            if isinstance(one, Mapping) and one.get("type") in _CALLS and (call := self._call(one)) is not None:
                yield "call", call

    def _call(self, item: Mapping[str, Any]) -> Event | None:
        call_id = str(item.get("call_id") or item.get("id"))
        # The same call stands in response.output_item.done and once more in response.done.
        if call_id in self._called:
            return None
        self._called.add(call_id)
        return {"name": item.get("name"), "arguments": decoded_arguments(item.get("arguments")), "call_id": call_id}

    def of(self, kind: str) -> list[Fact]:
        """Those of one kind."""
        return [fact for fact in self.all if fact.kind == kind]

    def captured(self, path: str) -> Any:
        """What stands at a path: `text`, `transcript`, `call.arguments.city`, or of the newest event that has it.

        NOTHING where none has it.
        """
        first, _, rest = path.partition(".")
        # From the newest: what a test captures is the id of what it has just been answered.
        for fact in reversed(self.all):
            if fact.kind == first or (fact.kind == "event" and first not in ("text", "transcript", "call")):
                value = fact.value.get(first, NOTHING) if fact.kind in ("text", "transcript") else fact.value
                place = path if fact.kind == "event" else rest
                if (found := value_at(value, place) if place else value) is not NOTHING:
                    return found
        return NOTHING


def _is_trouble(event: Event) -> bool:
    response = event.get("response")
    failed = isinstance(response, Mapping) and response.get("status") in ("failed", "incomplete")
    return event.get("type") == "error" or (event.get("type") == "response.done" and failed)


def decoded_arguments(arguments: Any) -> Any:
    """Arguments as what they say; text that is not JSON stays text."""
    try:
        return read_json(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments
