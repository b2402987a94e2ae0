"""Calls of the transport: messages, outputs, history edits, and the small ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential.configs import CONFIG, TRACING, TURN_DETECTION
from tests.differential.values import (
    CALL_ID,
    FLAG,
    ITEM_ID,
    MAYBE_TEXT,
    MODEL,
    ODD,
    PLAIN_OBJECT,
    TEXT,
    UNDEFINED,
    Values,
    few,
    mapping,
    one,
    rarely,
)


def call(method: str, *args: Values) -> Values:
    """A step that calls a method; trailing arguments that are not given are left out."""

    def made(given: tuple[Any, ...]) -> dict[str, Any]:
        values = list(given)
        while values and values[-1] == UNDEFINED:
            values.pop()
        return {"call": method, "args": values}

    return st.tuples(*args).map(made)


_OMITTED = one(UNDEFINED)
_OTHER_DATA = st.one_of(
    _OMITTED,
    mapping(
        {},
        {
            "event_id": one("mine"),
            "previous_item_id": one("u1", "root", None),
            "item": PLAIN_OBJECT,
            "camelCase": one(1),
        },
    ),
)
_PARTS = few(
    st.one_of(
        mapping({"type": one("input_text"), "text": TEXT}, {"extra": PLAIN_OBJECT}),
        mapping({"type": one("input_audio"), "audio": one("AAAA")}, {"transcript": MAYBE_TEXT}),
        mapping(
            {"type": one("input_image")},
            {
                "image": one("data:image/png;base64,AAAA", "", None, UNDEFINED),
                "image_url": one("data:image/png;base64,BBBB"),
                "detail": one("low"),
                "providerData": one(
                    UNDEFINED, {}, None, {"detail": "high"}, {"image_url": "other"}, {"type": "input_text"}
                ),
            },
        ),
        mapping({"type": one("input_file", "output_text")}, {"text": TEXT, "extra": one(1, None)}),
    )
)
_MESSAGE = rarely(
    TEXT,
    mapping({"type": one("message"), "role": one("user", "system"), "content": _PARTS}, {"itemId": ITEM_ID}),
    2,
)
_TRIGGER = st.one_of(_OMITTED, mapping({}, {"triggerResponse": one(True, False, UNDEFINED)}))
SEND_MESSAGE = call("sendMessage", _MESSAGE, _OTHER_DATA, _TRIGGER)
ADD_IMAGE = call("addImage", one("data:image/png;base64,AAAA", ""), _TRIGGER)

_SOUND = one({"$ramp": 0}, {"$ramp": 1}, {"$ramp": 4800}, {"$ramp": 70_000}, {"$bytes": "AAEC"}, {"$bytes": ""})
SEND_AUDIO = call("sendAudio", _SOUND, st.one_of(_OMITTED, mapping({}, {"commit": one(True, False, UNDEFINED)})))

_FUNCTION_CALL = mapping(
    {"type": one("function_call"), "callId": rarely(one(UNDEFINED, "", None), CALL_ID, 12), "name": TEXT},
    {
        "id": rarely(one(UNDEFINED, None), ITEM_ID),
        "arguments": rarely(one(UNDEFINED, None, {}), one("{}", "", '{"a": 1}')),
        "previousItemId": one("u1", None, "", UNDEFINED),
        "responseId": one("r1"),
    },
)
_OUTPUT = rarely(one(None, 5, {"a": 1}, []), one("done", "", '{"ok": true}'), 14)
SEND_OUTPUT = call("sendFunctionCallOutput", _FUNCTION_CALL, _OUTPUT, one(UNDEFINED, True, False))

ANSWER = call(
    "sendFunctionCallOutput",
    mapping({"type": one("function_call"), "callId": CALL_ID, "id": ITEM_ID, "name": TEXT, "arguments": one("{}")}),
    one("done", ""),
    one(UNDEFINED, True, False),
)

_APPROVAL_REQUEST = mapping(
    {"itemId": rarely(one(UNDEFINED, None), ITEM_ID, 12), "type": one("mcp_approval_request")},
    {"serverLabel": TEXT, "name": TEXT, "arguments": PLAIN_OBJECT, "approved": one(None, True)},
)
SEND_APPROVAL = call("sendMcpResponse", _APPROVAL_REQUEST, FLAG, one(UNDEFINED, UNDEFINED, "because", "", None))

_RESPONSE_OPTIONS = one(
    UNDEFINED,
    {},
    {"instructions": "Be brief."},
    {"conversation": "none", "metadata": {"k": "v"}},
    {"output_modalities": ["text"]},
)
REQUEST_RESPONSE = call("requestResponse", _RESPONSE_OPTIONS)
SEND_CREATE = call(
    "sendEvent",
    mapping(
        {"type": one("response.create")},
        {"event_id": one("mine", "", None, 5), "response": one({}, {"input": []}, None)},
    ),
)
CANCEL = call(
    "sendEvent",
    mapping({"type": one("response.cancel")}, {"event_id": one("mine"), "response_id": one("r1", "r2", "", None)}),
)
SEND_EVENT = call(
    "sendEvent",
    st.one_of(
        mapping(
            {"type": one("conversation.item.delete", "input_audio_buffer.clear")},
            {"item_id": ITEM_ID, "event_id": TEXT},
        ),
        mapping(
            {"type": one("conversation.item.create")}, {"item": PLAIN_OBJECT, "previous_item_id": one("root", None)}
        ),
        mapping(
            {"type": one("conversation.item.truncate")},
            {"item_id": ITEM_ID, "content_index": one(0), "audio_end_ms": one(10)},
        ),
        mapping({"type": one("future.event", "", "response.created")}, {"camelCase": ODD, "event_id": ODD}),
    ),
)
SEND_SESSION = call(
    "sendEvent", mapping({"type": one("session.update"), "session": one({}, {"type": "realtime", "instructions": "x"})})
)

UPDATE = call("updateSessionConfig", CONFIG)
BUILD = call("buildSessionPayload", CONFIG)
TURN = TURN_DETECTION.map(lambda value: {"static_call": "buildTurnDetectionConfig", "args": [value]})
ACCEPT = CONFIG.map(lambda value: {"accept_payload": value})
TRACE = call("_updateTracingConfig", TRACING.filter(lambda value: value != UNDEFINED))
SET_TRACING = TRACING.map(lambda value: {"set": {"_tracingConfig": value}})
INTERRUPT = call("interrupt", one(UNDEFINED, UNDEFINED, True, False, None))
MUTE = call("mute", FLAG)
GET = one({"get": ["status", "currentModel"]}, {"get": ["muted"]})
CLOSE = one({"call": "close", "args": []})
HEARD_AT = one(0, 1, 20, 100, 250, 1000, 5000, None).map(lambda ms: {"heard_ms": ms})
SET_MODEL = MODEL.map(lambda model: {"set": {"currentModel": model}})
FAIL_SENDS = one({"fail_sends": 1}, {"fail_sends": 2})
HOOK = st.one_of(call("_onOpen"), call("_onClose"), call("_onError", PLAIN_OBJECT))
