"""The client's core: in which order a server event is told, counted and answered."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.client import ClientCore
from rtcli.protocol.effects import Effects, Send


def sent(effects: Effects) -> list[dict[str, Any]]:
    """The events that go out, while nobody listens to the others."""
    return [effect.event for effect in effects if isinstance(effect, Send)]


def received(core: ClientCore, *events: dict[str, Any], now: float = 0.0) -> list[dict[str, Any]]:
    return [event for heard in events for event in sent(core.receive(heard, now))]


RESPONSE = {"type": "response.created", "response": {"id": "r1"}}
AUDIO = {
    "type": "response.output_audio.delta",
    "item_id": "a1",
    "content_index": 0,
    "delta": "AAAA",
    "response_id": "r1",
}
AUDIO_DONE = {"type": "response.output_audio.done", "item_id": "a1", "content_index": 0}


def test_what_a_listener_of_a_response_that_begins_asks_for_goes_out_before_it_counts() -> None:
    """As in the reference: the queue learns of a response when everybody has heard of it."""
    core = ClientCore("m")
    out = []
    for effect in core.receive(RESPONSE, 0.0):
        if isinstance(effect, tuple) and effect[0] == "turn_started":
            out += sent(core.request_response())

    assert [event["type"] for event in out] == ["response.create"]
    assert sent(core.request_response()) == []


def test_an_interruption_by_a_listener_of_audio_done_still_cuts() -> None:
    """As in the reference: the audio counts as complete when everybody has heard of it."""
    core = ClientCore("m")
    received(core, AUDIO)
    out = []
    for effect in core.receive(AUDIO_DONE, 9.0):
        if isinstance(effect, tuple) and effect[0] == "audio_done":
            out += sent(core.interrupt(9.0))

    assert [event["type"] for event in out] == ["conversation.item.truncate"]


def test_a_response_is_measured_in_the_format_that_the_session_had_when_it_began() -> None:
    """A session.updated in the middle of an answer does not change how long its audio is."""
    core = ClientCore("m")

    def session(kind: str) -> dict[str, Any]:
        return {"type": "session.updated", "session": {"audio": {"output": {"format": {"type": kind}}}}}

    received(core, session("audio/pcmu"), RESPONSE, session("audio/pcm"), {**AUDIO, "delta": "A" * 1600})

    assert core.playback.received_ms("a1", 0) == 150


@pytest.mark.parametrize(
    ("reported", "config", "asked"),
    [
        (None, {}, ["auto"]),
        ("auto", {}, []),
        ({"workflow_name": "w"}, {}, []),
        (None, {"tracing": None}, [None]),
        ("auto", {"tracing": {"workflow_name": "w"}}, [{"workflow_name": "w"}]),
        ({"workflow_name": "w"}, {"tracing": {"workflow_name": "v"}}, []),
        ({"workflow_name": "w"}, {"tracing": "auto"}, ["auto"]),
        ({"workflow_name": "w"}, {"tracing": None}, [None]),
    ],
)
def test_tracing_is_asked_for_where_it_is_named_or_not_on(
    reported: Any, config: dict[str, Any], asked: list[Any]
) -> None:
    """One object is not changed into another, which the API refuses; it can be switched off."""
    core = ClientCore("m")
    core.prepare(config)

    out = received(core, {"type": "session.created", "session": {"tracing": reported}})
    assert [event["session"]["tracing"] for event in out] == asked


@pytest.mark.parametrize(
    ("config", "tools"), [({"tools": []}, "absent"), ({}, "absent"), ({"provider_data": {"tools": []}}, [])]
)
def test_the_first_update_clears_no_tools_unless_told_to(config: dict[str, Any], tools: Any) -> None:
    """A fresh session has none; what is given as provider_data goes out as it is."""
    core = ClientCore("m")
    core.prepare(config)

    assert sent(core.opened())[0]["session"].get("tools", "absent") == tools


@pytest.mark.parametrize(("kind", "types"), [("transcription", []), ("realtime", ["conversation.item.retrieve"])])
def test_a_session_that_is_no_conversation_is_left_alone(kind: str, types: list[str]) -> None:
    """It has no items that could be asked for."""
    core = ClientCore("m", auto_tracing=False)
    done = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u1", "transcript": "so"}
    out = received(core, {"type": "session.updated", "session": {"type": kind}}, done)

    assert [event["type"] for event in out] == types
