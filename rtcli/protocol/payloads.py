"""Payloads of the semantic events: frozen values with the reference's field names in snake_case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from rtcli.protocol.events import Event


@dataclass(frozen=True, slots=True)
class TransportAudio:
    """`audio`: decoded bytes in the session's output format.

    `interrupted` says that the item was cut already: such late audio must not be played.
    """

    data: bytes
    response_id: str
    item_id: str
    content_index: int
    interrupted: bool = False
    type: ClassVar[str] = "audio"


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """`audio_transcript_delta`: a piece of the transcript of the assistant's speech."""

    delta: str
    item_id: str
    response_id: str
    type: ClassVar[str] = "transcript_delta"


@dataclass(frozen=True, slots=True)
class OutputTextDelta:
    """`output_text_delta`: a piece of the assistant's text."""

    delta: str
    item_id: str
    response_id: str
    type: ClassVar[str] = "output_text_delta"


@dataclass(frozen=True, slots=True)
class ErrorPayload:
    """`error`: `error` is the server's whole event, or the exception of the transport or of a listener."""

    error: Any
    type: str = "error"


@dataclass(frozen=True, slots=True)
class Usage:
    """`usage_update`: tokens of one response; the details are the server's own objects."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: dict[str, Any] = field(default_factory=dict)
    output_tokens_details: dict[str, Any] = field(default_factory=dict)
    requests: int = 1


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """`turn_started`: `provider_data` is the response.created event."""

    provider_data: Event
    type: str = "response_started"


@dataclass(frozen=True, slots=True)
class FinishedResponse:
    """What response.done said, in short; `output` holds the wire's items."""

    id: str
    output: list[Any]
    usage: Usage
    status: str = ""
    status_details: Any = None


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """`turn_done`."""

    response: FinishedResponse
    type: str = "response_done"


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`function_call`: emitted once for each completed call; `id` is the item's, `arguments` JSON text."""

    id: str
    call_id: str
    name: str
    arguments: str
    response_id: str
    type: str = "function_call"


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """`item_deleted`."""

    item_id: str


@dataclass(frozen=True, slots=True)
class McpToolsListed:
    """`mcp_tools_listed`: the tools as the server sent them."""

    server_label: str
    tools: list[Any]
