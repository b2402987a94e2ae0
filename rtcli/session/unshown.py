"""What came in answer and could not be shown: the types of events that nothing here knows, told in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rtcli.protocol.events import mapping_of
from rtcli.protocol.record import GIVE_UP, Connected, Connection, Did, Frame
from rtcli.session.part import Part, moment, received
from rtcli.session.transcripts import TranscriptStreams
from rtcli.views import Level, Notice

_MAX_TYPES = 64
_NAMED = 5  # types in the line

_SHOWN_ELSEWHERE = frozenset({"function_call", "mcp_call", "mcp_tool_call", "mcp_approval_request", "mcp_list_tools"})
"""Items of a response that are told in other ways than as its text."""


_TEXTS = {
    "response.output_text.delta": "delta",
    "response.output_text.done": "text",
    "response.output_audio_transcript.delta": "delta",
    "response.output_audio_transcript.done": "transcript",
}
"""Events that carry text, and where."""

_SHOWN_PARTS = frozenset({"output_text", "output_audio", "text", "audio"})


def _unknown_parts(items: Iterable[object]) -> Iterator[str]:
    """What stands in the messages of a response and is neither text nor audio."""
    for item in items:
        content = item.get("content") if isinstance(item, Mapping) else None
        for part in content if isinstance(content, list) else ():
            kind = str(part.get("type") if isinstance(part, Mapping) else type(part).__name__)
            if kind not in _SHOWN_PARTS:
                yield kind


class Unshown(Part):
    """Watches whether each response has led to something that the user can see or hear."""

    def __init__(self, transcripts: TranscriptStreams) -> None:
        self._transcripts = transcripts
        self._types: Counter[str] = Counter()  # unknown ones since the last line
        self._told: set[str] = set()  # types that a line has named
        self._audible = False  # audio came since the last response began

    @property
    def types(self) -> str:
        """The unknown types that came since the last line, "" where there are none."""
        names = [name if count == 1 else f"{name} ×{count}" for name, count in self._types.most_common(_NAMED)]
        more = len(self._types) - len(names)
        return ", ".join(names) + (f" and {more} more types" if more > 0 else "")

    def note(self, kind: str) -> None:
        """An event came of a type that nothing here knows."""
        if kind in self._types or len(self._types) < _MAX_TYPES:
            self._types[kind] += 1

    @received(*_TEXTS)
    def _on_text(self, event: Mapping[str, Any], _frame: Frame) -> None:
        """A piece of text that is none: it stands under another name, or is wrapped in something."""
        if not isinstance(event.get(_TEXTS[event["type"]]), str):
            self.note(f"{event['type']} without text")

    @received("response.output_audio.delta")
    def _on_response_output_audio_delta(self, _event: Mapping[str, Any], _frame: Frame) -> None:
        self._audible = True

    @received("response.done")
    def _on_response_done(self, event: Mapping[str, Any], _frame: Frame) -> tuple[Notice, ...]:
        response = mapping_of(event.get("response"))
        output = response.get("output")
        items = output if isinstance(output, list) else ()
        shown = self._audible or self._transcripts.last_response_shown
        shown = shown or any(isinstance(item, Mapping) and str(item.get("type")) in _SHOWN_ELSEWHERE for item in items)
        self._audible = False
        for kind in _unknown_parts(items):
            self.note(f"response.done with {kind}")
        if shown or response.get("status") in ("cancelled", "failed", "incomplete"):
            self._types.clear()
            return ()
        return self._line()

    @moment(Connection)
    def _on_connection(self, record: Connection) -> tuple[Notice, ...]:
        if record.state is Connected.DIALING:
            self._types.clear()
        return self._line() if record.state is Connected.LOST else ()

    @moment(Did)
    def _on_did(self, record: Did) -> tuple[Notice, ...]:
        """What is waited for no longer may have come under a name that nobody knows."""
        return self._line() if record.command == GIVE_UP else ()

    def _line(self) -> tuple[Notice, ...]:
        types, new = self.types, self._types.keys() - self._told
        self._told |= new
        self._types.clear()
        if not new:
            return ()
        hint = "/events all shows them as they came"
        return (Notice("an answer came that cannot be shown", f"unknown event types: {types}", hint, Level.WARNING),)
