"""What one response is asked to be: the session's settings, and over them those of its `response.create`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.audio_formats import AudioFormat, parse_format
from rtcli.server.session import items
from rtcli.server.session.conversation import DefaultConversation
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.response import ResponseOptions
from rtcli.server.session.state import EffectiveSession
from rtcli.server.validation import api_errors


def response_options(
    state: EffectiveSession, conversation: DefaultConversation, requested: Mapping[str, Any]
) -> ResponseOptions:
    """Raises ApiError for an `input` that refers to an unknown item."""
    session, output = state.config, requested.get("audio", {}).get("output", {})
    audio_format = parse_format(output.get("format") or session["audio"]["output"]["format"]).to_wire()
    voice = output.get("voice") or session["audio"]["output"]["voice"]
    own = requested.get("instructions")
    given = requested.get("input")
    return ResponseOptions(
        modality=requested.get("output_modalities", session["output_modalities"])[0],
        audio_format=audio_format,
        voice=voice["id"] if isinstance(voice, Mapping) else voice,  # clients want a string here
        speed=session["audio"]["output"]["speed"],  # a response.create cannot change it
        instructions=session["instructions"] if own is None else own,  # "" is an instruction too
        own_instructions=own,
        tools=tuple(requested.get("tools", session["tools"])),
        tool_choice=requested.get("tool_choice", session["tool_choice"]),
        max_output_tokens=requested.get("max_output_tokens", session["max_output_tokens"]),
        parallel_tool_calls=requested.get("parallel_tool_calls", session.get("parallel_tool_calls", True)),
        metadata=requested.get("metadata"),
        input=None
        if given is None
        else tuple(_input(given, conversation, parse_format(session["audio"]["input"]["format"]))),
        out_of_band=requested.get("conversation") == "none",
    )


def _input(
    given: list[Mapping[str, Any]], conversation: DefaultConversation, audio_format: AudioFormat
) -> list[ConversationItem]:
    context = []
    for index, sent in enumerate(given):
        path = f"response.input[{index}]"
        if sent["type"] != "item_reference":
            context.append(items.from_client(sent, path, audio_format))
            continue
        item = conversation.get(sent["id"])
        if item is None:
            text = f"Item with id '{sent['id']}' not found in conversation."  # inferred
            raise api_errors.ApiError(text, "invalid_value", f"{path}.id")
        context.append(item)
    return context
