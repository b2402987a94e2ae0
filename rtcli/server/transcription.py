"""What the server says of the user's speech: transcription events for a committed item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from rtcli.dsp.levels import rms_db
from rtcli.server import usage
from rtcli.server.events import event, obfuscated
from rtcli.server.items import Item

Json: TypeAlias = dict[str, Any]

_PREFIX = "conversation.item.input_audio_transcription"
_SILENT_DB = -55.0


def events(item: Item, model: str, transcript: str | None) -> Iterator[Json]:
    """Deltas and `completed`, or `failed` where there is no recogniser (None) and somebody spoke.

    Without a recogniser an empty transcript would be a lie about speech; about silence it is true.
    """
    place = {"item_id": item.id, "content_index": 0}
    pcm = b"".join(item.audio.values())
    if transcript is None and rms_db(pcm) > _SILENT_DB:
        yield event(f"{_PREFIX}.failed", **place, error=_failure(item.id))
        return
    transcript = transcript or ""
    for word in re.findall(r"\S+\s*", transcript):
        yield obfuscated(event(f"{_PREFIX}.delta", **place, delta=word))
    count = usage.transcription_usage(model, len(pcm), transcript)
    yield event(f"{_PREFIX}.completed", **place, transcript=transcript, usage=count)
    item.wire = {**item.wire, "content": [_with(part, transcript) for part in item.wire["content"]]}


def _with(part: Json, transcript: str) -> Json:
    return {**part, "transcript": transcript} if part["type"] == "input_audio" else part


def _failure(item_id: str) -> Json:
    """No `param`: the JavaScript agents SDK refuses a null there, and it has no other value."""
    why = "this server has no recogniser (pip install 'rtcli[voice]')"
    return {
        "type": "server_error",
        "code": "transcriber_unavailable",
        "message": f"Input transcription failed for item '{item_id}': {why}.",
    }
