"""One row for each event type of each protocol; checks, completion and docs/events.md read these tables.

Fields are the top-level names besides `type` and `event_id`, which every event may carry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rtcli.protocol import neighbor_events
from rtcli.protocol.nearest import nearest_name
from rtcli.protocol.record import Direction
from rtcli.protocol.session_kind import SessionKind


@dataclass(frozen=True, slots=True)
class EventType:
    """What is known of one event type.

    `reply` is the type of the server event that ends what a client event began (None: it has no success reply).
    """

    name: str
    direction: Direction
    required: tuple[str, ...]
    optional: tuple[str, ...]
    reply: str | None
    meaning: str


def _rows(direction: Direction, table: str) -> Iterator[EventType]:
    """The table as typed rows: `name | fields | meaning`, for the client `name | fields | reply | meaning`.

    A field that ends in `?` is optional.
    """
    # A table in text, because a row of it is read as a row; 80 calls of a class would not be.
    for line in table.strip().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        name, fields, meaning = cells[0], cells[1].split(), cells[-1]
        yield EventType(
            name=name,
            direction=direction,
            required=tuple(field for field in fields if not field.endswith("?")),
            optional=tuple(field[:-1] for field in fields if field.endswith("?")),
            reply=(cells[2] or None) if direction is Direction.SENT else None,
            meaning=meaning,
        )


_CLIENT = """
session.update | session | session.updated | change the session: only the keys given; refused as a whole if one is wrong
session.close | | | end the session in order (documented for translation sessions)
input_audio_buffer.append | audio | | add base64 audio in the session's input format, at most 15 MiB
input_audio_buffer.commit | | input_audio_buffer.committed | make the buffered audio a user item; asks for no response
input_audio_buffer.clear | | input_audio_buffer.cleared | throw the buffered audio away
session.input_audio_buffer.append | audio | | add base64 audio (translation sessions)
conversation.item.create | item previous_item_id? | conversation.item.done | put an item into the conversation
conversation.item.retrieve | item_id | conversation.item.retrieved | the server's copy of an item, audio included
conversation.item.truncate | item_id content_index audio_end_ms | conversation.item.truncated | cut audio nobody heard
conversation.item.delete | item_id | conversation.item.deleted | take an item out of the conversation
response.create | response? | response.done | ask the model to answer; `response` overrides the session for this once
response.cancel | response_id? | response.done | stop the response in progress, or the one named
output_audio_buffer.clear | | output_audio_buffer.cleared | stop the audio being played (WebRTC and SIP calls only)
"""

_SERVER = """
error | error | something the client sent was refused, or the server failed
session.created | session | the session exists; the first event of a connection
session.updated | session | a session.update was taken; the whole session as it is now
session.closed | reason? usage? | the session ended in order (translation sessions)
session.input_transcript.delta | delta elapsed_ms? | words heard (translation sessions)
session.output_transcript.delta | delta elapsed_ms? | words spoken (translation sessions)
session.output_audio.delta | delta sample_rate? channels? format? elapsed_ms? | audio spoken (translation sessions)
conversation.created | conversation | the conversation exists (typed, not seen on the wire)
conversation.item.added | item previous_item_id? | an item entered the conversation, perhaps still growing
conversation.item.done | item previous_item_id? | an item of the conversation is final
conversation.item.created | item previous_item_id? | an item entered the conversation (the name the beta used)
conversation.item.retrieved | item | the server's copy of an item, audio included
conversation.item.truncated | item_id content_index audio_end_ms | an item's audio was cut; its transcript is gone
conversation.item.deleted | item_id | an item left the conversation
conversation.item.input_audio_transcription.delta | item_id content_index? delta? logprobs? obfuscation? | words heard
conversation.item.input_audio_transcription.completed | item_id content_index transcript usage logprobs? languages? | \
all that was heard
conversation.item.input_audio_transcription.segment | item_id content_index id text speaker start end | words by speaker
conversation.item.input_audio_transcription.failed | item_id content_index error | the user's audio was not transcribed
input_audio_buffer.committed | item_id previous_item_id? | buffered audio became a user item
input_audio_buffer.cleared | | the buffered audio was thrown away
input_audio_buffer.speech_started | audio_start_ms item_id | voice detection hears speech begin
input_audio_buffer.speech_stopped | audio_end_ms item_id | voice detection hears speech end
input_audio_buffer.timeout_triggered | audio_start_ms audio_end_ms item_id | nobody spoke for idle_timeout_ms
input_audio_buffer.dtmf_event_received | event received_at | a telephone key was pressed (SIP calls)
output_audio_buffer.started | response_id | audio begins to play (WebRTC and SIP calls)
output_audio_buffer.stopped | response_id | all audio has been played (WebRTC and SIP calls)
output_audio_buffer.cleared | response_id | the audio being played was thrown away (WebRTC and SIP calls)
response.created | response | a response begins
response.output_item.added | response_id output_index item | an item of a response begins
response.output_item.done | response_id output_index item | an item of a response is final
response.content_part.added | response_id item_id output_index content_index part | a part of a message begins
response.content_part.done | response_id item_id output_index content_index part | a part of a message is final
response.output_text.delta | response_id item_id output_index content_index delta obfuscation? | text as it is made
response.output_text.done | response_id item_id output_index content_index text | all the text of a part
response.output_audio_transcript.delta | response_id item_id output_index content_index delta obfuscation? | words said
response.output_audio_transcript.done | response_id item_id output_index content_index transcript | all words of a part
response.output_audio.delta | response_id item_id output_index content_index delta | base64 audio as it is made
response.output_audio.done | response_id item_id output_index content_index | all the audio of a part was sent
response.function_call_arguments.delta | response_id item_id output_index call_id delta obfuscation? | arguments growing
response.function_call_arguments.done | response_id item_id output_index call_id name arguments | arguments, whole
response.mcp_call_arguments.delta | response_id item_id output_index delta obfuscation? | arguments growing (MCP)
response.mcp_call_arguments.done | response_id item_id output_index arguments | arguments, whole (MCP)
response.mcp_call.in_progress | item_id output_index | an MCP call runs
response.mcp_call.completed | item_id output_index | an MCP call succeeded
response.mcp_call.failed | item_id output_index | an MCP call failed
mcp_list_tools.in_progress | item_id | the tools of an MCP server are being listed
mcp_list_tools.completed | item_id | the tools of an MCP server are known
mcp_list_tools.failed | item_id | the tools of an MCP server could not be listed
response.done | response | a response ended, whatever its status: output, usage, reason
rate_limits.updated | rate_limits | what is left of the account's limits
"""

EVENT_TYPES: Mapping[str, EventType] = {
    row.name: row for row in (*_rows(Direction.SENT, _CLIENT), *_rows(Direction.RECEIVED, _SERVER))
}
"""Every event type of the Realtime API by its name; no name is used in both directions."""

_TABLES: Mapping[SessionKind, tuple[EventType, ...]] = {
    SessionKind.REALTIME: tuple(EVENT_TYPES.values()),
    SessionKind.TRANSCRIPTION: tuple(row for row in EVENT_TYPES.values() if row.name in neighbor_events.TRANSCRIPTION),
    SessionKind.TRANSLATION: (
        *_rows(Direction.SENT, neighbor_events.TRANSLATION_CLIENT),
        *_rows(Direction.RECEIVED, neighbor_events.TRANSLATION_SERVER),
    ),
    SessionKind.LIVE: (
        *_rows(Direction.SENT, neighbor_events.LIVE_CLIENT),
        *_rows(Direction.RECEIVED, neighbor_events.LIVE_SERVER),
    ),
}

ROWS: Mapping[tuple[SessionKind, Direction, str], EventType] = {
    (kind, row.direction, row.name): row for kind, rows in _TABLES.items() for row in rows
}
"""Every event type by protocol, direction and name: some names mean something else in another protocol."""

NAMES: frozenset[str] = frozenset(name for _, _, name in ROWS)
"""Every name that some protocol has."""

BETA_NAMES: Mapping[str, str] = {
    "transcription_session.update": "session.update",
    "transcription_session.updated": "session.updated",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
}
"""Names of the beta API, which is switched off, and what they are called now."""


def event_types(direction: Direction, kind: SessionKind = SessionKind.REALTIME) -> tuple[EventType, ...]:
    """The rows of one direction, in the table's order."""
    return tuple(row for row in _TABLES[kind] if row.direction is direction)


def all_types(kind: SessionKind = SessionKind.REALTIME) -> tuple[EventType, ...]:
    """The rows of both directions, what clients send first."""
    return _TABLES[kind]


def nearest(name: str, direction: Direction, kind: SessionKind = SessionKind.REALTIME) -> str | None:
    """The known event type that `name` was probably meant to be, or None."""
    # A name of the beta is nearer by its letters to another one than to what it became.
    ga = BETA_NAMES.get(name, "")
    if (kind, direction, ga) in ROWS:
        return ga
    known = [row.name for row in event_types(direction, kind)]
    return nearest_name(name, known)


def meant_by(name: str) -> str | None:
    """The event that a name in a test is surely a slip of; None for a known name, a glob, one of another server."""
    if "*" in name or name in NAMES or name in BETA_NAMES:
        return None
    return nearest_name(name, NAMES, cutoff=0.85)


def direction_of(name: str) -> Direction | None:
    """Which way an event of this name goes, in whatever protocol has it; of both ways, what a client sends."""
    if row := EVENT_TYPES.get(name):
        return row.direction
    return next((row.direction for row in _TABLES[SessionKind.LIVE] if row.name == name), None)


def check_client_event(event: Mapping[str, Any], kind: SessionKind = SessionKind.REALTIME) -> tuple[str, ...]:
    """What looks wrong with an event before it is sent, a line for each finding; the server has the last word."""
    name = str(event.get("type"))
    row = ROWS.get((kind, Direction.SENT, name))
    if row is None and (kind, Direction.RECEIVED, name) in ROWS:
        return (f"{name!r} is an event of the server",)
    if row is None:
        close = nearest(name, Direction.SENT, kind)
        where = "" if kind is SessionKind.REALTIME else f" in a {kind} session"
        return (f"unknown event type {name!r}{where}" + (f", did you mean {close!r}?" if close else ""),)
    known = {"type", "event_id", *row.required, *row.optional}
    return (
        *(f"{name}: {field!r} is missing" for field in row.required if field not in event),
        *(f"{name}: unknown field {field!r}" for field in event if field not in known),
    )
