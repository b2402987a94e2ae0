"""Why a client event is refused: every `error` that the server sends, with the API's code, text and param."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.server.ids import new_id

INVALID_REQUEST = "invalid_request_error"  # the type of nearly every error


@dataclass(eq=False)  # an exception is equal to itself alone, and hashable
class ApiError(Exception):
    """One event is refused; the connection and everything else go on.

    `code` and `param` are None where the API gives none. Texts marked so below are inferred: nobody has shown them on
    the wire.
    """

    message: str
    code: str | None = None
    param: str | None = None
    type: str = INVALID_REQUEST

    def __str__(self) -> str:
        return self.message

    def event(self, refused: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `error` event; always all five keys. It names the event of the client that is refused by its id."""
        event_id = (refused or {}).get("event_id")
        error = {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id if isinstance(event_id, str) else None,
        }
        return {"type": "error", "event_id": new_id("event"), "error": error}

    def http_body(self) -> dict[str, Any]:
        """What an HTTP request is answered with."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def listed(values: Sequence[str]) -> str:
    """'a', 'b', and 'c': as the API lists what it supports."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


# frames ---------------------------------------------------------------------------------------------------------------


def invalid_json(reason: str) -> ApiError:
    return ApiError(f"Invalid event: failed to parse JSON value. {reason}".rstrip(), "invalid_json")


def not_an_object(kind: str) -> ApiError:
    """Inferred."""
    return ApiError(f"Invalid event: expected a JSON object, but got {kind} instead.", "invalid_event")


def missing_type() -> ApiError:
    return ApiError("The 'type' field is missing.", "invalid_event")


def binary_frame() -> ApiError:
    return ApiError("Expected a text WebSocket message; binary frames are not supported.", "invalid_event")


# values ---------------------------------------------------------------------------------------------------------------


def unknown_parameter(path: str) -> ApiError:
    return ApiError(f"Unknown parameter: '{path}'.", "unknown_parameter", path)


def missing_parameter(path: str) -> ApiError:
    return ApiError(f"Missing required parameter: '{path}'.", "missing_required_parameter", path)


def invalid_value(path: str, value: object, supported: Sequence[str]) -> ApiError:
    return ApiError(f"Invalid value: '{value}'. Supported values are: {listed(supported)}.", "invalid_value", path)


def invalid_type(path: str, expected: str, got: str) -> ApiError:
    """The code is inferred."""
    return ApiError(f"Invalid type for '{path}': expected {expected}, but got {got} instead.", "invalid_type", path)


def out_of_range(path: str, value: float, limit: float, *, below: bool) -> ApiError:
    kind = "integer" if isinstance(limit, int) else "decimal"
    word, sign, end = ("below minimum", ">=", "below_min") if below else ("above maximum", "<=", "above_max")
    text = f"Invalid '{path}': {kind} {word} value. Expected a value {sign} {limit}, but got {value} instead."
    return ApiError(text, f"{kind}_{end}_value", path)


def too_long(path: str, limit: int, length: int) -> ApiError:
    text = f"Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
    return ApiError(f"{text}but got a string with length {length} instead.", "string_above_max_length", path)


def pattern_mismatch(path: str, pattern: str) -> ApiError:
    """As the API says it of names in all of its parts."""
    text = f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern "
    return ApiError(f"{text}'^{pattern}$'.", "invalid_value", path)


def bad_audio(path: str, form: str, got: str) -> ApiError:
    """`got` is "an invalid value" or "empty bytes". The code is inferred."""
    text = f"Invalid '{path}'. Expected base64-encoded audio bytes ({form}) but got {got}."
    return ApiError(text, "invalid_value", path)


def bad_image(path: str, why: str) -> ApiError:
    """Inferred."""
    text = f"Invalid '{path}'. Expected a base64-encoded data URL of a PNG or JPEG image, but {why}."
    return ApiError(text, "invalid_value", path)


# session --------------------------------------------------------------------------------------------------------------


def voice_locked() -> ApiError:
    return ApiError("Cannot update a conversation's voice if assistant audio is present.", "cannot_update_voice")


def tracing_locked() -> ApiError:
    """Inferred."""
    text = "Cannot update tracing once it has been enabled for a session."
    return ApiError(text, "invalid_value", "session.tracing")


def session_type_locked(requested: str) -> ApiError:
    """Inferred."""
    text = f"Passing a {requested} session update event to a session of another type is not allowed."
    return ApiError(text, "invalid_value", "session.type")


def no_turn_detection(path: str) -> ApiError:
    return ApiError("Turn detection is not supported for this transcription model.", "invalid_value", path)


# conversation ---------------------------------------------------------------------------------------------------------


def conversation_full(limit: int) -> ApiError:
    """A bound of this server alone."""
    text = f"This server keeps at most {limit} MiB of text and images in one conversation."
    return ApiError(text, "conversation_too_large")


def settings_too_large(limit: int, servers: int) -> ApiError:
    """A bound of this server alone."""
    text = f"This server keeps at most {limit} MiB of settings and {servers} MCP servers for one session."
    return ApiError(text, "session_too_large")


def responses_too_large(limit: int) -> ApiError:
    """A bound of this server alone."""
    text = f"This server keeps at most {limit} MiB of what responses in progress were given."
    return ApiError(text, "response_too_large")


def previous_item_unknown(item_id: str) -> ApiError:
    text = f"Error adding item: the previous item with id '{item_id}' does not exist."
    return ApiError(text, "item_create_invalid_previous_item_id")


def duplicate_item(item_id: str) -> ApiError:
    text = f"Error adding item: an item with id '{item_id}' already exists."
    return ApiError(text, "item_create_duplicate_item_id")


def item_unknown(verb: str, item_id: str) -> ApiError:
    """`verb` is delete, retrieve or truncate (the last inferred)."""
    gerund = {"delete": "deleting", "retrieve": "retrieving", "truncate": "truncating"}[verb]
    text = f"Error {gerund} item: the item with id '{item_id}' does not exist."
    return ApiError(text, f"item_{verb}_invalid_item_id")


def call_unknown(call_id: str) -> ApiError:
    return ApiError(f"Tool call ID '{call_id}' not found in conversation.", "invalid_tool_call_id")


def approval_unknown(request_id: str) -> ApiError:
    """Inferred."""
    text = f"Approval request with id '{request_id}' not found in conversation."
    return ApiError(text, "invalid_value", "item.approval_request_id")


def not_model_audio() -> ApiError:
    return ApiError("Only model output audio messages can be truncated", "unsupported_content_type")


def already_shorter(has_ms: int, wanted_ms: int) -> ApiError:
    """The code is inferred."""
    return ApiError(f"Audio content of {has_ms}ms is already shorter than {wanted_ms}ms", "invalid_value")


# audio and responses --------------------------------------------------------------------------------------------------


def buffer_too_small(milliseconds: float) -> ApiError:
    text = "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
    return ApiError(f"{text}but buffer only has {milliseconds:.2f}ms of audio.", "input_audio_buffer_commit_empty")


def response_active(response_id: str) -> ApiError:
    text = f"Conversation already has an active response in progress: {response_id}. "
    return ApiError(
        f"{text}Wait until the response is finished before creating a new one.",
        "conversation_already_has_active_response",
    )


def too_many_responses(limit: int) -> ApiError:
    """A bound of this server alone."""
    return ApiError(f"This server makes at most {limit} responses at once.", "rate_limit_exceeded")


def too_many_calls(limit: int) -> ApiError:
    """A bound of this server alone."""
    return ApiError(f"This server takes at most {limit} calls at once.", "rate_limit_exceeded")


def nothing_to_cancel() -> ApiError:
    return ApiError("Cancellation failed: no active response found", "response_cancel_not_active")


def no_responses_here() -> ApiError:
    """Inferred."""
    return ApiError("Responses cannot be created in a transcription session.", "invalid_value", "type")


def call_not_found() -> ApiError:
    return ApiError("No such call.", "call_id_not_found")


def server_fault(session_id: str) -> ApiError:
    text = "The server had an error while processing your request. Sorry about that! "
    return ApiError(f"{text}(include session ID {session_id} in your message)", None, None, "server_error")


def session_expired(minutes: float) -> ApiError:
    return ApiError(f"Your session hit the maximum duration of {minutes:g} minutes.", "session_expired")
