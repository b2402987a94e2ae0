"""Server events: one row of fields for each type, well-formed, or with one field gone or odd."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential.values import (
    CALL_ID,
    FLAG,
    INDEX,
    ITEM_ID,
    MAYBE_TEXT,
    ODD,
    PLAIN_OBJECT,
    RESPONSE_ID,
    TEXT,
    UNDEFINED,
    WIRE_FORMAT,
    Values,
    few,
    mapping,
    one,
    rarely,
)

_LENGTH = one(0, 2, 48, 480, 4800, 4801, 24000, 48048)
AUDIO = rarely(one("", "", "AAAA AAAA", "AAA", "AA=="), _LENGTH.map(lambda length: {"$base64_zeros": length}), 8)
BAD_AUDIO = one("A", "_-8=", "AAA*", "=", "AA=A")

_TOKENS = one(0, 7, 12.5)
_USAGE = mapping(
    {},
    {
        "input_tokens": _TOKENS,
        "output_tokens": _TOKENS,
        "total_tokens": _TOKENS,
        "input_token_details": one({}, {"text_tokens": 3, "cached_tokens_details": {"text_tokens": 1}}, None),
        "output_token_details": one({}, {"audio_tokens": 2}, None),
        "extra": PLAIN_OBJECT,
    },
)
_STATUS = one("completed", "in_progress", "incomplete")
_PART = mapping(
    {"type": one("input_text", "input_audio", "output_text", "output_audio", "audio", "item_reference", "input_image")},
    {"text": MAYBE_TEXT, "transcript": MAYBE_TEXT, "audio": one("AAAA", None, ""), "id": TEXT, "extra": PLAIN_OBJECT},
)
_GOOD_PARTS = {
    "user": st.one_of(
        mapping({"type": one("input_text"), "text": TEXT}, {"transcript": MAYBE_TEXT, "extra": PLAIN_OBJECT}),
        mapping(
            {"type": one("input_audio"), "transcript": one("so", None, "")}, {"audio": one("AAAA", None), "text": TEXT}
        ),
    ),
    "assistant": st.one_of(
        mapping({"type": one("output_text"), "text": TEXT}, {"annotations": PLAIN_OBJECT, "audio": one("AAAA")}),
        mapping(
            {"type": one("output_audio", "audio")},
            {"transcript": one("so", None, ""), "audio": one("AAAA", None), "text": TEXT, "format": WIRE_FORMAT},
        ),
    ),
    "system": mapping({"type": one("input_text"), "text": TEXT}, {"audio": one("AAAA")}),
}


def _message(role: str) -> Values:
    return mapping(
        {
            "id": ITEM_ID,
            "type": one("message"),
            "role": one(role),
            "content": few(rarely(_PART, _GOOD_PARTS[role])),
        },
        {"status": _STATUS, "object": one("realtime.item"), "phase": one("final_answer"), "extra": PLAIN_OBJECT},
    )


_MESSAGE = st.one_of(_message("user"), _message("assistant"), _message("system"))
_ARGUMENTS = one('{"a": 1}', "{}", "", "not json", "[1]", "null", '"x"')
_FUNCTION_CALL = mapping(
    {"type": one("function_call"), "id": ITEM_ID, "name": TEXT, "arguments": _ARGUMENTS},
    {"status": _STATUS, "call_id": CALL_ID, "output": one(None, "x"), "extra": PLAIN_OBJECT},
)
MCP_CALL_ITEM = mapping(
    {"type": one("mcp_call", "mcp_tool_call"), "id": ITEM_ID, "name": TEXT, "arguments": _ARGUMENTS},
    {
        "output": one("done", "", None),
        "status": _STATUS,
        "error": one(None, {"type": "tool_error"}, "bad"),
        "server_label": TEXT,
        "approval_request_id": one("m1", None),
    },
)
MCP_LIST_ITEM = mapping(
    {"type": one("mcp_list_tools"), "id": ITEM_ID},
    {
        "server_label": rarely(one("", UNDEFINED), one("docs")),
        "tools": few(
            mapping(
                {"name": TEXT, "description": rarely(one(UNDEFINED, None), TEXT)},
                {"input_schema": one({}, {"type": "object"}), "annotations": PLAIN_OBJECT},
            )
        ),
    },
)
APPROVAL_ITEM = mapping(
    {"type": one("mcp_approval_request"), "id": ITEM_ID, "name": TEXT, "server_label": one("docs", "")},
    {"arguments": _ARGUMENTS, "approved": one(True, False, None), "extra": PLAIN_OBJECT},
)
_OTHER_ITEM = mapping(
    {"type": one("function_call_output", "mcp_approval_response", "future_item", None)},
    {"id": ITEM_ID, "call_id": CALL_ID, "output": one("x", None), "approve": FLAG, "reason": MAYBE_TEXT},
)
# The catalog of odd items: any part of them may be missing.
_LOOSE_ITEM = mapping(
    {"type": one("message", "function_call", "mcp_call", "mcp_list_tools", "mcp_approval_request")},
    {
        "id": ITEM_ID,
        "role": one("user", "assistant", "system"),
        "content": few(_PART),
        "status": _STATUS,
        "name": TEXT,
        "arguments": _ARGUMENTS,
        "call_id": CALL_ID,
        "output": one("x", None),
        "server_label": TEXT,
        "approved": one(True, None, 1),
    },
)
ITEM = st.one_of(
    _MESSAGE, _MESSAGE, _FUNCTION_CALL, MCP_CALL_ITEM, MCP_LIST_ITEM, APPROVAL_ITEM, _OTHER_ITEM, _LOOSE_ITEM
)
MCP_ITEM = st.one_of(MCP_CALL_ITEM, MCP_LIST_ITEM, APPROVAL_ITEM, rarely(_LOOSE_ITEM, MCP_CALL_ITEM, 3))
MESSAGE_ITEM = _MESSAGE
FUNCTION_CALL_ITEM = rarely(_LOOSE_ITEM, _FUNCTION_CALL)
COMPLETED_CALL = mapping(
    {
        "type": one("function_call"),
        "id": ITEM_ID,
        "name": TEXT,
        "arguments": _ARGUMENTS,
        "call_id": CALL_ID,
        "status": one("completed"),
    }
)

RESPONSE = mapping(
    {"id": rarely(one(None, UNDEFINED), RESPONSE_ID, 15)},
    {
        "object": one("realtime.response"),
        "conversation_id": rarely(one(None), one("conv_1"), 6),
        "status": one("completed", "incomplete", "failed", "cancelled", "in_progress", None),
        "status_details": one(None, {"type": "failed", "error": {"code": "x"}}),
        "output": few(PLAIN_OBJECT),
        "usage": st.one_of(one(None), _USAGE),
        "audio": one(None, {}, {"output": None}, {"output": {}}),
        "metadata": one(None, {"k": "v"}),
        "max_output_tokens": one("inf", 10, None),
        "output_modalities": one(["audio"], None),
        "extra": PLAIN_OBJECT,
    },
)
SESSION = mapping(
    {},
    {
        "type": one("realtime", "transcription", "translation"),
        "model": one("gpt-realtime-2.1"),
        "tracing": one(None, "auto", {}, {"workflow_name": "w"}, {"workflow_name": "w", "group_id": "g"}),
        "audio": st.one_of(
            one(None, {}, {"output": None, "input": None}),
            mapping(
                {},
                {
                    "output": mapping({}, {"format": WIRE_FORMAT}),
                    "input": mapping(
                        {},
                        {
                            "turn_detection": one(
                                None,
                                {"type": "server_vad"},
                                {"type": "server_vad", "interrupt_response": True},
                                {"type": "server_vad", "interrupt_response": False},
                                {"type": "server_vad", "interrupt_response": None},
                            )
                        },
                    ),
                },
            ),
        ),
    },
)
_LINK = one(
    "agents_js_response_create_1",
    "agents_js_response_create_2",
    "agents_create_1",
    "agents_delete_1",
    "agents_create_2",
)
ERROR = st.one_of(
    mapping(
        {},
        {
            "type": one("invalid_request_error", None),
            "code": one(
                "response_create_failed",
                "item_not_found",
                "response_cancel_not_active",
                "conversation_already_has_active_response",
                None,
                "",
            ),
            "message": one("response.create failed", "something else", "", None, 5),
            "event_id": rarely(_LINK, one("", None, "mine", "other"), 3),
            "param": one(None, "response.audio", "session"),
        },
    ),
    one(None, "text", [], 0, {}, {"event_id": 5}, {"message": {"a": 1}}, True),
)
_PLACE = {"previous_item_id": one("u1", "a1", "", None, "unknown")}
_STREAM = {"item_id": ITEM_ID, "response_id": RESPONSE_ID, "output_index": INDEX, "content_index": INDEX}
_CALL_STREAM = {"item_id": ITEM_ID, "response_id": RESPONSE_ID, "output_index": INDEX}
_MILLISECONDS = one(0, 100, 1500)
_CONTENT_PART = mapping(
    {"type": one("text", "audio", "output_text")}, {"text": TEXT, "transcript": TEXT, "audio": one("AAAA")}
)
_LIMITS = few(
    mapping({}, {"name": one("tokens", "requests"), "limit": one(100), "remaining": one(5), "reset_seconds": one(0.5)})
)
_TRANSCRIPTION_USAGE = one(UNDEFINED, {"type": "duration", "seconds": 2.5})

# type -> required fields, optional fields
EVENTS: dict[str, tuple[dict[str, Values], dict[str, Values]]] = {
    "session.created": ({"session": SESSION}, {}),
    "session.updated": ({"session": SESSION}, {}),
    "conversation.created": ({"conversation": mapping({}, {"id": TEXT, "object": one("realtime.conversation")})}, {}),
    "conversation.item.added": ({"item": ITEM}, _PLACE),
    "conversation.item.done": ({"item": ITEM}, _PLACE),
    "conversation.item.retrieved": ({"item": ITEM}, _PLACE),
    "conversation.item.created": ({"item": ITEM}, _PLACE),
    "conversation.item.deleted": ({"item_id": ITEM_ID}, {}),
    "conversation.item.truncated": ({"item_id": ITEM_ID, "content_index": INDEX, "audio_end_ms": _MILLISECONDS}, {}),
    "conversation.item.input_audio_transcription.completed": (
        {"item_id": ITEM_ID, "content_index": INDEX, "transcript": TEXT},
        {"usage": _TRANSCRIPTION_USAGE, "logprobs": one(None, [])},
    ),
    "conversation.item.input_audio_transcription.delta": (
        {"item_id": ITEM_ID},
        {"content_index": INDEX, "delta": TEXT},
    ),
    "conversation.item.input_audio_transcription.failed": (
        {"item_id": ITEM_ID, "content_index": INDEX, "error": one({}, {"code": "x", "message": "y"})},
        {},
    ),
    "input_audio_buffer.committed": ({"item_id": ITEM_ID}, _PLACE),
    "input_audio_buffer.cleared": ({}, {}),
    "input_audio_buffer.speech_started": ({"item_id": ITEM_ID, "audio_start_ms": _MILLISECONDS}, {}),
    "input_audio_buffer.speech_stopped": ({"item_id": ITEM_ID, "audio_end_ms": _MILLISECONDS}, {}),
    "input_audio_buffer.timeout_triggered": ({"item_id": ITEM_ID}, {}),
    "output_audio_buffer.started": ({}, {"response_id": RESPONSE_ID}),
    "output_audio_buffer.stopped": ({}, {"response_id": RESPONSE_ID}),
    "output_audio_buffer.cleared": ({}, {"response_id": RESPONSE_ID}),
    "rate_limits.updated": ({"rate_limits": _LIMITS}, {}),
    "response.created": ({"response": RESPONSE}, {}),
    "response.done": ({"response": RESPONSE}, {}),
    "response.output_item.added": ({"item": ITEM, "output_index": INDEX, "response_id": RESPONSE_ID}, {}),
    "response.output_item.done": ({"item": ITEM, "output_index": INDEX, "response_id": RESPONSE_ID}, {}),
    "response.content_part.added": ({**_STREAM, "part": _CONTENT_PART}, {}),
    "response.content_part.done": ({**_STREAM, "part": _CONTENT_PART}, {}),
    "response.output_audio.delta": ({**_STREAM, "delta": AUDIO}, {}),
    "response.output_audio.done": (_STREAM, {}),
    "response.output_audio_transcript.delta": ({**_STREAM, "delta": TEXT}, {"obfuscation": TEXT}),
    "response.output_audio_transcript.done": ({**_STREAM, "transcript": TEXT}, {}),
    "response.output_text.delta": ({**_STREAM, "delta": TEXT}, {}),
    "response.output_text.done": ({**_STREAM, "text": TEXT}, {}),
    "response.function_call_arguments.delta": ({**_CALL_STREAM, "call_id": CALL_ID, "delta": TEXT}, {}),
    "response.function_call_arguments.done": ({**_CALL_STREAM, "call_id": CALL_ID, "arguments": TEXT}, {}),
    "response.mcp_call_arguments.delta": ({**_CALL_STREAM, "delta": TEXT, "obfuscation": TEXT}, {}),
    "response.mcp_call_arguments.done": ({**_CALL_STREAM, "arguments": TEXT}, {}),
    "response.mcp_call.in_progress": ({"item_id": ITEM_ID, "output_index": INDEX}, {}),
    "response.mcp_call.completed": ({"item_id": ITEM_ID, "output_index": INDEX}, {}),
    "response.mcp_call.failed": ({"item_id": ITEM_ID, "output_index": INDEX}, {}),
    "mcp_list_tools.in_progress": ({}, {"item_id": ITEM_ID}),
    "mcp_list_tools.completed": ({}, {"item_id": ITEM_ID}),
    "mcp_list_tools.failed": ({}, {"item_id": ITEM_ID}),
    "error": ({"error": ERROR}, {}),
    "some.future_event": ({}, {"item_id": ITEM_ID, "extra": PLAIN_OBJECT}),
}


def event(kind: str, **fields: Values) -> Values:
    """A well-formed event of one type; `fields` replace those of its row."""
    required, optional = EVENTS[kind]
    replaced = {name: value for name, value in required.items() if name not in fields} | fields
    left = {name: value for name, value in optional.items() if name not in fields}
    return mapping(
        {"type": st.just(kind), "event_id": one("event_1", "event_2"), **replaced},
        {**left, "extra_field": PLAIN_OBJECT},
    )


@st.composite
def malformed(draw: st.DrawFn, events: Values) -> Any:
    """An event in which one field is missing or is not what it should be."""
    spoiled = dict(draw(events))
    name = draw(st.sampled_from([name for name in spoiled if name != "type"]))
    if draw(FLAG):
        del spoiled[name]
    else:
        spoiled[name] = draw(ODD)
    return spoiled


_PLAIN = {kind: event(kind) for kind in EVENTS}


def of_types(*starts: str) -> Values:
    """Well-formed events whose type begins with one of these."""
    return st.one_of(*(events for kind, events in _PLAIN.items() if kind.startswith(starts)))


ANY = of_types("")
