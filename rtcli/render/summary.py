"""What matters of one event, in the few words that its row has room for: a table, type -> function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rtcli.errors import error_of
from rtcli.masking import masked_start
from rtcli.protocol.audio_formats import base64_length
from rtcli.protocol.events import texts_of
from rtcli.protocol.ids import short_id
from rtcli.protocol.outcome import end_reasons
from rtcli.protocol.units import duration, size
from rtcli.render.media import WireFormats

_Event = Mapping[str, Any]
_Summarizer = Callable[[_Event, WireFormats], str]

_QUOTED = 120
"""Characters of a text that a row looks at; the row's width decides what is seen."""


def summarize(event: _Event, formats: WireFormats) -> str:
    """The words for a row; "" where the type says it all. Never raises: an odd field is shown as it is."""
    type_ = str(event.get("type", ""))
    try:
        return _function_for(type_)(event, formats)
    # a field of a shape that nobody expected: that is the server's affair and no reason to fail here
    except (AttributeError, TypeError, ValueError, KeyError):
        return _scalars(event, formats)


def quote(text: object) -> str:
    """The start of a text in quotes, on one line."""
    return json.dumps(masked_start(str(text), _QUOTED), ensure_ascii=False)


def summarize_item(item: Mapping[str, Any]) -> str:
    """`user "hello" +image`, `function_call get_weather({"city":"Bonn"})`, `function_call_output "21"`."""
    kind, status = str(item.get("type", "")), item.get("status")
    if kind == "message":
        words = " ".join([str(item.get("role", "")), *_parts(item.get("content"))])
    elif "name" in item:
        words = f"{kind} {item['name']}({item.get('arguments') or ''})"
    else:
        words = f"{kind} {quote(item['output'])}" if "output" in item else kind
    return f"{words} ({status})" if status == "incomplete" else words


def _parts(content: object) -> Iterator[str]:
    for part in content if isinstance(content, list) else ():
        text = part.get("text") or part.get("transcript")
        if text:
            yield quote(text)
        elif part.get("audio"):
            yield f"+audio {size(base64_length(part['audio']))}"
        else:
            yield f"+{str(part.get('type', '?')).removeprefix('input_').removeprefix('output_')}"


def _item(event: _Event, formats: WireFormats) -> str:
    return summarize_item(event["item"])


def _session(event: _Event, formats: WireFormats) -> str:
    session = event["session"]
    audio = session.get("audio") or {}
    # null means that it is off, which is worth a word; a missing one says nothing
    turn = (audio.get("input") or {}).get("turn_detection", "")
    words = (
        session.get("model") or session.get("type"),
        "+".join(texts_of(session.get("output_modalities"))),
        (audio.get("output") or {}).get("voice"),
        "no turn detection" if turn is None else turn and turn.get("type"),
    )
    return " ".join(str(word) for word in words if word)


def _session_update(event: _Event, formats: WireFormats) -> str:
    return " ".join(_leaves(event["session"], ""))


def _leaves(value: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The paths of a config that carry a value; objects with a `type` of their own count as one."""
    for key, part in value.items():
        if isinstance(part, Mapping) and part and "type" not in part:
            yield from _leaves(part, f"{prefix}{key}.")
        elif prefix or key != "type":
            yield prefix + key


def _response_created(event: _Event, formats: WireFormats) -> str:
    response = event["response"]
    # null: it is not added to the conversation; other servers leave the field out
    return "out of band" if response.get("conversation_id", "") is None else ""


def _response_done(event: _Event, formats: WireFormats) -> str:
    response = event["response"]
    usage = response.get("usage") or {}
    why, *message = end_reasons(response) or ("",)
    words = [str(response.get("status"))]
    # some servers give a reason for success as well ("stop")
    if why and response.get("status") != "completed":
        words += [f"({why})", *message]
    if usage.get("total_tokens"):
        words.append(f"{usage.get('input_tokens')} → {usage.get('output_tokens')} tokens")
    return " ".join(words)


def _response_create(event: _Event, formats: WireFormats) -> str:
    return " ".join(_leaves(event.get("response") or {}, ""))


def _error(event: _Event, formats: WireFormats) -> str:
    error = event["error"]
    words = f"{error.get('code') or error.get('type')}: {error.get('message')}"
    if error.get("param"):
        words += f" ({error['param']})"
    return f"{words} ← {short_id(error['event_id'])}" if error.get("event_id") else words


def _rate_limits(event: _Event, formats: WireFormats) -> str:
    return ", ".join(f"{limit['name']} {limit['remaining']}/{limit['limit']}" for limit in event["rate_limits"])


def _audio_delta(event: _Event, formats: WireFormats) -> str:
    return _audio(event["delta"], formats.output.milliseconds)


def _append(event: _Event, formats: WireFormats) -> str:
    return _audio(event["audio"], formats.input.milliseconds)


def _audio(text: str, milliseconds: Callable[[int], int]) -> str:
    # of the text's length alone: decoding it for a row would cost more than everything else here
    length = base64_length(text)
    return f"{duration(milliseconds(length))} {size(length)}"


def _part(event: _Event, formats: WireFormats) -> str:
    part = event["part"]
    text = part.get("text") or part.get("transcript")
    return f"{part.get('type')} {quote(text)}" if text else str(part.get("type"))


def _first_text(event: _Event, formats: WireFormats) -> str:
    for key in ("delta", "text", "transcript", "arguments"):
        if isinstance(event.get(key), str):
            name = f"{event['name']} " if key == "arguments" and event.get("name") else ""
            return name + quote(event[key])
    return ""


def _offsets(event: _Event, formats: WireFormats) -> str:
    return " ".join(f"{key}={event[key]}" for key in ("audio_start_ms", "audio_end_ms") if key in event)


def _failed(event: _Event, formats: WireFormats) -> str:
    error = error_of(event)
    said = error.get("code") or error.get("type"), error.get("message")
    return ": ".join(str(part) for part in said if part) or _scalars(event, formats)


def _nothing(event: _Event, formats: WireFormats) -> str:
    return ""


def _scalars(event: _Event, formats: WireFormats) -> str:
    """For a type nobody told us about: its plain fields."""
    skipped = ("type", "event_id", "item_id", "response_id", "previous_item_id")
    # ids have columns of their own
    plain = {key: value for key, value in event.items() if key not in skipped and isinstance(value, str | int | float)}
    return " ".join(f"{key}={quote(v) if isinstance(v, str) else v}" for key, v in list(plain.items())[:6])


_BY_TYPE: dict[str, _Summarizer] = {
    "session.created": _session,
    "session.updated": _session,
    "session.started": _session,
    "session.update": _session_update,
    "session.start": _session_update,
    "response.created": _response_created,
    "response.create": _response_create,
    "response.done": _response_done,
    "response.output_audio.delta": _audio_delta,
    "session.output_audio.delta": _audio_delta,
    "response.output_audio.done": _nothing,
    "response.content_part.added": _part,
    "response.content_part.done": _part,
    "input_audio_buffer.append": _append,
    "session.input_audio_buffer.append": _append,
    "session.input_audio.append": _append,
    "input_audio_buffer.speech_started": _offsets,
    "input_audio_buffer.speech_stopped": _offsets,
    "input_audio_buffer.timeout_triggered": _offsets,
    "input_audio_buffer.committed": _nothing,
    "conversation.item.truncate": _offsets,
    "conversation.item.truncated": _offsets,
    "conversation.item.deleted": _nothing,
    "rate_limits.updated": _rate_limits,
    "error": _error,
}
_BY_SUFFIX: tuple[tuple[str, _Summarizer], ...] = (
    (".delta", _first_text),
    ("_text.done", _first_text),
    ("_transcript.done", _first_text),
    ("_arguments.done", _first_text),
    ("transcription.completed", _first_text),
    (".failed", _failed),
)
_ITEM_TYPES = ("conversation.item.", "response.output_item.")


def _function_for(type_: str) -> _Summarizer:
    if type_ in _BY_TYPE:
        return _BY_TYPE[type_]
    # also for types of other servers and of later versions of the API
    for suffix, function in _BY_SUFFIX:
        if type_.endswith(suffix):
            return function
    return _item if type_.startswith(_ITEM_TYPES) else _scalars
