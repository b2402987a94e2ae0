"""Scenarios of every area, and sessions that mix them: inputs alone, the reference fills in the results."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

from tests.differential import calls
from tests.differential.configs import TRACING
from tests.differential.connections import AGAIN, CONNECTIONS, SERVER_CLOSES, connected, join
from tests.differential.events import (
    ANY,
    AUDIO,
    BAD_AUDIO,
    ERROR,
    FUNCTION_CALL_ITEM,
    ITEM,
    MCP_ITEM,
    MESSAGE_ITEM,
    SESSION,
    event,
    malformed,
    of_types,
)
from tests.differential.histories import EDITS, REFUSED, RESET
from tests.differential.listeners import EMITTING, HEARD
from tests.differential.values import UNDEFINED, WIRE_FORMAT, Values, mapping, one, rarely
from tests.kit.golden_values import to_python

Steps = st.SearchStrategy[list[dict[str, Any]]]

_CLOCK = rarely(one(-100, 0.25), one(0, 1, 20, 99.5, 100, 250, 1000, 5000))


def said(events: Values) -> Values:
    """A step in which the server says something."""
    return events.map(lambda value: {"server": value})


def alone(step: Values) -> Steps:
    """A fragment of one step."""
    return step.map(lambda value: [value])


def _clock() -> Steps:
    return _CLOCK.map(lambda ms: [{"clock_after": ms}])


def _response(kind: str, **fields: Values) -> Values:
    return event(kind, response=mapping({"id": one("r1")}, {"status": one("completed", "cancelled"), **fields}))


@st.composite
def _spoken(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A response that speaks: created, audio over time, sometimes its end, sometimes an interruption."""
    named = mapping({"output": one({}, {"format": draw(WIRE_FORMAT)}, {"format": draw(WIRE_FORMAT)})})
    steps = [{"server": draw(_response("response.created", audio=named))}] if draw(st.integers(0, 3)) else []
    item, index = draw(one("a1", "a1", "a2")), draw(one(0, 0, 1))
    place = {"item_id": st.just(item), "content_index": st.just(index), "response_id": one("r1")}
    if draw(st.integers(0, 4)) == 0:
        steps.append(draw(calls.HEARD_AT))
    for _ in range(draw(st.integers(1, 3))):
        steps.append({"server": draw(event("response.output_audio.delta", delta=AUDIO, **place))})
        if draw(st.booleans()):
            steps.append({"clock_after": draw(_CLOCK)})
    ending = draw(st.sets(st.sampled_from(["audio", "speech", "interrupt", "done", "late"])))
    if "audio" in ending:
        steps.append({"server": draw(event("response.output_audio.done", **place))})
    if "speech" in ending:
        steps.append({"server": draw(event("input_audio_buffer.speech_started"))})
    if "interrupt" in ending:
        steps.append(draw(calls.INTERRUPT))
    if "late" in ending and not {"speech", "interrupt"} & ending:
        steps.append({"server": draw(event("response.output_audio.delta", delta=AUDIO, **place))})
    if "done" in ending:
        steps.append({"server": draw(_response("response.done"))})
    return steps


@st.composite
def _answered(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Requests for responses, and what the server makes of them, one response at a time."""
    asking = st.one_of(calls.REQUEST_RESPONSE, calls.SEND_CREATE, calls.SEND_OUTPUT, calls.SEND_MESSAGE)
    steps = [draw(asking) for _ in range(draw(st.integers(1, 3)))]
    match draw(st.integers(0, 4)):
        case 0:
            steps.append({"server": draw(event("error", error=ERROR))})
        case 1:
            steps.append({"server": draw(_response("response.created"))})
            steps += [draw(st.one_of(asking, calls.CANCEL)) for _ in range(draw(st.integers(0, 2)))]
        case _:
            steps.append({"server": draw(_response("response.created"))})
            steps += [draw(st.one_of(asking, calls.CANCEL)) for _ in range(draw(st.integers(0, 2)))]
            steps.append({"server": draw(_response("response.done"))})
    return steps


_HISTORY = st.one_of(
    EDITS,
    EDITS,
    alone(RESET),
    alone(said(event("conversation.item.deleted"))),
    alone(said(event("conversation.item.added", item=MESSAGE_ITEM))),
    alone(said(REFUSED)),
    AGAIN,
)
_TRACING = st.one_of(
    alone(said(event("session.created", session=SESSION))),
    alone(calls.TRACE),
    st.tuples(calls.TRACE, calls.TRACE).map(list),
    alone(calls.SET_TRACING),
    alone(said(event("session.updated"))),
)
_CONVERSATION = alone(said(of_types("conversation.")))
_MCP = alone(
    said(
        st.one_of(
            st.sampled_from(
                ["conversation.item.added", "conversation.item.done", "conversation.item.retrieved"]
            ).flatmap(lambda kind: event(kind, item=MCP_ITEM)),
            *(event(kind, item=MCP_ITEM) for kind in ("response.output_item.added", "response.output_item.done")),
            of_types("mcp", "response.mcp"),
        )
    )
)
_RESPONSES = alone(
    said(
        st.one_of(
            *(
                event(kind, item=st.one_of(ITEM, FUNCTION_CALL_ITEM))
                for kind in ("response.output_item.added", "response.output_item.done")
            ),
            of_types("response."),
        )
    )
)
_ERRORS = alone(said(event("error", error=ERROR)))
_FORMATS = alone(
    said(
        event(
            "session.updated",
            session=mapping(
                {
                    "audio": mapping(
                        {"output": mapping({"format": WIRE_FORMAT})},
                        {"input": one({"turn_detection": {"interrupt_response": True}})},
                    )
                }
            ),
        )
    )
)
_MALFORMED = st.one_of(
    alone(said(malformed(ANY))),
    alone(said(event("response.output_audio.delta", delta=BAD_AUDIO))),
    alone(said(malformed(ANY))),
    one(
        "not json",
        "[]",
        "null",
        '"text"',
        "5",
        '{"type": 5}',
        '{"no": "type"}',
        '{"type": ""}',
        '{"type": "connected"}',
        "{",
    ).map(lambda text: [{"server_text": text}]),
    st.lists(ANY, min_size=2, max_size=3).map(lambda values: [{"server_batch": values}]),
    ANY.map(lambda value: [{"server_binary": b64encode(json.dumps(to_python(value)).encode()).decode()}]),
)
_SENDING = st.one_of(
    *map(
        alone,
        (
            calls.SEND_MESSAGE,
            calls.ADD_IMAGE,
            calls.SEND_AUDIO,
            calls.SEND_OUTPUT,
            calls.SEND_APPROVAL,
            calls.SEND_EVENT,
            calls.GET,
            calls.MUTE,
        ),
    )
)
_CALL = st.one_of(
    alone(calls.ACCEPT),
    alone(calls.INTERRUPT),
    alone(calls.INTERRUPT),
    _spoken(),
    _answered(),
    alone(said(event("input_audio_buffer.speech_started"))),
    alone(calls.SEND_AUDIO),
    alone(calls.CLOSE),
    _FORMATS,
    _clock(),
)
_UPDATES = st.one_of(
    alone(calls.UPDATE), alone(calls.UPDATE), alone(calls.SEND_SESSION), alone(said(event("session.updated")))
)
_SPOKEN = st.one_of(
    _spoken(),
    _spoken(),
    _FORMATS,
    _clock(),
    alone(calls.INTERRUPT),
    alone(calls.HEARD_AT),
    alone(said(of_types("session.", "response.created", "response.done", "conversation.item.truncated"))),
    AGAIN,
    alone(said(event("response.output_audio.done"))),
)

_BASE = st.one_of(
    *map(
        alone,
        (
            calls.SEND_MESSAGE,
            calls.ADD_IMAGE,
            calls.SEND_AUDIO,
            calls.SEND_OUTPUT,
            calls.SEND_APPROVAL,
            RESET,
            calls.REQUEST_RESPONSE,
            calls.UPDATE,
            calls.TRACE,
            calls.SET_MODEL,
            calls.SET_TRACING,
            calls.GET,
        ),
    ),
    st.tuples(
        calls.FAIL_SENDS,
        st.one_of(calls.SEND_MESSAGE, RESET, calls.SEND_OUTPUT, said(ANY)),
        one({"fail_sends": 0}),
    ).map(list),
    alone(calls.HOOK),
    alone(said(ANY)),
    HEARD,
)

# area -> the fragments its scenarios are made of
FRAGMENTS: dict[str, Steps] = {
    "build_payload": st.one_of(alone(calls.BUILD), alone(calls.BUILD), alone(calls.TURN)),
    "update_session": _UPDATES,
    "tracing": st.one_of(_TRACING, _TRACING, _TRACING, _TRACING, _UPDATES, AGAIN),
    "sending": _SENDING,
    "history": _HISTORY,
    "interrupt": _SPOKEN,
    "sequencer": st.one_of(*[_answered()] * 4, *[alone(calls.REQUEST_RESPONSE)] * 2, _spoken(), _ERRORS, AGAIN),
    "events_conversation": _CONVERSATION,
    "events_mcp": _MCP,
    "events_response": _RESPONSES,
    "events_error": _ERRORS,
    "events_plain": alone(said(ANY)),
    "events_malformed": _MALFORMED,
    "call": _CALL,
    "emitter": st.one_of(HEARD, HEARD, HEARD, EMITTING, _answered(), _spoken(), _RESPONSES),
    "base": _BASE,
}
_MIXED = st.one_of(
    _SENDING,
    _HISTORY,
    _SPOKEN,
    _answered(),
    _CONVERSATION,
    _MCP,
    _RESPONSES,
    _ERRORS,
    _UPDATES,
    _TRACING,
    HEARD,
    _clock(),
    alone(said(ANY)),
    st.one_of(AGAIN, AGAIN, alone(calls.CLOSE), SERVER_CLOSES),
)


@st.composite
def _session(draw: st.DrawFn, area: str) -> dict[str, Any]:
    """Some fragments of one area, or of all of them."""
    fragments = FRAGMENTS.get(area, _MIXED)
    is_base = area not in ("interrupt", "sequencer", "connect", "call") and draw(st.integers(0, 3)) == 0
    scenario: dict[str, Any] = {"area": area, "steps": []}
    if is_base or area in ("base", "build_payload"):
        scenario["transport"] = {"class": "base", "options": draw(one({}, {"model": "m-own"}))}
    elif area == "call":
        scenario["transport"] = {"class": "sip", "options": {}}
        scenario["steps"] = (
            [join(draw(one("rtc_1", "rtc_1", "rtc_1", UNDEFINED, "")))] if draw(st.integers(0, 4)) else []
        )
    elif area == "tracing":
        scenario["steps"] = draw(connected(TRACING.map(lambda value: {"tracing": value})))
    else:
        scenario["steps"] = draw(connected())
    for fragment in draw(st.lists(fragments, min_size=2, max_size=6 if area != "mixed" else 12)):
        scenario["steps"] += fragment
    if "transport" in scenario and area != "call":
        scenario["steps"] = [step for step in scenario["steps"] if _fits_base(step)]
    return _with_clock(scenario)


def _fits_base(step: dict[str, Any]) -> bool:
    return step.get("call") not in ("interrupt", "mute", "connect") and not {"heard_ms", "server_close"} & step.keys()


def _with_clock(scenario: dict[str, Any]) -> dict[str, Any]:
    now, steps = 1_000_000.0, []
    for step in scenario["steps"]:
        if "clock_after" in step:
            now += step["clock_after"]
            steps.append({"clock_ms": now})
        else:
            steps.append(step)
    return {**scenario, "steps": steps}


AREAS: dict[str, Values] = {
    **{area: _session(area) for area in (*FRAGMENTS, "mixed")},
    **CONNECTIONS,
}
