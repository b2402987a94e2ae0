"""What to do about an error of the server, a failed response, or how a connection ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.beta_fields import advice
from rtcli.protocol.close_codes import FINAL, advice_for_close

DETECTION: Mapping[str, str] = {
    "threshold": "server",
    "prefix_padding_ms": "server",
    "silence_duration_ms": "server",
    "idle_timeout_ms": "server",
    "eagerness": "semantic",
}
"""Fields of turn detection that only one kind of it has."""

BY_CODE: Mapping[str, str] = {
    "conversation_already_has_active_response": "wait for response.done or /interrupt; /respond queues by itself",
    "response_cancel_not_active": "harmless: the response had already ended",
    "input_audio_buffer_commit_empty": "at least 100 ms of audio are needed; with voice detection the server commits",
    "cannot_update_voice": "the voice is fixed once the assistant has spoken; /new starts over with another",
    "missing_required_parameter": "the event lacks the field named in the message",
    "invalid_api_key": "check the key in the environment variable that is used (rtcli doctor shows which)",
    "invalid_model": "choose another with --model; the account may not have this one",
    "missing_model": "name one with --model",
    "beta_api_shape_disabled": "remove the OpenAI-Beta header: the beta API is no longer available",
    "insufficient_quota": "the account has no credit left: see its billing page",
    "credit_balance_exhausted": "the account has no credit left: see its billing page",
    "billing_hard_limit_reached": "the account's spending limit is reached: see its billing page",
    "account_deactivated": "the account is switched off: ask its owner",
    "rate_limit_exceeded": "wait for the limit to reset: /limits shows when",
    "session_expired": "the session is over: /reconnect keeps settings and text",
    "item_truncate_invalid_item_id": "/history lists the items",
    "item_delete_invalid_item_id": "/history lists the items",
    "item_retrieve_invalid_item_id": "/history lists the items",
    "item_create_invalid_previous_item_id": "/history lists the items",
    "item_create_duplicate_item_id": "leave the id out, or delete the other item first",
    "invalid_tool_call_id": "answer a call of this conversation: /tools shows those that wait",
    "DeploymentNotFound": "name an existing deployment: /session set audio.input.transcription.model=NAME",
    "server_error": "the server failed; try again with /respond",
}
"""By the `code` (or else the `type`) of an error."""

_ACCOUNT = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "account_deactivated"}
)
"""Codes of an account with which another connection would end the same way."""

_STILL_ANSWERING = "the answer in progress may still come to its end; /interrupt stops it"

BY_REASON: Mapping[str, str] = {
    "max_output_tokens": "raise it: /session set max_output_tokens=inf",
    "content_filter": "the content filter stopped the answer; rephrase the question",
}
"""By the `reason` of an incomplete response."""


def _of_detection(error: Mapping[str, Any]) -> str:
    """A field of the other kind of turn detection."""
    _, found, field = str(error.get("param")).partition("turn_detection.")
    if not found or error.get("code") != "unknown_parameter" or field not in DETECTION:
        return ""
    kind = DETECTION[field]
    return f"{field} belongs to {kind}_vad: /vad {kind} {field}=VALUE"


def of_error(error: Mapping[str, Any], *, answering: bool = False) -> str:
    """The hint for the `error` object of an error event, a failed response or a failed transcription, or "".

    `answering`: a response runs meanwhile, and asking again would give a second one.
    """
    param = error.get("param")
    if isinstance(param, str) and (hint := advice(param) or _of_detection(error)):
        return hint
    # the code says more, where there is one
    for key in ("code", "type"):
        if hint := BY_CODE.get(str(error.get(key)), ""):
            return _STILL_ANSWERING if answering and error.get(key) == "server_error" else hint
    return ""


def of_response(details: Mapping[str, Any]) -> str:
    """The hint for the `status_details` of a response that did not complete, or ""."""
    error = details.get("error")
    if isinstance(error, Mapping) and (hint := of_error(error)):
        return hint
    return BY_REASON.get(str(details.get("reason")), "")


def of_close(code: int | None, said: str = "", reason: str = "") -> str:
    """The hint for a connection that ended with this code (None: without a close frame) and this reason.

    `said` is the code of the error that the server sent last.
    """
    if said in _ACCOUNT:
        return BY_CODE[said]
    reconnect = "" if code in FINAL else "/reconnect keeps settings and text"
    return "; ".join(filter(None, (advice_for_close(code, reason), reconnect)))
