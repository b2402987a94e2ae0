"""The answers that the examples of the docs need: everything is confirmed, every kind of question is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.kit.events import CREATED, SESSION, Event, audio_delta, item_events, response_event
from tests.kit.fake_server import Conversation

_CALL = {"name": "weather", "arguments": '{"place":"Bonn"}', "call_id": "call_1", "status": "completed"}
_MCP = {"server_label": "docs", "name": "search", "arguments": '{"q":"x"}'}


async def example_answers(talk: Conversation) -> None:
    """A script of the fake server."""
    state = _Examples()
    await talk.send({**CREATED, "session": state.session})
    while True:
        await talk.send(*state.replies(await talk.receive()))


class _Examples:
    """One client's conversation."""

    def __init__(self) -> None:
        self.session: Event = {**SESSION, "audio": {"input": {}, "output": {}}}
        self.said = ""
        self.number = 0

    def replies(self, event: Event) -> list[Event]:
        """What the server says to one event."""
        self.number += 1
        reply = self._REPLIES.get(event["type"])
        return reply(self, event) if reply else []

    def _updated(self, event: Event) -> list[Event]:
        self.session = {**self.session, **event["session"]}
        return [{"type": "session.updated", "session": self.session}]

    def _item(self, event: Event) -> list[Event]:
        item = {"id": f"item_u{self.number}", "status": "completed", **event["item"]}
        self.said = "".join(str(part.get("text", "")) for part in item.get("content", ()))
        return item_events(item)

    def _deleted(self, event: Event) -> list[Event]:
        return [{"type": "conversation.item.deleted", "item_id": event["item_id"]}]

    def _truncated(self, event: Event) -> list[Event]:
        return [{**event, "type": "conversation.item.truncated"}]

    def _committed(self, event: Event) -> list[Event]:
        return [{"type": "input_audio_buffer.committed", "item_id": "item_spoken", "previous_item_id": None}]

    def _answer(self, event: Event) -> list[Event]:
        name, said, self.said = f"resp_{self.number}", self.said, ""
        begun = response_event("created", name)
        done = response_event("done", name, status="completed", output=[{"id": "item_a"}], usage={"input_tokens": 1})
        if "weather" in said:
            item = {"id": f"item_f{self.number}", "type": "function_call", **_CALL}
            return [begun, {"type": "response.output_item.done", "response_id": name, "item": item}, done]
        if "docs" in said:
            return [begun, *_mcp(), done]
        speech = _speech(name, f"item_a{self.number}")
        return [begun, *speech] if "long story" in said else [begun, *speech, *_end_of_speech(name), done]

    _REPLIES: Mapping[str, Callable[[_Examples, Event], list[Event]]] = {
        "session.update": _updated,
        "conversation.item.create": _item,
        "conversation.item.delete": _deleted,
        "conversation.item.truncate": _truncated,
        "input_audio_buffer.commit": _committed,
        "response.create": _answer,
    }


def _speech(name: str, item_id: str) -> list[Event]:
    item = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    place = {"response_id": name, "item_id": item_id, "content_index": 0}
    return [
        {"type": "conversation.item.added", "previous_item_id": None, "item": item},
        {"type": "response.output_text.delta", **place, "delta": "Hello"},
        {"type": "response.output_audio_transcript.delta", **place, "delta": "Hello"},
        audio_delta(b"\0" * 9_600, item_id, response_id=name),
    ]


def _end_of_speech(name: str) -> list[Event]:
    limits: Event = {"type": "rate_limits.updated", "rate_limits": []}
    return [{"type": "response.output_audio.done", "response_id": name}, limits]


def _mcp() -> list[Event]:
    tools = {"id": "item_m1", "type": "mcp_list_tools", "server_label": "docs", "tools": [{"name": "search"}]}
    call = {"id": "item_m2", "type": "mcp_call", "output": "found", **_MCP}
    request = {"id": "item_m3", "type": "mcp_approval_request", **_MCP}
    return [{"type": "conversation.item.done", "item": item} for item in (tools, call, request)]
