"""A transport of one's own, made from OpenAIRealtimeBase: what it has to supply, and what it gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtcli.protocol.events import Event
from rtcli.transports import OpenAIRealtimeBase, RealtimeTransportLayer
from tests.kit.golden_base import BaseTransport


def test_what_a_transport_has_to_supply() -> None:
    """Seven names, those of the reference; without them it cannot be made."""
    assert OpenAIRealtimeBase.__abstractmethods__ == {
        "status",
        "muted",
        "connect",
        "send_event",
        "mute",
        "close",
        "interrupt",
    }
    assert issubclass(OpenAIRealtimeBase, RealtimeTransportLayer)
    with pytest.raises(TypeError, match="abstract"):
        OpenAIRealtimeBase()  # type: ignore[abstract]


def test_a_frame_becomes_events_and_a_call_becomes_a_frame() -> None:
    """Without any socket or loop."""
    t, seen = BaseTransport(model="m"), list[Any]()
    t.on("output_text_delta", seen.append)
    t._on_message(json.dumps({"type": "response.output_text.delta", "item_id": "i", "delta": "a"}))
    t.send_message("hi")

    assert seen[0].delta == "a"
    assert [event["type"] for event in t.wire] == ["conversation.item.create", "response.create"]


def test_the_hooks_report_the_connection() -> None:
    """_on_open, _on_error and _on_close, with the reference's events."""
    t, seen = BaseTransport(), list[Any]()
    for name in ("connected", "disconnected", "error"):
        t.on(name, lambda *args, name=name: seen.append((name, *args)))
    boom = OSError("boom")
    t._on_open()
    t._on_error(boom)
    t._on_close()

    assert [entry[0] for entry in seen] == ["connected", "error", "disconnected"]
    assert seen[1][1].error is boom


def test_a_send_that_fails_in_a_reaction_is_an_error_event() -> None:
    """The reader goes on: the next event is handled."""

    class Broken(BaseTransport):
        def send_event(self, event: Event) -> None:
            raise OSError("no way out")

    t, errors, events = Broken(), list[Any](), list[Any]()
    t.on("error", lambda payload: errors.append(payload.error)).on("*", events.append)
    for _ in range(2):
        t._on_message('{"type":"conversation.item.truncated","item_id":"i"}')

    assert [str(error) for error in errors] == ["no way out"] * 2
    assert len(events) == 2


def test_the_tracing_config_can_only_be_set() -> None:
    """As in the reference. One object is not changed into another, and can be switched off."""
    t = BaseTransport()
    with pytest.raises(AttributeError):
        _ = t._tracing_config
    t._update_tracing_config("auto")
    t._tracing_config = "auto"
    t._update_tracing_config("auto")
    t._update_tracing_config({"workflow_name": "w"})
    t._tracing_config = {"workflow_name": "w"}
    t._update_tracing_config({"workflow_name": "v"})
    t._update_tracing_config(None)

    assert [event["session"]["tracing"] for event in t.wire] == ["auto", "auto", {"workflow_name": "w"}, None]


def test_a_payload_can_be_built_without_sending_or_remembering_it() -> None:
    """For whoever wants to see it first."""
    t = BaseTransport(model="m")
    payload = t.build_session_payload({"voice": "cedar"})

    assert payload["model"] == "m"
    assert payload["audio"]["output"]["voice"] == "cedar"
    assert (t.wire, t.requested_session) == ([], {})


def test_ten_thousand_function_calls_do_not_grow_the_memory() -> None:
    """Only so many ids are remembered; the latest are still told apart."""
    t, calls = BaseTransport(), list[Any]()
    t.on("function_call", calls.append)
    for number in range(10_000):
        item = {"id": f"i{number}", "type": "function_call", "status": "completed", "call_id": f"c{number}"}
        frame = json.dumps({"type": "response.output_item.done", "item": item})
        t._on_message(frame)
        t._on_message(frame)

    assert len(calls) == 10_000
    assert len(t._core._calls) < 5_000
