"""Scenarios of every area, and sessions that mix them: inputs alone, the reference fills in the results."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential import calls
from tests.differential.configs import CONFIG, SMALL_CONFIG, TRACING
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
from tests.differential.values import MODEL, UNDEFINED, WIRE_FORMAT, Values, mapping, one, rarely

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
    named = mapping({}, {"output": one({}, {"format": draw(WIRE_FORMAT)})})
    steps = [{"server": draw(_response("response.created", audio=named))}] if draw(st.integers(0, 3)) else []
    item, index = draw(one("a1", "a1", "a2")), draw(one(0, 0, 1))
    place = {"item_id": st.just(item), "content_index": st.just(index), "response_id": one("r1")}
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


@st.composite
def _heard(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A listener that acts, and the event it waits for."""
    name, kind, actions = draw(
        st.sampled_from(
            [
                ("turn_started", "response.created", [calls.REQUEST_RESPONSE, calls.CANCEL, calls.SEND_MESSAGE]),
                ("turn_done", "response.done", [calls.REQUEST_RESPONSE, calls.SEND_EVENT, calls.UPDATE]),
                ("audio", "response.output_audio.delta", [calls.INTERRUPT]),
                ("audio_done", "response.output_audio.done", [calls.INTERRUPT, calls.REQUEST_RESPONSE]),
                ("response.created", "response.created", [calls.REQUEST_RESPONSE]),
                ("response.done", "response.done", [calls.REQUEST_RESPONSE]),
                ("*", "response.created", [calls.REQUEST_RESPONSE]),
                ("error", "error", [calls.REQUEST_RESPONSE, calls.SEND_EVENT]),
                ("item_deleted", "conversation.item.deleted", [calls.RESET]),
                ("item_update", "conversation.item.done", [calls.SEND_EVENT, calls.SEND_MESSAGE]),
                ("audio_interrupted", "input_audio_buffer.speech_started", [calls.SEND_EVENT, calls.REQUEST_RESPONSE]),
            ]
        )
    )
    action = draw(st.one_of(*actions, *([one({"throw": "no"})] if draw(st.integers(0, 9)) == 0 else [])))
    steps = [{draw(one("on", "once")): name, "as": f"{name} {draw(st.integers(1, 2))}", "do": [action]}]
    return steps + ([{"server": draw(event(kind))}] if draw(st.booleans()) else [])


_HISTORY = st.one_of(
    alone(calls.RESET),
    alone(calls.RESET),
    alone(said(event("conversation.item.deleted"))),
    alone(said(event("conversation.item.added", item=MESSAGE_ITEM))),
    alone(
        said(
            event(
                "error",
                error=mapping(
                    {"event_id": one(*(f"agents_{kind}_{n}" for kind in ("create", "delete") for n in range(1, 6)))}
                ),
            )
        )
    ),
)
_TRACING = st.one_of(
    alone(said(event("session.created", session=SESSION))),
    alone(calls.TRACE),
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
    ANY.map(lambda value: [{"server_batch": [value, value]}]),
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
    _spoken(), _spoken(), _FORMATS, _clock(), alone(calls.INTERRUPT), alone(said(event("response.output_audio.done")))
)

# area -> the fragments its scenarios are made of
FRAGMENTS: dict[str, Steps] = {
    "build_payload": st.one_of(alone(calls.BUILD), alone(calls.BUILD), alone(calls.TURN)),
    "update_session": _UPDATES,
    "tracing": _TRACING,
    "sending": _SENDING,
    "history": _HISTORY,
    "interrupt": _SPOKEN,
    "sequencer": st.one_of(_answered(), _answered(), alone(calls.REQUEST_RESPONSE)),
    "events_conversation": _CONVERSATION,
    "events_mcp": _MCP,
    "events_response": _RESPONSES,
    "events_error": _ERRORS,
    "events_plain": alone(said(ANY)),
    "events_malformed": _MALFORMED,
    "call": _CALL,
    "emitter": st.one_of(_heard(), _heard(), _answered(), _spoken(), _RESPONSES),
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
    _heard(),
    _clock(),
    alone(said(ANY)),
)

# -- how a scenario begins ------------------------------------------------------------------------

_RT = "$SERVER/rt"
_KEYS = one(
    "sk-test",
    "",
    None,
    UNDEFINED,
    {"$function": {"returns": "sk-fn", "as": "apiKey"}},
    {"$function": {"returns": "sk-fn", "async": True, "as": "apiKey"}},
    {"$function": {"returns": "", "as": "apiKey"}},
    {"$function": {"throws": "no key", "as": "apiKey"}},
    {"$function": {"throws": "no key", "async": True, "as": "apiKey"}},
)
_CONNECT_OPTIONS = mapping(
    {},
    {
        "apiKey": rarely(_KEYS, one("sk-test"), 3),
        "url": one(_RT, f"{_RT}?a=b", UNDEFINED, "$CLOSED/rt"),
        "model": rarely(one("", UNDEFINED, None), MODEL),
        "callId": rarely(one("", UNDEFINED, None), one("rtc_1")),
        "initialSessionConfig": CONFIG,
    },
)
_MODES = one(
    "accept",
    "drop",
    {"refuse": {"status": 401, "body": "no"}},
    {"refuse": {"status": 503}},
    {"accept": {"close": {"code": 4000, "reason": "bye"}}},
)


def _connected(config: Values = SMALL_CONFIG) -> Steps:
    return config.map(
        lambda value: [
            {
                "call": "connect",
                "args": [{"apiKey": "sk-test", "url": _RT, "initialSessionConfig": value}],
                "setup": True,
            }
        ]
    )


def _join(call_id: Any) -> dict[str, Any]:
    """A connect to a call, or the attempt of one: without a call there is nothing to join."""
    return {"call": "connect", "args": [{"apiKey": "sk-test", "url": _RT, "callId": call_id}]}


@st.composite
def _connecting(draw: st.DrawFn) -> dict[str, Any]:
    """Connects that come about or do not, ends, and a few words in between."""
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)) == 0:
            steps.append({"server_mode": draw(_MODES)})
        steps.append({"call": "connect", "args": [draw(_CONNECT_OPTIONS)]})
        if draw(st.booleans()):
            steps.append(
                draw(st.one_of(calls.SEND_EVENT, calls.GET, calls.SEND_AUDIO, calls.REQUEST_RESPONSE, calls.CLOSE))
            )
        if draw(st.integers(0, 2)):
            steps.append(draw(calls.CLOSE))
    options = draw(mapping({}, {"apiKey": one("sk-own"), "url": one(_RT), "model": MODEL}))
    return {"area": "connect", "transport": {"options": options}, "steps": steps}


@st.composite
def _first_update(draw: st.DrawFn) -> dict[str, Any]:
    options = {"apiKey": "sk-test", "url": _RT, "initialSessionConfig": draw(CONFIG)}
    steps: list[dict[str, Any]] = [{"call": "connect", "args": [options]}]
    if draw(st.booleans()):
        steps.append({"server": draw(event("session.created"))})
    return {"area": "connect_payload", "steps": steps}


@st.composite
def _session(draw: st.DrawFn, area: str) -> dict[str, Any]:
    """Some fragments of one area, or of all of them."""
    fragments = FRAGMENTS.get(area, _MIXED)
    is_base = area not in ("interrupt", "sequencer", "connect", "call") and draw(st.integers(0, 3)) == 0
    scenario: dict[str, Any] = {"area": area, "steps": []}
    if is_base or area == "build_payload":
        scenario["transport"] = {"class": "base", "options": draw(one({}, {"model": "m-own"}))}
    elif area == "call":
        scenario["transport"] = {"class": "sip", "options": {}}
        scenario["steps"] = (
            [_join(draw(one("rtc_1", "rtc_1", "rtc_1", UNDEFINED, "")))] if draw(st.integers(0, 4)) else []
        )
    elif area == "tracing":
        scenario["steps"] = draw(_connected(TRACING.map(lambda value: {"tracing": value})))
    else:
        scenario["steps"] = draw(_connected())
    for fragment in draw(st.lists(fragments, min_size=2, max_size=6 if area != "mixed" else 12)):
        scenario["steps"] += fragment
    if is_base:
        scenario["steps"] = [step for step in scenario["steps"] if step.get("call") not in ("interrupt", "mute")]
    return _with_clock(scenario)


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
    "connect": _connecting(),
    "connect_payload": _first_update(),
}
