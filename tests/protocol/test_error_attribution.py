"""Which event an error speaks of, from what servers really say."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.catalog import event_types
from rtcli.protocol.error_attribution import possible_event_types
from rtcli.protocol.record import Direction

ITEM_EVENTS = {"conversation.item.retrieve", "conversation.item.delete", "conversation.item.truncate"}


@pytest.mark.parametrize(
    ("error", "types"),
    [
        ({"code": "item_create_duplicate_item_id"}, {"conversation.item.create"}),
        ({"code": "item_retrieve_invalid_item_id"}, {"conversation.item.retrieve"}),
        ({"code": "item_truncate_invalid_item_id"}, {"conversation.item.truncate"}),
        ({"code": "item_delete_invalid_item_id"}, {"conversation.item.delete"}),
        ({"code": "invalid_tool_call_id"}, {"conversation.item.create"}),
        ({"code": "input_audio_buffer_commit_empty"}, {"input_audio_buffer.commit"}),
        ({"code": "conversation_already_has_active_response"}, {"response.create"}),
        ({"code": "response_cancel_not_active"}, {"response.cancel"}),
        ({"code": "cannot_update_voice"}, {"session.update"}),
        ({"code": "unknown_parameter", "param": "session.audio.output.speed"}, {"session.update"}),
        ({"code": "missing_required_parameter", "param": "item.content[0].type"}, {"conversation.item.create"}),
        ({"code": "invalid_value", "param": "response.output_modalities"}, {"response.create"}),
        ({"code": "invalid_type", "param": "response_id"}, {"response.cancel"}),
        ({"code": "missing_required_parameter", "param": "item_id"}, ITEM_EVENTS),
        ({"code": "missing_required_parameter", "param": "audio_end_ms"}, {"conversation.item.truncate"}),
        ({"message": "Audio content of 90ms is already shorter than 200ms"}, {"conversation.item.truncate"}),
        ({"code": "invalid_value", "param": "type", "message": "Invalid value: 'foo'. Supported are 'a'."}, {"foo"}),
        ({"code": "invalid_value", "param": "type", "message": "Responses cannot be created here."}, set()),
        ({"param": "type", "message": "Invalid value: 'a.b'. Supported values are: 'response.create'."}, {"a.b"}),
        ({"message": "a response.create was refused"}, {"response.create"}),
        ({"code": "bad_response_create"}, {"response.create"}),
        ({"type": "server_error", "code": None, "param": None, "message": "Sorry about that!"}, set()),
        ({"code": 5, "message": None, "param": ["x"]}, set()),
        ({}, set()),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else " ".join(sorted(value)),
)
def test_code_message_and_param_tell_the_type(error: dict[str, Any], types: set[str]) -> None:
    """One row for each way in which the API says what it refuses, and silence where it does not."""
    assert possible_event_types(error) == types


@pytest.mark.parametrize("row", [row for row in event_types(Direction.SENT) if row.required], ids=lambda row: row.name)
def test_a_missing_field_tells_every_event_that_needs_it(row: Any) -> None:
    """The catalog knows whose fields those are."""
    assert all(row.name in possible_event_types({"param": field}) for field in row.required)
