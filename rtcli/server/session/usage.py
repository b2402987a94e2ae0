"""Token counts by simple rates, usage objects, and the rate limits that follow from them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import WireObject
from rtcli.server.session.items import ConversationItem

# the rates that OpenAI documents; of text a rule of thumb
_CHARACTERS_PER_TOKEN = 4
_USER_AUDIO_TOKEN_MS = 100
_ASSISTANT_AUDIO_TOKEN_MS = 50
# by detail; high is what an image of 1024 by 1024 pixels costs
_IMAGE_TOKENS = {"low": 85, "high": 765, "auto": 765}
_TOKEN_LIMIT = 15_000_000  # a minute
_BY_DURATION = (  # transcription models that are billed by the second
    "whisper-1",
    "gpt-realtime-whisper",
    "gpt-transcribe",
    "gpt-live-transcribe",
)


def text_tokens(text: str) -> int:
    """About four characters make a token."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def audio_tokens(pcm: int, *, user: bool) -> int:
    """Tokens of so many bytes of 24 kHz PCM16: one for 100 ms of the user, for 50 ms of the assistant."""
    per = _USER_AUDIO_TOKEN_MS if user else _ASSISTANT_AUDIO_TOKEN_MS
    return math.ceil(PCM16.milliseconds(pcm) / per)


def item_tokens(item: ConversationItem) -> dict[str, int]:
    """Text, audio and image tokens of one item."""
    wire = item.wire
    user = wire.get("role") != "assistant"
    texts = [str(wire.get(key) or "") for key in ("name", "arguments", "output")]
    images = 0
    for part in wire.get("content", ()):
        texts.append(str(part.get("text") or part.get("transcript") or ""))
        if part["type"] == "input_image":
            images += _IMAGE_TOKENS[part["detail"]]
    audio = sum(audio_tokens(len(pcm), user=user) for pcm in item.audio.values())
    return {"text": sum(map(text_tokens, texts)), "audio": audio, "image": images}


def input_counts(instructions: str, tools: Iterable[WireObject], items: Iterable[ConversationItem]) -> dict[str, int]:
    """What a response reads: instructions, tools and the items of its context."""
    total = {"text": text_tokens(instructions) + sum(text_tokens(str(tool)) for tool in tools), "audio": 0, "image": 0}
    for item in items:
        for kind, count in item_tokens(item).items():
            total[kind] += count
    return total


def response_usage(read: dict[str, int], written: dict[str, int]) -> WireObject:
    """The `usage` of a response; nothing is cached here, so the cached figures are zero."""
    cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    read_total, written_total = sum(read.values()), sum(written.values())
    return {
        "total_tokens": read_total + written_total,
        "input_tokens": read_total,
        "output_tokens": written_total,
        "input_token_details": {
            "text_tokens": read["text"],
            "audio_tokens": read["audio"],
            "image_tokens": read["image"],
            "cached_tokens": 0,
            "cached_tokens_details": cached,
        },
        "output_token_details": {"text_tokens": written["text"], "audio_tokens": written["audio"]},
    }


def transcription_usage(model: str, pcm: int, transcript: str) -> WireObject:
    """By duration in whole seconds, or by tokens, as the model is billed. Silence is 0 seconds."""
    if model in _BY_DURATION:
        seconds = math.ceil(PCM16.milliseconds(pcm) / 1000) if transcript else 0
        return {"type": "duration", "seconds": seconds}
    read, written = audio_tokens(pcm, user=True), text_tokens(transcript)
    return {
        "type": "tokens",
        "total_tokens": read + written,
        "input_tokens": read,
        "input_token_details": {"text_tokens": 0, "audio_tokens": read},
        "output_tokens": written,
    }


def rate_limits(used: int) -> list[WireObject]:
    """The one limit that the API names in practice, as it stands after a response of so many tokens."""
    reset = round(used / _TOKEN_LIMIT * 60, 3)
    return [{"name": "tokens", "limit": _TOKEN_LIMIT, "remaining": _TOKEN_LIMIT - used, "reset_seconds": reset}]
