"""The load of the transport's benchmarks: the events of spoken answers, ready as WebSocket frames."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

PCM_BYTES = 4_800  # a tenth of a second at 24 kHz
PAIRS = 20  # audio and transcript deltas of one answer
OTHERS = 10
PER_ANSWER = 2 * PAIRS + OTHERS

_WORDS = "the quick brown fox jumps over the lazy dog and runs away again".split()  # noqa: SIM905  it reads better


def answer(number: int) -> list[dict[str, Any]]:
    """One spoken answer: 50 events, 40 % audio deltas, 40 % transcript deltas, 20 % the others of the GA protocol."""
    pick = random.Random(number)
    response_id, item_id = f"resp_{number:08}", f"item_{number:08}"
    place = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
    words = [f"{pick.choice(_WORDS)} " for _ in range(PAIRS)]
    text = "".join(words)
    item = {"id": item_id, "object": "realtime.item", "type": "message", "role": "assistant"}
    begun = {**item, "status": "in_progress", "content": []}
    ended = {**item, "status": "completed", "content": [{"type": "output_audio", "transcript": text}]}
    made: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response(response_id, "in_progress", [], None)},
        {"type": "response.output_item.added", "response_id": response_id, "output_index": 0, "item": begun},
        {"type": "conversation.item.added", "previous_item_id": None, "item": begun},
        {"type": "response.content_part.added", **place, "part": {"type": "audio", "transcript": ""}},
    ]
    for word in words:
        pcm = base64.b64encode(pick.randbytes(PCM_BYTES)).decode()
        made.append({"type": "response.output_audio_transcript.delta", **place, "delta": word})
        made.append({"type": "response.output_audio.delta", **place, "delta": pcm})
    made += [
        {"type": "response.output_audio.done", **place},
        {"type": "response.output_audio_transcript.done", **place, "transcript": text},
        {"type": "response.content_part.done", **place, "part": {"type": "audio", "transcript": text}},
        {"type": "conversation.item.done", "previous_item_id": None, "item": ended},
        {"type": "response.output_item.done", "response_id": response_id, "output_index": 0, "item": ended},
        {"type": "response.done", "response": _response(response_id, "completed", [ended], _USAGE)},
    ]
    return [
        {"type": event["type"], "event_id": f"event_{number:06}{index:03}", **event} for index, event in enumerate(made)
    ]


_USAGE = {
    "total_tokens": 300,
    "input_tokens": 100,
    "output_tokens": 200,
    "input_token_details": {"text_tokens": 60, "audio_tokens": 40, "image_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 40, "audio_tokens": 160},
}


def _response(response_id: str, status: str, output: list[Any], usage: Any) -> dict[str, Any]:
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": None,
        "output": output,
        "conversation_id": "conv_bench",
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}},
        "usage": usage,
        "metadata": None,
    }


def frame(event: dict[str, Any]) -> bytes:
    """An event as an unmasked text frame."""
    payload = json.dumps(event, separators=(",", ":")).encode()
    length = len(payload)
    if length < 126:
        head = bytes((0x81, length))
    elif length < 65_536:
        head = b"\x81\x7e" + length.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + length.to_bytes(8, "big")
    return head + payload


def expected(events: int) -> dict[str, int]:
    """What a contestant has to have seen of so many events (a multiple of PER_ANSWER)."""
    answers = events // PER_ANSWER
    characters = sum(
        len(event["delta"])
        for number in range(min(answers, _DISTINCT))
        for event in answer(number)
        if event["type"] == "response.output_audio_transcript.delta"
    )
    assert answers <= _DISTINCT or answers % _DISTINCT == 0
    return {
        "events": events,
        "pcm": answers * PAIRS * PCM_BYTES,
        "characters": characters * max(1, answers // _DISTINCT),
    }


_DISTINCT = 100  # answers are told apart by their ids; from here on their texts and sounds repeat


def frames(events: int) -> Iterator[bytes]:
    """The frames of so many events, made as they are asked for."""
    made: list[bytes] = []
    for number in range(events // PER_ANSWER):
        if number < _DISTINCT:
            fresh = [frame(event) for event in answer(number)]
            made += fresh
            yield from fresh
        else:
            old, new = f"_{number % _DISTINCT:08}".encode(), f"_{number:08}".encode()
            start = (number % _DISTINCT) * PER_ANSWER
            yield from (one.replace(old, new) for one in made[start : start + PER_ANSWER])
