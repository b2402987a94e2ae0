"""Items as they are read from the wire and written back to it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.items import (
    FunctionCallItem,
    MessageItem,
    as_mapping,
    read_approval_request,
    read_function_call,
    read_mcp_call,
    read_message,
    write_message,
    write_part,
)
from rtcli.protocol.unset import UNSET


def test_a_part_has_the_fields_of_its_type() -> None:
    """As in the reference: what does not belong to text or audio is dropped, a type that nobody knows yet is whole."""
    parts: list[dict[str, Any]] = [
        {"type": "input_text", "text": "a", "transcript": "b", "new": 1},
        {"type": "input_audio", "transcript": None, "text": "c"},
        {"type": "not_yet_known", "text": "d", "new": 2},
    ]
    item = read_message({"id": "a", "role": "user", "content": parts}, default_status="completed", previous=None)

    assert item is not None
    assert item.content == [
        {"type": "input_text", "text": "a"},
        {"type": "input_audio", "transcript": None},
        {"type": "not_yet_known", "text": "d", "new": 2},
    ]


@pytest.mark.parametrize(("role", "kind"), [("assistant", "output_audio"), ("user", "audio")])
def test_the_assistants_audio_part_has_one_name(role: str, kind: str) -> None:
    """The API's example of a retrieved item says "audio"; elsewhere it is output_audio."""
    item = read_message(
        {"id": "a", "role": role, "content": [{"type": "audio", "transcript": "x"}]}, default_status="", previous=UNSET
    )

    assert item is not None
    assert item.content == [{"type": kind, "transcript": "x"}]


@pytest.mark.parametrize(
    "odd",
    [
        {"role": "user", "content": []},
        {"id": 17, "role": "user", "content": []},
        {"id": "a", "content": []},
        {"id": "a", "role": "user"},
        {"id": "a", "role": "user", "content": "text"},
    ],
)
def test_what_cannot_be_a_message_is_none(odd: dict[str, Any]) -> None:
    """Without id, role and content there is nothing to show; the wire event is shown in any case."""
    assert read_message(odd, default_status="completed", previous=UNSET) is None


@pytest.mark.parametrize(("status", "read"), [("brand_new", "brand_new"), (None, "completed"), (17, "completed")])
def test_an_odd_status_does_not_lose_the_message(status: object, read: str) -> None:
    """Text is taken as it is."""
    wire = {"id": "a", "role": "user", "content": [17, None], "status": status}
    item = read_message(wire, default_status="completed", previous=UNSET)

    assert item is not None
    assert item.status == read
    assert item.content == []


def test_a_function_call_with_missing_fields_is_still_one() -> None:
    """Empty texts, as the reference means to do."""
    assert read_function_call({}) == FunctionCallItem("", "", "", "in_progress")


@pytest.mark.parametrize(
    ("wire", "status", "error"),
    [
        ({"output": "x"}, "completed", None),
        ({}, "in_progress", None),
        ({"status": "failed", "error": {"type": "http_error"}}, "failed", {"type": "http_error"}),
        ({"status": 17, "output": {"rows": []}}, "completed", None),
    ],
)
def test_an_mcp_call_says_how_it_ended(wire: dict[str, Any], status: str, error: object) -> None:
    """A failed one keeps its error, a finished one is finished even when it is retrieved."""
    call = read_mcp_call({"type": "mcp_call", "id": "a", **wire}, default_status="in_progress")

    assert (call.status, call.error, call.output) == (status, error, wire.get("output"))


@pytest.mark.parametrize(("arguments", "read"), [('{"a":1}', {"a": 1}), ("{", "{"), (None, {}), ("", {}), ("[1]", [1])])
def test_an_approval_request_can_be_answered_whatever_its_arguments_are(arguments: Any, read: Any) -> None:
    """Text that is not JSON is handed on as text, none at all as an empty object."""
    assert read_approval_request({"id": "a", "arguments": arguments}).arguments == read


def test_an_item_is_given_as_dataclass_or_as_mapping() -> None:
    """What was not told is left out, what is None stays."""
    assert as_mapping(MessageItem("a", "user", "completed", [])) == {
        "item_id": "a",
        "role": "user",
        "status": "completed",
        "content": [],
        "type": "message",
    }
    assert as_mapping(MessageItem("a", "user", "x", [], None))["previous_item_id"] is None
    assert as_mapping(MappingProxyType({"a": 1})) == {"a": 1}


@pytest.mark.parametrize("value", ["item", None, 5, MessageItem])
def test_what_is_neither_is_refused_by_name(value: object) -> None:
    """Text, for instance, or the class in place of an item."""
    with pytest.raises(UsageError, match="is not an object"):
        as_mapping(value)


def test_an_image_may_be_given_under_the_references_name() -> None:
    """`image` there, `image_url` on the wire; the caller's part is not changed."""
    part = {"type": "input_image", "image": "data:image/png;base64,AA=="}

    assert write_part(part) == {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
    assert "image" in part
    assert write_part({"type": "input_image", "image": "a", "image_url": "b"})["image_url"] == "a"
    assert write_part({"type": "input_image", "image_url": "b", "provider_data": None})["image_url"] == "b"


@pytest.mark.parametrize(("wire", "read"), [({"approved": True}, True), ({"approved": 1}, None), ({}, None)])
def test_an_approval_request_says_whether_it_was_answered(wire: dict[str, Any], read: bool | None) -> None:
    """By a bool, or not at all."""
    assert read_approval_request({"id": "a", **wire}).approved is read


def test_a_message_of_a_history_goes_out_as_it_is() -> None:
    """Its content verbatim, an image under the name that it has; a status that says nothing is left out."""
    content = [{"type": "input_image", "image": "data:x", "detail": "low"}]

    assert write_message({"item_id": "a", "role": "user", "content": content, "status": ""}) == {
        "type": "message",
        "role": "user",
        "content": content,
        "id": "a",
    }
    assert "content" not in write_message({"item_id": "a", "role": "user"})


@pytest.mark.parametrize(("role", "written"), [("system", False), ("user", True), ("assistant", True)])
def test_a_system_message_carries_no_status(role: str, written: bool) -> None:
    """The API refuses it there."""
    assert ("status" in write_message({"item_id": "a", "role": role, "status": "completed"})) is written
