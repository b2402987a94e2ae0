"""The payloads of semantic events are frozen, slotted values with the reference's names."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest

from rtcli.protocol import items, payloads

CLASSES = [
    value
    for module in (payloads, items)
    for _, value in inspect.getmembers(module, inspect.isclass)
    if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
]
TYPES = {
    payloads.TransportAudio: "audio",
    payloads.TranscriptDelta: "transcript_delta",
    payloads.OutputTextDelta: "output_text_delta",
    payloads.ErrorPayload: "error",
    payloads.ResponseStarted: "response_started",
    payloads.ResponseDone: "response_done",
    payloads.FunctionCall: "function_call",
    items.MessageItem: "message",
    items.FunctionCallItem: "function_call",
    items.McpCallItem: "mcp_call",
    items.McpApprovalRequestItem: "mcp_approval_request",
}


def make(cls: Any) -> Any:
    """An instance with None for every field that has no default."""
    needed = [f for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING]
    return cls(*[None] * len(needed))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: str(cls.__name__))
def test_a_payload_cannot_be_changed_and_holds_nothing_else(cls: Any) -> None:
    """Listeners share one object: none can spoil it for the next."""
    payload = make(cls)

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(payload, dataclasses.fields(cls)[0].name, 1)
    assert not hasattr(payload, "__dict__")


@pytest.mark.parametrize(("cls", "name"), TYPES.items(), ids=lambda value: str(getattr(value, "__name__", value)))
def test_a_payload_says_its_type(cls: Any, name: str) -> None:
    """The discriminators are the reference's."""
    assert make(cls).type == name
