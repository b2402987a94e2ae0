"""Conversation items as the API writes them: keys, their order, and what is kept of an item that a client sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.dsp.codec import decode
from rtcli.protocol.audio_formats import PCM16, AudioFormat, decode_base64, encode_base64
from rtcli.protocol.events import WireObject
from rtcli.server.ids import new_id
from rtcli.server.validation import api_errors

MAX_AUDIO_BYTES = 15 * 2**20
"""Of audio in one event."""

_FORMAT_NAMES = {
    "audio/pcm": "mono PCM16 at 24kHz",
    "audio/pcmu": "G.711 mu-law at 8kHz",
    "audio/pcma": "G.711 A-law at 8kHz",
}


@dataclass(slots=True)
class ConversationItem:
    """One item: `wire` is what events show of it."""

    wire: WireObject
    audio: dict[int, bytes | bytearray] = field(default_factory=dict)  # 24 kHz PCM16, by content index
    recognized_text: str | None = None  # of its audio, whether or not the client asked for a transcript
    truncated: bool = False  # by the client, perhaps while it was being made
    unseen: frozenset[str] = frozenset()  # the items before it that arrived while it was being made

    @property
    def id(self) -> str:
        return str(self.wire["id"])

    def with_audio(self) -> WireObject:
        """The item as `conversation.item.retrieved` shows it: the only event that carries its audio."""
        if not self.audio:
            return self.wire
        parts = [
            {**part, "audio": encode_base64(self.audio[index])} if index in self.audio else part
            for index, part in enumerate(self.wire["content"])
        ]
        return {**self.wire, "content": parts}


def message(
    role: str, content: list[WireObject], *, status: str = "completed", item_id: str | None = None
) -> WireObject:
    """A message, its keys in the order of the wire."""
    return {"id": item_id or new_id("item"), "type": "message", "status": status, "role": role, "content": content}


def function_call(name: str, call_id: str, arguments: str, *, status: str, item_id: str | None = None) -> WireObject:
    """A function call."""
    return {
        "id": item_id or new_id("item"),
        "type": "function_call",
        "status": status,
        "name": name,
        "call_id": call_id,
        "arguments": arguments,
    }


def committed_audio(item_id: str, pcm: bytes) -> ConversationItem:
    """What a commit of the input buffer makes: the `transcript` key is there even without one."""
    part = {"type": "input_audio", "transcript": None}
    return ConversationItem(message("user", [part], item_id=item_id), {0: pcm})


def from_client(sent: Mapping[str, Any], path: str = "item", audio_format: AudioFormat = PCM16) -> ConversationItem:
    """An item that a client sent, whose shape has been checked; its audio is in the session's input format.

    Raises ApiError for audio that is not base64.
    """
    return _MAKERS[sent["type"]](sent, path, audio_format)


def _message(sent: Mapping[str, Any], path: str, audio_format: AudioFormat) -> ConversationItem:
    audio: dict[int, bytes | bytearray] = {}
    content = []
    for index, part in enumerate(sent["content"]):
        if part["type"] == "input_audio":
            # decoded as bytes first: errors name the part and the format
            data = decode_audio(part["audio"], f"{path}.content[{index}].audio", audio_format)
            audio[index] = decode(data, audio_format)
        content.append(_PARTS[part["type"]](part))
    return ConversationItem(message(sent["role"], content, item_id=sent.get("id")), audio)


_PARTS = {
    "input_text": lambda part: {"type": "input_text", "text": part["text"]},
    "output_text": lambda part: {"type": "output_text", "text": part["text"]},
    # audio that comes with its text is kept as the text it says
    "output_audio": lambda part: {"type": "output_text", "text": part["text"]},
    # the audio itself is kept beside the wire, and shown when the item is retrieved
    "input_audio": lambda part: {"type": "input_audio", "transcript": part.get("transcript")},
    "input_image": lambda part: {
        "type": "input_image",
        "image_url": part["image_url"],
        "detail": part.get("detail") or "auto",
    },
}


def _function_call(sent: Mapping[str, Any], path: str, audio_format: AudioFormat) -> ConversationItem:
    call_id = sent.get("call_id") or new_id("call")
    return ConversationItem(
        function_call(sent["name"], call_id, sent["arguments"], status="completed", item_id=sent.get("id"))
    )


def _function_call_output(sent: Mapping[str, Any], path: str, audio_format: AudioFormat) -> ConversationItem:
    item_id = sent.get("id") or new_id("item")
    return ConversationItem({"id": item_id, "type": sent["type"], "call_id": sent["call_id"], "output": sent["output"]})


def _approval(sent: Mapping[str, Any], path: str, audio_format: AudioFormat) -> ConversationItem:
    wire = {key: sent[key] for key in ("type", "approval_request_id", "approve")}
    reason = {"reason": sent["reason"]} if sent.get("reason") is not None else {}
    return ConversationItem({"id": sent.get("id") or new_id("item"), **wire, **reason})


_MAKERS = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _function_call_output,
    "mcp_approval_response": _approval,
}


def decode_audio(text: str, path: str, audio_format: AudioFormat) -> bytes:
    """The bytes of an `audio` field. Raises ApiError where it is not base64, empty, or larger than 15 MiB."""
    form = _FORMAT_NAMES[audio_format.type]
    try:
        data = decode_base64(text)
    except ValueError as error:
        raise api_errors.bad_audio(path, form, "an invalid value") from error
    if not data:
        raise api_errors.bad_audio(path, form, "empty bytes")
    if len(data) > MAX_AUDIO_BYTES:
        raise api_errors.bad_audio(path, form, f"{len(data)} bytes, more than {MAX_AUDIO_BYTES}")
    return data
