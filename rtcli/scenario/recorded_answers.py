"""The shape of an answer that was recorded: calls, text or speech, how it ended; not its words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rtcli.protocol.event_matching import stands_for_itself
from rtcli.scenario.facts import decoded_arguments
from rtcli.timeline.reading import mapping, objects

_SOMETHING = r"/\S/"  # a model words the same answer differently each time


class Answers:
    """What has come since the user's last turn."""

    def __init__(self) -> None:
        self._calls: list[Mapping[str, Any]] = []
        self._called: set[str] = set()
        self._kinds: dict[str, None] = {}  # "text" and "transcript", in their order
        self._status = ""  # of the last response
        self._errors: list[str] = []

    def received(self, event: Mapping[str, Any]) -> None:
        """An event of the server, by the names of GA."""
        kind = event.get("type")
        if kind == "response.output_text.done" and str(event.get("text") or "").strip():
            self._kinds["text"] = None
        elif kind == "response.output_audio_transcript.done" and str(event.get("transcript") or "").strip():
            self._kinds["transcript"] = None
        elif kind == "response.output_item.done":
            self._item(mapping(event, "item"))
        elif kind == "response.done":
            response = mapping(event, "response")
            self._status = str(response.get("status") or "")
            for item in objects(response, "output"):
                self._item(item)
        elif kind == "error":
            self._errors.append(str(mapping(event, "error").get("code") or "*"))

    def _item(self, item: Mapping[str, Any]) -> None:
        call_id = str(item.get("call_id") or item.get("id"))
        if item.get("type") in ("function_call", "mcp_call") and call_id not in self._called:
            self._called.add(call_id)
            self._calls.append(item)

    def expected(self, tools: Collection[str]) -> Iterator[dict[str, Any]]:
        """As a scenario says it. With `tools` and no call, none is expected."""
        for call in self._calls:
            arguments = decoded_arguments(call.get("arguments"))
            clear = _clear(arguments) if isinstance(arguments, dict) else {}
            yield {"call": {"name": str(call.get("name")), **({"arguments": clear} if clear else {})}}
        for kind in self._kinds:
            yield {kind: _SOMETHING}
        for code in dict.fromkeys(self._errors):
            yield {"type": "error", "error.code": code} if code != "*" else {"type": "error"}
        if self._status:
            yield {"type": "response.done", "response.status": self._status}
            # Says what a test of tools is mostly about: that the model did not call one needlessly.
            if tools and not self._calls:
                yield {"no": {"call": "*"}}


def _clear(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those that a scenario can name: some texts mean something else in its language."""
    return {name: value for name, value in arguments.items() if stands_for_itself({name: value})}
