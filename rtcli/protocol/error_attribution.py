"""Which types of client event an error speaks of, as its code, message and param tell where it names no event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtcli.protocol.catalog import EVENT_TYPES, event_types
from rtcli.protocol.record import Direction

_BY_CODE: tuple[tuple[str, str], ...] = (
    ("item_create_", "conversation.item.create"),
    ("item_retrieve_", "conversation.item.retrieve"),
    ("item_truncate_", "conversation.item.truncate"),
    ("item_delete_", "conversation.item.delete"),
    ("invalid_tool_call_id", "conversation.item.create"),
    ("input_audio_buffer_commit_", "input_audio_buffer.commit"),
    ("conversation_already_has_active_response", "response.create"),
    ("response_create_", "response.create"),
    ("response_cancel_", "response.cancel"),
    ("cannot_update_voice", "session.update"),
)
"""How a code begins, and what it refuses."""

_BY_MESSAGE: tuple[tuple[str, str], ...] = (
    ("can be truncated", "conversation.item.truncate"),
    ("is already shorter than", "conversation.item.truncate"),
    ("session update event", "session.update"),
    ("committing input audio buffer", "input_audio_buffer.commit"),
)
"""What a message says where the API gives neither a code nor a param of its own."""

_QUOTED = re.compile(r"'([^']*)'")


def possible_event_types(error: Mapping[str, Any]) -> frozenset[str]:
    """The types that the `error` object of an error event can be about; none where it does not tell.

    `param` is a path into the event (`session.audio.output.voice`, `item.content[0].type`, `item_id`): its first
    name belongs to a few types alone. A type that the server does not know is quoted in its message.
    """
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    said = [name for beginning, name in _BY_CODE if code.startswith(beginning)]
    said += [name for words, name in _BY_MESSAGE if words in message]
    if said:
        return frozenset(said[:1])
    param = error.get("param")
    if not isinstance(param, str):
        return frozenset()
    if param == "type":
        quoted = _QUOTED.search(message)
        return frozenset({quoted[1]} if quoted and quoted[1] not in EVENT_TYPES else ())
    field = re.split(r"[.\[]", param, maxsplit=1)[0]
    rows = event_types(Direction.SENT)
    return frozenset(row.name for row in rows if field in (*row.required, *row.optional))
