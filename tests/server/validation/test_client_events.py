"""What of a client event is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.playbook import Playbook, user

UPDATE = "session.update"
CREATE = "conversation.item.create"
RESPOND = "response.create"


def session(**fields: Any) -> dict[str, Any]:
    return {"session": {"type": "realtime", **fields}}


def audio_in(**fields: Any) -> dict[str, Any]:
    return session(audio={"input": fields})


# (event type, fields, code, param, what the message has)
REFUSALS: list[tuple[str, dict[str, Any], str | None, str | None, str]] = [
    (UPDATE, {}, "missing_required_parameter", "session", "'session'"),
    (UPDATE, {"session": {}}, "missing_required_parameter", "session.type", "'session.type'."),
    (UPDATE, {"session": {"type": "x"}}, "invalid_value", "session.type", "'realtime' and 'transcription'"),
    (UPDATE, {"session": "x"}, "invalid_type", "session", "expected an object, but got a string instead"),
    (UPDATE, session(bogus_field=1), "unknown_parameter", "session.bogus_field", "'session.bogus_field'."),
    (UPDATE, session(temperature=0.8), "unknown_parameter", "session.temperature", "Unknown parameter"),
    (UPDATE, session(voice="ash"), "unknown_parameter", "session.voice", "Unknown parameter"),
    (UPDATE, session(output_modalities=["text", "audio"]), "invalid_value", "session.output_modalities", "['text']"),
    (UPDATE, session(output_modalities=["smell"]), "invalid_value", "session.output_modalities[0]", "'smell'"),
    (UPDATE, session(instructions=7), "invalid_type", "session.instructions", "got an integer instead"),
    (UPDATE, session(max_output_tokens=0), "integer_below_min_value", "session.max_output_tokens", ">= 1"),
    (UPDATE, session(max_output_tokens=5000), "integer_above_max_value", "session.max_output_tokens", "<= 4096"),
    (UPDATE, session(max_output_tokens="many"), "invalid_value", "session.max_output_tokens", "'inf'"),
    (UPDATE, session(tools=[{"type": "function"}]), "missing_required_parameter", "session.tools[0].name", "name"),
    (
        UPDATE,
        session(tools=[{"type": "function", "name": "a"}, {"type": "function", "name": "b", "meta": 1}]),
        "unknown_parameter",
        "session.tools[1].meta",
        "'session.tools[1].meta'.",
    ),
    (UPDATE, session(tools={}), "invalid_type", "session.tools", "an array of objects"),
    (
        UPDATE,
        session(tool_choice={"type": "function"}),
        "missing_required_parameter",
        "session.tool_choice.name",
        "'session.tool_choice.name'.",
    ),
    (UPDATE, session(tool_choice="maybe"), "invalid_value", "session.tool_choice", "'none', 'auto', and 'required'"),
    (UPDATE, session(tracing="on"), "invalid_value", "session.tracing", "'auto'"),
    (UPDATE, session(truncation={"type": "retention_ratio"}), "missing_required_parameter", None, "retention_ratio"),
    (UPDATE, session(include=["x"]), "invalid_value", "session.include[0]", "logprobs"),
    (UPDATE, session(audio={"output": {"voice": "bob"}}), "invalid_value", "session.audio.output.voice", "'cedar'"),
    (UPDATE, session(audio={"output": {"speed": 2}}), "decimal_above_max_value", "session.audio.output.speed", "1.5"),
    (
        UPDATE,
        session(audio={"output": {"speed": 0.1}}),
        "decimal_below_min_value",
        "session.audio.output.speed",
        "0.25",
    ),
    *(
        (UPDATE, session(tools=[{"type": "function", "name": name}]), code, "session.tools[0].name", why)
        for name, code, why in (
            ("get weather", "invalid_value", "'^[a-zA-Z0-9_-]+$'"),
            ("médico", "invalid_value", "does not match pattern"),
            ("", "invalid_value", "does not match pattern"),
            ("x" * 65, "string_above_max_length", "64"),
        )
    ),
    (UPDATE, session(parallel_tool_calls="yes"), "invalid_type", "session.parallel_tool_calls", "a boolean"),
    (UPDATE, audio_in(format={"type": "audio/mp3"}), "invalid_value", "session.audio.input.format.type", "audio/pcma"),
    (
        UPDATE,
        audio_in(format={"type": "audio/pcm", "rate": 16_000}),
        "integer_below_min_value",
        "session.audio.input.format.rate",
        "Expected a value >= 24000",
    ),
    (UPDATE, audio_in(turn_detection={}), "missing_required_parameter", "session.audio.input.turn_detection.type", ""),
    (
        UPDATE,
        audio_in(turn_detection={"type": "server_vad", "eagerness": "low"}),
        "unknown_parameter",
        None,
        "eagerness",
    ),
    (UPDATE, audio_in(turn_detection={"type": "server_vad", "threshold": 2}), "decimal_above_max_value", None, "1.0"),
    (UPDATE, audio_in(turn_detection={"type": "semantic_vad", "eagerness": "?"}), "invalid_value", None, "'low'"),
    (UPDATE, audio_in(noise_reduction={"type": "loud"}), "invalid_value", None, "'near_field' and 'far_field'"),
    (UPDATE, session(audio={"input": [], "output": {}}), "invalid_type", "session.audio.input", "an object"),
    (CREATE, {}, "missing_required_parameter", "item", "'item'."),
    (CREATE, {"item": {}}, "missing_required_parameter", "item.type", "'item.type'."),
    (
        CREATE,
        {"item": {"type": "text"}},
        "invalid_value",
        "item.type",
        (
            "Invalid value: 'text'. Supported values are: "
            "'message', 'function_call', 'function_call_output', and 'item_reference'."
        ),
    ),
    (CREATE, {"item": {"type": "message"}}, "missing_required_parameter", "item.role", ""),
    (CREATE, {"item": {"type": "message", "role": "god"}}, "invalid_value", "item.role", "'assistant'"),
    (CREATE, {"item": user("") | {"content": "hi"}}, "invalid_type", "item.content", "expected an array of objects"),
    (CREATE, {"item": user("") | {"content": [{"type": "text"}]}}, "invalid_value", "item.content[0].type", ""),
    (CREATE, {"item": user("") | {"content": [{"type": "input_text"}]}}, "missing_required_parameter", None, "text"),
    (
        CREATE,
        {"item": {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": "AAAA"}]}},
        "missing_required_parameter",
        "item.content[0].text",
        "Missing required parameter: 'item.content[0].text'.",
    ),
    (
        CREATE,
        {"item": user("") | {"content": [{"type": "input_audio", "audio": "%%"}]}},
        "invalid_value",
        "item.content[0].audio",
        "Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value.",
    ),
    (
        CREATE,
        {"item": user("") | {"content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]}},
        "invalid_value",
        "item.content[0].image_url",
        "without the 'data:' prefix",
    ),
    (
        CREATE,
        {"item": user("") | {"content": [{"type": "input_image", "image_url": "data:text/html;base64,AAAA"}]}},
        "invalid_value",
        "item.content[0].image_url",
        "PNG or JPEG",
    ),
    (CREATE, {"item": user("x", bogus=1)}, "unknown_parameter", "item.bogus", ""),
    (CREATE, {"item": user("x"), "previous_item_id": 7}, "invalid_type", "previous_item_id", ""),
    (
        CREATE,
        {"item": {"type": "function_call_output", "call_id": "c" * 33, "output": ""}},
        "string_above_max_length",
        "item.call_id",
        "maximum length 32",
    ),
    ("input_audio_buffer.append", {}, "missing_required_parameter", "audio", ""),
    ("input_audio_buffer.append", {"audio": "%%"}, "invalid_value", "audio", "but got an invalid value."),
    ("input_audio_buffer.append", {"audio": ""}, "invalid_value", "audio", "but got empty bytes."),
    ("input_audio_buffer.commit", {"item": 1}, "unknown_parameter", "item", ""),
    (
        "conversation.item.truncate",
        {"item_id": "x", "content_index": 0, "audio_end_ms": 12.5},
        "invalid_type",
        "audio_end_ms",
        "expected an integer, but got a decimal number instead",
    ),
    ("conversation.item.truncate", {"item_id": "x"}, "missing_required_parameter", "content_index", ""),
    ("conversation.item.delete", {}, "missing_required_parameter", "item_id", ""),
    (RESPOND, {"response": {"modalities": ["text"]}}, "unknown_parameter", "response.modalities", ""),
    (RESPOND, {"response": {"temperature": 0.6}}, "unknown_parameter", "response.temperature", ""),
    (RESPOND, {"response": {"conversation": "new"}}, "invalid_value", "response.conversation", "'auto' and 'none'"),
    (RESPOND, {"response": {"metadata": {"k": "v" * 513}}}, "string_above_max_length", "response.metadata.k", "512"),
    (RESPOND, {"response": {"metadata": {"k" * 65: "v"}}}, "string_above_max_length", "response.metadata", "64"),
    (RESPOND, {"response": {"metadata": {str(n): "v" for n in range(17)}}}, "object_above_max_properties", None, "16"),
    (RESPOND, {"response": {"input": [{"type": "x"}]}}, "invalid_value", "response.input[0].type", ""),
    ("transcription_session.update", {"session": {}}, "invalid_value", "type", "'transcription_session.update'"),
    ("output_audio_buffer.clear", {}, "invalid_value", "type", "Supported values are"),
]


@pytest.mark.parametrize(("type_", "fields", "code", "param", "text"), REFUSALS)
def test_what_the_api_refuses_is_refused(
    type_: str, fields: dict[str, Any], code: str | None, param: str | None, text: str
) -> None:
    """Code, param, words and the client's event_id; and the event has no other effect."""
    error = Playbook().refused(type_, **fields)

    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert text in error["message"]
    if param is not None:
        assert error["param"] == param


def test_an_unknown_type_lists_what_is_known() -> None:
    """All types, in the API's order, with an Oxford comma."""
    error = Playbook().refused("nope")

    assert error["message"] == (
        "Invalid value: 'nope'. Supported values are: 'session.update', 'session.close', 'input_audio_buffer.append', "
        "'session.input_audio_buffer.append', 'input_audio_buffer.commit', 'input_audio_buffer.clear', "
        "'conversation.item.create', 'conversation.item.truncate', 'conversation.item.delete', "
        "'conversation.item.retrieve', 'response.create', and 'response.cancel'."
    )


def test_without_an_event_id_the_error_names_none() -> None:
    """The key is there, and null."""
    (error,) = Playbook().core.receive({"type": "nope"})

    assert isinstance(error, dict)
    assert error["error"]["event_id"] is None


@pytest.mark.parametrize("type_", [None, 7, []])
def test_a_type_that_is_no_text_is_refused(type_: object) -> None:
    """Whatever stands under `type`."""
    (error,) = Playbook().core.receive({"type": type_})

    assert isinstance(error, dict)
    assert error["error"]["param"] == "type"
