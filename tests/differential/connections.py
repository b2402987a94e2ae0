"""Connections that come about or do not, and how they end: whole scenarios, and the step that others begin with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential import calls
from tests.differential.configs import CONFIG, SMALL_CONFIG
from tests.differential.events import event
from tests.differential.values import MODEL, UNDEFINED, Values, mapping, one, rarely

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
_MODELS = rarely(one("", UNDEFINED, None, "a&b=c", "m/ü #1"), MODEL)
_CALLS = rarely(one("", UNDEFINED, None, "rtc 1&2"), one("rtc_1"))
_OPTIONS = mapping(
    {},
    {
        "apiKey": rarely(_KEYS, one("sk-test"), 3),
        "url": one(_RT, f"{_RT}?a=b", UNDEFINED, "$CLOSED/rt"),
        "model": _MODELS,
        "callId": _CALLS,
        "initialSessionConfig": rarely(one(None, UNDEFINED, {}), CONFIG),
    },
)
_REFUSALS: list[Any] = ["drop", {"refuse": {"status": 401, "body": "no"}}, {"refuse": {"status": 503}}]
_MODES = one("accept", *_REFUSALS, {"accept": {"close": {"code": 4000, "reason": "bye"}}})
_IN_BETWEEN = st.one_of(
    calls.SEND_EVENT,
    calls.GET,
    calls.SEND_AUDIO,
    calls.REQUEST_RESPONSE,
    calls.UPDATE,
    calls.SEND_OUTPUT,
    calls.INTERRUPT,
    calls.CLOSE,
)
_OWN = {"apiKey": one("sk-own"), "url": one(_RT), "model": MODEL}


def connected(config: Values = SMALL_CONFIG) -> Values:
    """The usual first step."""
    return config.map(
        lambda value: [
            {
                "call": "connect",
                "args": [{"apiKey": "sk-test", "url": _RT, "initialSessionConfig": value}],
                "setup": True,
            }
        ]
    )


AGAIN = connected().map(lambda steps: [{"call": "close", "args": []}, *steps])
SERVER_CLOSES = one(1000, 1011, 4000).map(lambda code: [{"server_close": {"code": code, "reason": "bye"}}])


def join(call_id: Any) -> dict[str, Any]:
    """A connect to a call, or the attempt of one: without a call there is nothing to join."""
    return {"call": "connect", "args": [{"apiKey": "sk-test", "url": _RT, "callId": call_id}]}


@st.composite
def _connecting(draw: st.DrawFn) -> dict[str, Any]:
    """Connects that come about or do not, ends, and a few words in between."""
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)) == 0:
            steps.append({"server_mode": draw(_MODES)})
        if draw(st.integers(0, 9)) == 0:
            steps.append({"set": {"currentModel": draw(MODEL)}})
        steps.append({"call": "connect", "args": [draw(_OPTIONS)]})
        if draw(st.booleans()):
            steps.append(draw(_IN_BETWEEN))
        if draw(st.integers(0, 2)) or steps[-1].get("set"):
            steps.append({"call": "close", "args": []})
    scenario = {"area": "connect", "transport": {"options": draw(mapping({}, _OWN))}, "steps": steps}
    return {**scenario, "env": {"OPENAI_API_KEY": "sk-env"}} if draw(st.integers(0, 7)) == 0 else scenario


@st.composite
def _first_update(draw: st.DrawFn) -> dict[str, Any]:
    options = {"apiKey": "sk-test", "url": _RT, "initialSessionConfig": draw(CONFIG)}
    steps: list[dict[str, Any]] = [{"call": "connect", "args": [options]}]
    if draw(st.booleans()):
        steps.append({"server": draw(event("session.created"))})
    return {"area": "connect_payload", "steps": steps}


_AGAIN = {"start": "connect", "args": [{"apiKey": "sk-again", "url": "$SERVER/again"}], "as": "again"}
_AT_A_CHANGE = st.one_of(
    one({"call": "close", "args": []}, {"call": "close", "args": []}, {"throw": "no"}),
    calls.REQUEST_RESPONSE,
    calls.SEND_EVENT,
)


@st.composite
def _listening(draw: st.DrawFn) -> dict[str, Any]:
    """A listener of how the connection stands; in the end of one a next one may begin."""
    name = draw(one("connected", "connection_change", "disconnected", "error"))
    is_end = name == "disconnected" and draw(st.booleans())
    return {"once": name, "as": f"at {name}", "do": [_AGAIN if is_end else draw(_AT_A_CHANGE)]}


@st.composite
def _held_back(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """A connect that has to wait, for its key or for the server's answer, and what happens meanwhile."""
    name, key = f"c{number}", f"k{number}"
    waits_for_key = draw(st.booleans())
    held = {"$function": {"hold": key, "returns": "sk-late", "as": "apiKey"}}
    options = {"apiKey": held if waits_for_key else "sk-test", "url": _RT} | draw(mapping({}, {"model": MODEL}))
    steps: list[dict[str, Any]] = [] if waits_for_key else [{"server_mode": "hold"}]
    steps.append({"start": "connect", "args": [options], "as": name})
    steps += draw(st.lists(_IN_BETWEEN, max_size=2))
    steps.append({"release": key} if waits_for_key else {"server_release": draw(one("accept", "accept", "drop"))})
    return [*steps, {"await": name}]


@st.composite
def _living(draw: st.DrawFn) -> dict[str, Any]:
    """A transport's life: connections that are held back, given up, closed from either side, and made again."""
    steps = [draw(_listening())] if draw(st.booleans()) else []
    for number in range(draw(st.integers(1, 2))):
        if draw(st.booleans()):
            steps += draw(_held_back(number))
        else:
            steps.append({"call": "connect", "args": [{"apiKey": "sk-test", "url": _RT}]})
        steps += draw(st.lists(st.one_of(_IN_BETWEEN, calls.SEND_MESSAGE), max_size=2))
        end = one(
            {"call": "close", "args": []},
            {"server_close": {"code": draw(one(1000, 1011, 4000)), "reason": draw(one("", "bye"))}},
            {"server_abort": True},
        )
        steps.append(draw(end))
    steps.append({"get": ["status", "currentModel"]})
    return {"area": "connect_lifecycle", "transport": {"options": draw(mapping({}, _OWN))}, "steps": steps}


@st.composite
def _made_elsewhere(draw: st.DrawFn) -> dict[str, Any]:
    """A socket that the caller makes."""
    how = draw(one({"socket": {}}, {"socket": {"already_open": True}}, {"socket": {}, "throws": "no socket"}))
    made: dict[str, Any] = {"createWebSocket": {"$function": {"as": "createWebSocket", **how}}}
    is_open = how["socket"] and "throws" not in how
    own = draw(mapping({}, _OWN))
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 2))):
        options = mapping({"apiKey": one("sk-test")}, {"url": one(_RT), "model": MODEL, "callId": one("rtc_1")})
        steps.append({"call": "connect", "args": [draw(options)]})
        steps += draw(st.lists(st.one_of(_IN_BETWEEN, calls.SEND_MESSAGE), max_size=2))
        steps.append({"call": "close", "args": []})
    made = {**own, **made, **({"skipOpenEventListeners": True} if is_open else {})}
    return {"area": "create_websocket", "transport": {"options": made}, "steps": steps}


CONNECTIONS: dict[str, Values] = {
    "connect": _connecting(),
    "connect_payload": _first_update(),
    "connect_lifecycle": _living(),
    "create_websocket": _made_elsewhere(),
}
