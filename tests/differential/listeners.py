"""Listeners that act in the middle of an event, and the events that they wait for."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential import calls
from tests.differential.events import APPROVAL_ITEM, COMPLETED_CALL, MCP_CALL_ITEM, MCP_LIST_ITEM, event
from tests.differential.histories import RESET
from tests.differential.values import Values, one

_DONE = "conversation.item.done"
_SPEECH = "input_audio_buffer.speech_started"

# what is listened for, the event that sets it off, what the listener does
_LISTENERS: list[tuple[str, Values, list[Values]]] = [
    ("turn_started", event("response.created"), [calls.REQUEST_RESPONSE, calls.CANCEL, calls.SEND_MESSAGE]),
    ("turn_started", event("response.created"), [calls.REQUEST_RESPONSE, calls.SEND_CREATE, calls.ADD_IMAGE]),
    ("turn_done", event("response.done"), [calls.REQUEST_RESPONSE, calls.SEND_EVENT, calls.UPDATE]),
    ("usage_update", event("response.done"), [calls.REQUEST_RESPONSE, RESET]),
    ("audio", event("response.output_audio.delta"), [calls.INTERRUPT, calls.CANCEL]),
    ("audio_done", event("response.output_audio.done"), [calls.INTERRUPT, calls.REQUEST_RESPONSE]),
    ("audio_interrupted", event(_SPEECH), [calls.SEND_EVENT, calls.REQUEST_RESPONSE, calls.SEND_AUDIO]),
    ("audio_transcript_delta", event("response.output_audio_transcript.delta"), [calls.INTERRUPT, calls.CANCEL]),
    ("output_text_delta", event("response.output_text.delta"), [calls.INTERRUPT, calls.REQUEST_RESPONSE]),
    ("item_deleted", event("conversation.item.deleted"), [RESET, calls.REQUEST_RESPONSE]),
    ("item_update", event(_DONE), [calls.SEND_EVENT, calls.SEND_MESSAGE]),
    ("function_call", event("response.output_item.done", item=COMPLETED_CALL), [calls.ANSWER, calls.CANCEL]),
    ("mcp_tools_listed", event(_DONE, item=MCP_LIST_ITEM), [calls.REQUEST_RESPONSE, calls.UPDATE]),
    ("mcp_approval_request", event(_DONE, item=APPROVAL_ITEM), [calls.SEND_APPROVAL, calls.REQUEST_RESPONSE]),
    ("mcp_tool_call_completed", event(_DONE, item=MCP_CALL_ITEM), [calls.REQUEST_RESPONSE, calls.SEND_MESSAGE]),
    ("error", event("error"), [calls.REQUEST_RESPONSE, calls.SEND_EVENT, calls.SEND_CREATE]),
    ("*", event("response.created"), [calls.REQUEST_RESPONSE]),
    ("*", event("session.updated"), [calls.UPDATE, calls.TRACE]),
    ("response.created", event("response.created"), [calls.REQUEST_RESPONSE, calls.CANCEL]),
    ("response.done", event("response.done"), [calls.REQUEST_RESPONSE]),
    ("session.created", event("session.created"), [calls.UPDATE, calls.TRACE, calls.REQUEST_RESPONSE]),
    ("session.updated", event("session.updated"), [calls.TRACE, calls.SEND_SESSION]),
    ("conversation.item.added", event("conversation.item.added"), [RESET, calls.ADD_IMAGE]),
    ("input_audio_buffer.speech_started", event(_SPEECH), [calls.INTERRUPT, calls.CANCEL]),
]


@st.composite
def _heard(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A listener that acts, and the event it waits for."""
    name, kind, actions = draw(st.sampled_from(_LISTENERS))
    action = draw(st.one_of(*actions, *([one({"throw": "no"})] if draw(st.integers(0, 9)) == 0 else [])))
    steps = [{draw(one("on", "once")): name, "as": f"{name} {draw(st.integers(1, 2))}", "do": [action]}]
    return steps + ([{"server": draw(kind)}] if draw(st.booleans()) else [])


HEARD = _heard()

_NAMES = one("custom", "custom", "item_update", "disconnected")
_ARGUMENTS = one([], [1], [{"a": [2]}, "x"], [None])
_LABELS = one("L1", "L2", "L3")


@st.composite
def _emitting(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Listeners that come and go, and events that the caller emits."""
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(2, 8))):
        name, label, other = draw(_NAMES), draw(_LABELS), draw(_LABELS)
        match draw(st.integers(0, 5)):
            case 0:
                steps.append({draw(one("on", "once")): name, "as": f"{label} of {name}"})
            case 1:
                act = draw(
                    one({"off": name, "listener": f"{other} of {name}"}, {"on": name, "as": f"{other} of {name}"})
                )
                steps.append({draw(one("on", "once")): name, "as": f"{label} of {name}", "do": [act]})
            case 2:
                steps.append({"off": name, "listener": f"{label} of {name}"})
            case _:
                steps.append({"call": "emit", "args": [name, *draw(_ARGUMENTS)]})
    return steps


EMITTING = _emitting()
