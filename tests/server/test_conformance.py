"""Every client event and every field of the session, right and wrong in each way: the demands of a strict client."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import WireObject
from rtcli.server.validation.client_events import CLIENT_EVENTS
from tests.server.playbook import Playbook, types, user, voice

SOUND = encode_base64(voice(0.2))
# For each client event: fields that are accepted, the required ones, and what it is answered with.
EVENTS: dict[str, tuple[WireObject, set[str], list[str]]] = {
    "session.update": ({"session": {"type": "realtime"}}, {"session"}, ["session.updated"]),
    "session.close": ({}, set(), []),
    "input_audio_buffer.append": ({"audio": SOUND}, {"audio"}, []),
    "session.input_audio_buffer.append": ({"audio": SOUND}, {"audio"}, []),
    "input_audio_buffer.commit": (
        {},
        set(),
        ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"],
    ),
    "input_audio_buffer.clear": ({}, set(), ["input_audio_buffer.cleared"]),
    "conversation.item.create": (
        {"item": user("Hi"), "previous_item_id": "root"},
        {"item"},
        ["conversation.item.added", "conversation.item.done"],
    ),
    "conversation.item.truncate": (
        {"item_id": "spoken", "content_index": 0, "audio_end_ms": 100},
        {"item_id", "content_index", "audio_end_ms"},
        ["conversation.item.truncated"],
    ),
    "conversation.item.delete": ({"item_id": "spoken"}, {"item_id"}, ["conversation.item.deleted"]),
    "conversation.item.retrieve": ({"item_id": "spoken"}, {"item_id"}, ["conversation.item.retrieved"]),
    "response.create": ({"response": {"metadata": {"a": "b"}}}, set(), ["response.created"]),
    "response.cancel": ({"response_id": "running"}, set(), ["response.done", "rate_limits.updated"]),
}
NULL_IS_NOTHING = {"previous_item_id", "response", "response_id", "event_id"}
REQUIRED = [(type_, name) for type_, (_, required, _) in EVENTS.items() for name in sorted(required)]
FIELDS = [(type_, name) for type_, (fields, _, _) in EVENTS.items() for name in [*fields, "event_id"]]


def scene(type_: str) -> tuple[Playbook, WireObject]:
    """A session in which that event can be carried out, and its fields: ids stand for what is really there."""
    book = Playbook(audio={"input": {"turn_detection": None}})
    spoken = book.answer("All right.", voice(1))
    book.append_audio(voice(0.5))
    fields = copy.deepcopy(EVENTS[type_][0])
    if "item_id" in fields:
        fields["item_id"] = spoken["id"]
    if type_ == "response.cancel":
        fields["response_id"] = book.start().id
    return book, fields


def state(book: Playbook) -> str:
    """All of a session that an event can change."""
    core = book.core
    items = [(item.wire, {k: len(pcm) for k, pcm in item.audio.items()}) for item in core.conversation]
    return json.dumps([core.state.config, items, core.active is None, len(core.out_of_band)])


def test_every_event_that_the_server_takes_is_here() -> None:
    """A new one has to be added to the table."""
    assert EVENTS.keys() == CLIENT_EVENTS.keys()


@pytest.mark.parametrize("type_", EVENTS)
@pytest.mark.parametrize("event_id", [{}, {"event_id": "mine"}, {"event_id": None}])
def test_a_right_event_is_answered(type_: str, event_id: WireObject) -> None:
    """In the recorded order; with an event_id, without, or with none."""
    book, fields = scene(type_)

    assert types(book.core.receive({"type": type_, **fields, **event_id})) == EVENTS[type_][2]


@pytest.mark.parametrize(("type_", "name"), REQUIRED)
def test_a_required_field_that_is_missing_is_named(type_: str, name: str) -> None:
    """As missing_required_parameter, and nothing happens."""
    book, fields = scene(type_)
    del fields[name]
    before = state(book)
    error = book.refused(type_, **fields)

    assert (error["code"], error["param"]) == ("missing_required_parameter", name)
    assert error["message"] == f"Missing required parameter: '{name}'."
    assert state(book) == before


@pytest.mark.parametrize("wrong", [None, True, [], 1.5])
@pytest.mark.parametrize(("type_", "name"), FIELDS)
def test_a_field_of_another_type_is_named(type_: str, name: str, wrong: Any) -> None:
    """As invalid_type; null is as good as nothing where a field is optional."""
    book, fields = scene(type_)
    before = state(book)
    sent = {"type": type_, "event_id": "mine", **fields, name: wrong}
    first = types(book.core.receive(sent))
    if wrong is None and name in NULL_IS_NOTHING:
        assert "error" not in first
        return
    (error,) = book.core.receive(sent)

    assert first == ["error"]
    assert isinstance(error, dict)
    assert (error["error"]["code"], error["error"]["param"]) == ("invalid_type", name)
    assert error["error"]["event_id"] == (None if name == "event_id" else "mine")
    assert state(book) == before


@pytest.mark.parametrize("type_", EVENTS)
def test_an_unknown_field_is_named(type_: str) -> None:
    """As unknown_parameter, and nothing happens."""
    book, fields = scene(type_)
    before = state(book)
    error = book.refused(type_, **fields, bogus=1)

    assert (error["code"], error["param"]) == ("unknown_parameter", "bogus")
    assert error["message"] == "Unknown parameter: 'bogus'."
    assert state(book) == before


# the session ----------------------------------------------------------------------------------------------------------

FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
VAD: WireObject = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
VAD |= {"idle_timeout_ms": None, "create_response": True, "interrupt_response": True}
WHISPER = {"model": "whisper-1", "language": None, "prompt": None}
SEMANTIC = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True}
IN, OUT = "audio.input.", "audio.output."
# (path, what is sent, what is shown)
SETTINGS: list[tuple[str, Any, Any]] = [
    ("output_modalities", ["text"], ["text"]),
    ("instructions", "Be brief.", "Be brief."),
    ("instructions", "", ""),
    ("tools", [FUNCTION], [FUNCTION]),
    ("tools", [], []),
    ("tool_choice", "required", "required"),
    ("tool_choice", {"type": "function", "name": "f"}, {"type": "function", "name": "f"}),
    ("max_output_tokens", 1, 1),
    ("max_output_tokens", 4096, 4096),
    ("max_output_tokens", "inf", "inf"),
    ("tracing", "auto", "auto"),
    ("tracing", {"workflow_name": "w"}, {"workflow_name": "w"}),
    ("tracing", None, None),
    ("truncation", "disabled", "disabled"),
    ("truncation", {"type": "retention_ratio", "retention_ratio": 0.8},
     {"type": "retention_ratio", "retention_ratio": 0.8}),
    ("prompt", {"id": "pmpt_1"}, {"id": "pmpt_1"}),
    ("prompt", None, None),
    ("include", ["item.input_audio_transcription.logprobs"], ["item.input_audio_transcription.logprobs"]),
    ("include", None, None),
    (IN + "format", {"type": "audio/pcmu"}, {"type": "audio/pcmu"}),
    (IN + "format", {"type": "audio/pcm"}, {"type": "audio/pcm", "rate": 24_000}),
    (IN + "transcription", {"model": "whisper-1"}, WHISPER),
    (IN + "transcription", {"model": "whisper-1", "language": "de"}, WHISPER | {"language": "de"}),
    (IN + "transcription", None, None),
    (IN + "noise_reduction", {"type": "far_field"}, {"type": "far_field"}),
    (IN + "noise_reduction", None, None),
    (IN + "turn_detection", None, None),
    (IN + "turn_detection", {"type": "server_vad"}, VAD),
    (IN + "turn_detection", {"type": "server_vad", "threshold": 1}, VAD | {"threshold": 1}),
    (IN + "turn_detection", {"type": "server_vad", "idle_timeout_ms": 5_000}, VAD | {"idle_timeout_ms": 5_000}),
    (IN + "turn_detection", {"type": "server_vad", "create_response": False}, VAD | {"create_response": False}),
    (IN + "turn_detection", {"type": "semantic_vad"}, SEMANTIC),
    (IN + "turn_detection", {"type": "semantic_vad", "eagerness": "low"}, SEMANTIC | {"eagerness": "low"}),
    (OUT + "format", {"type": "audio/pcma"}, {"type": "audio/pcma"}),
    (OUT + "voice", "cedar", "cedar"),
    (OUT + "voice", {"id": "voice_1"}, {"id": "voice_1"}),
    (OUT + "speed", 0.25, 0.25),
    (OUT + "speed", 1.5, 1.5),
    ("parallel_tool_calls", False, False),
]  # fmt: skip


def nested(path: str, value: Any) -> WireObject:
    """{"audio": {"input": {"format": value}}} for "audio.input.format"."""
    for key in reversed(path.split(".")):
        value = {key: value}
    wanted: WireObject = value
    return wanted


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a session by its path, down to those of `audio.input` and `audio.output`."""
    for key, inner in value.items():
        here = f"{path}{key}"
        if here in ("audio", "audio.input", "audio.output"):
            yield from leaves(inner, f"{here}.")
        else:
            yield here, inner


@pytest.mark.parametrize(("path", "sent", "shown"), SETTINGS)
def test_a_setting_is_taken_alone(path: str, sent: Any, shown: Any) -> None:
    """It is shown as the API shows it, and no other setting is touched; sent again it changes nothing."""
    book = Playbook(audio={"input": {"noise_reduction": {"type": "near_field"}}}, instructions="Before.")
    before = dict(leaves(book.core.state.config))
    for _ in range(2):
        assert types(book.send("session.update", session={"type": "realtime", **nested(path, sent)})) == [
            "session.updated"
        ]

    assert dict(leaves(book.core.state.config)) == before | {path: shown}


# (path, what is sent, code): one of these in an update spoils all of it.
MISTAKES: list[tuple[str, Any, str]] = [
    ("output_modalities", [], "invalid_value"),
    ("output_modalities", None, "invalid_type"),
    ("instructions", None, "invalid_type"),
    ("tools", None, "invalid_type"),
    ("tools", [{}], "missing_required_parameter"),
    ("tools", [{"type": "web_search"}], "invalid_value"),
    ("tools", [FUNCTION | {"strict": True}], "unknown_parameter"),
    ("tools", [FUNCTION | {"parameters": []}], "invalid_type"),
    ("tools", [{"type": "mcp", "server_label": "nobody"}], "missing_required_parameter"),
    ("tool_choice", None, "invalid_type"),
    ("tool_choice", {"type": "tool", "name": "f"}, "invalid_value"),
    ("max_output_tokens", -5, "integer_below_min_value"),
    ("max_output_tokens", 4097, "integer_above_max_value"),
    ("max_output_tokens", True, "invalid_type"),
    ("max_output_tokens", 7.5, "invalid_type"),
    ("tracing", {"name": "w"}, "unknown_parameter"),
    ("truncation", "sometimes", "invalid_value"),
    ("truncation", {"type": "retention_ratio", "retention_ratio": 1.1}, "decimal_above_max_value"),
    ("prompt", {}, "missing_required_parameter"),
    ("include", "logprobs", "invalid_type"),
    ("id", "sess_mine", "unknown_parameter"),
    ("audio", None, "invalid_type"),
    ("audio.voice", "cedar", "unknown_parameter"),
    (IN + "format", None, "invalid_type"),
    (IN + "format", "pcm16", "invalid_type"),
    (IN + "format", {"type": "audio/pcm", "rate": 8_000}, "integer_below_min_value"),
    (IN + "format", {"rate": 24_000}, "missing_required_parameter"),
    (IN + "transcription", "whisper-1", "invalid_type"),
    (IN + "transcription", {"model": "whisper-1", "temperature": 0}, "unknown_parameter"),
    (IN + "noise_reduction", {"type": "near"}, "invalid_value"),
    (IN + "turn_detection", {"threshold": 0.5}, "missing_required_parameter"),
    (IN + "turn_detection", {"type": "none"}, "invalid_value"),
    (IN + "turn_detection", VAD | {"threshold": -0.1}, "decimal_below_min_value"),
    (IN + "turn_detection", VAD | {"silence_duration_ms": -1}, "integer_below_min_value"),
    (IN + "turn_detection", VAD | {"idle_timeout_ms": 4_999}, "integer_below_min_value"),
    (IN + "turn_detection", VAD | {"create_response": "no"}, "invalid_type"),
    (IN + "turn_detection", SEMANTIC | {"threshold": 0.5}, "unknown_parameter"),
    (OUT + "voice", None, "invalid_type"),
    (OUT + "voice", "nova", "invalid_value"),
    (OUT + "voice", {"name": "x"}, "missing_required_parameter"),
    (OUT + "speed", 1.51, "decimal_above_max_value"),
    (OUT + "speed", "fast", "invalid_type"),
    ("reasoning", {"effort": "low"}, "unsupported_parameter"),
    ("parallel_tool_calls", None, "invalid_type"),
]


@pytest.mark.parametrize(("path", "sent", "code"), MISTAKES)
def test_a_mistake_spoils_the_whole_update(path: str, sent: Any, code: str) -> None:
    """What else was in it is discarded as well, whether it stood before or after."""
    book = Playbook()
    before = state(book)
    right = {"instructions": "Not this."} if path != "instructions" else {"tool_choice": "none"}
    wrong = nested(path, sent)
    for update in ({**right, **wrong}, {**wrong, **right}):
        error = book.refused("session.update", session={"type": "realtime", **update})

        assert error["code"] == code
        assert (error["param"] or "").startswith(f"session.{path}")
        assert state(book) == before


# anything at all ------------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
WORDS = st.sampled_from(
    ["type", "message", "user", "content", "audio", "realtime", "session", "id", "item_id", "input"]
)
VALUES = st.recursive(
    SCALARS | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=8
)
TYPES = st.sampled_from(list(CLIENT_EVENTS))
NAMES = st.sampled_from(
    ["session", "item", "audio", "item_id", "content_index", "audio_end_ms", "response", "event_id"]
)


@given(type_=TYPES, fields=st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_json_breaks_a_session(type_: str, fields: WireObject) -> None:
    """It is carried out or refused, and the session still answers."""
    book = Playbook()
    book.core.receive({**fields, "type": type_})

    assert "session.updated" in types(book.send("session.update", session={"type": "realtime"}))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in inner:
        yield from _paths(member, (*path, key))


RIGHT: list[WireObject] = [
    {"type": "session.update", "session": {"type": "realtime", **nested(path, sent)}} for path, sent, _ in SETTINGS
] + [
    {"type": "conversation.item.create", "item": item}
    for item in (
        user("Hi", id="a"),
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": SOUND, "transcript": "x"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True},
    )
]  # fmt: skip


@given(event=st.sampled_from(RIGHT), data=st.data(), value=VALUES)
@settings(max_examples=300, deadline=None)
def test_a_right_event_with_one_wrong_value_breaks_nothing(event: WireObject, data: st.DataObject, value: Any) -> None:
    """Wherever in it the value is."""
    path = data.draw(st.sampled_from([path for path in _paths(event) if path and path != ("type",)]))
    spoilt = copy.deepcopy(event)
    place = spoilt
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    book = Playbook()
    book.core.receive(spoilt)

    assert "error" not in types(book.send("conversation.item.create", item=user("Hi")))
