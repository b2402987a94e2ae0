"""The tools of a recorded session, and what their calls were answered with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rtcli.protocol.record import Direction, Frame, Record
from rtcli.timeline.reading import mapping, objects, text

_KEYS = frozenset({"type", "name", "description", "parameters"})


class RecordedTools:
    """Known from the records as a whole: an output stands behind the call that it answers."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._schemas: list[Mapping[str, Any]] = []
        self._outputs: dict[str, list[str]] = {}  # by the tool's name
        self._answers: set[int] = set()  # the frames that carry outputs, and those that ask for what follows
        names: dict[str, str] = {}
        waits = False  # an output was sent, and no response.create since
        for frame in records:
            if not isinstance(frame, Frame) or frame.event is None:
                continue
            item = mapping(frame.event, "item")
            if frame.direction is Direction.RECEIVED:
                names.update(dict(_calls(frame.event)))
            elif item.get("type") == "function_call_output":
                self._answers.add(frame.number)
                waits = True
                if name := names.get(text(item, "call_id")):
                    self._outputs.setdefault(name, []).append(text(item, "output"))
            # The runner sends it by itself after a tool's output, like the client did.
            elif waits and frame.event.get("type") == "response.create":
                self._answers.add(frame.number)
                waits = False

    def __repr__(self) -> str:
        return f"<RecordedTools: {', '.join(self.names)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Of those that were declared."""
        return tuple(str(schema.get("name")) for schema in self._schemas)

    def answers(self, number: int) -> bool:
        """Whether a frame answers a call, or asks for the response that follows."""
        return number in self._answers

    def declare(self, session: dict[str, Any]) -> None:
        """Take the functions of a session's settings, and leave it those that are none."""
        tools = session.get("tools")
        if not isinstance(tools, list):
            return
        functions = [tool for tool in tools if isinstance(tool, Mapping) and tool.get("type") == "function"]
        # All or none: a tool with fields that a scenario's `tools` lacks would lose them, so the session keeps the
        # list.
        if functions and all(tool.keys() <= _KEYS and tool.get("name") for tool in functions):
            self._schemas = functions
            others = [tool for tool in tools if tool not in functions]
            session.pop("tools")
            if others:
                session["tools"] = others

    def declared(self) -> list[dict[str, Any]]:
        """As a scenario says it."""
        return [self._declared(schema) for schema in self._schemas]

    def _declared(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        told = {name: value for name, value in schema.items() if name != "type"}
        outputs = self._outputs.get(str(schema["name"]), [])
        if len(set(outputs)) == 1:
            return {**told, "output": outputs[0]}
        return {**told, "outputs": outputs} if outputs else told


def _calls(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in (mapping(event, "item"), *objects(mapping(event, "response"), "output")):
        if item.get("type") == "function_call":
            yield text(item, "call_id"), text(item, "name")
