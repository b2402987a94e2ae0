"""When the built-in rules call a tool, and which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice

from rtcli.server.replies.arguments import arguments_for, subjects
from rtcli.server.replies.base import (
    MAX_CHARACTERS_READ,
    Call,
    OfferedTool,
    ReplyRequest,
    last_message,
    outputs_of_turn,
)

# Words in a tool's name that say nothing of its subject.
_GENERIC = {"get", "set", "fetch", "lookup", "look", "up", "find", "show", "do", "run", "make", "the", "a", "an"}
_GENERIC |= {"tool", "function", "current", "call", "to", "for", "of", "by", "user", "data", "info", "query", "list"}
_MAX_CALLS = 32  # in one response


def tool_calls(request: ReplyRequest) -> list[Call]:
    """The calls that this request demands; [] where it is to be answered in words, as the output of a call is."""
    if not request.tools or request.tool_choice == "none" or outputs_of_turn(request.context):
        return []
    message = last_message(request)[:MAX_CHARACTERS_READ]
    calls = (
        Call(tool, arguments_for(tool.parameters, _about(message, subject)))
        for tool in _wanted(request, message)
        for subject in (subjects(message) if request.parallel_tool_calls and _takes_one(tool) else []) or [""]
    )
    return list(islice(calls, _MAX_CALLS))  # lazily: a message may name thousands of subjects


def _wanted(request: ReplyRequest, message: str) -> list[OfferedTool]:
    choice = request.tool_choice
    if isinstance(choice, Mapping):
        named = [tool for tool in request.tools if _is_chosen(tool, choice)]
        return named[:1]
    asked = [tool for tool in request.tools if plainly_asks(message, tool)]
    if choice == "required":  # at least one, whether or not the message asks for it
        return (asked or list(request.tools))[:1] if not request.parallel_tool_calls else asked or [request.tools[0]]
    return asked if request.parallel_tool_calls else asked[:1]


def _is_chosen(tool: OfferedTool, choice: Mapping[str, object]) -> bool:
    if choice["type"] == "mcp":
        return tool.server_label == choice["server_label"] and choice.get("name") in (None, tool.name)
    return tool.server_label is None and tool.name == choice["name"]


def plainly_asks(message: str, tool: OfferedTool) -> bool:
    """Whether every word of the tool's name that says something is in the message.

    Frameworks put a plugin's or a server's name before the tool's (`plugin-tool`, `server__tool`): that may be missing.
    """
    if tool.name.lower() in message.lower():
        return True
    spoken = _spoken_words(message)
    return any(telling and telling <= spoken for telling in map(_telling_words, {tool.name, _own_name(tool.name)}))


@lru_cache(maxsize=1)  # a session may have many tools
def _spoken_words(message: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in re.findall(r"[a-z]+", message.lower()))


def _own_name(name: str) -> str:
    return re.split(r"[-./:]|__", name)[-1]


def _telling_words(name: str) -> set[str]:
    words = (word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))
    return {_stem(word) for word in words if word not in _GENERIC}


def _stem(word: str) -> str:
    """Plurals and -ing forms count as the word."""
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # "ring" and "bus" stay whole
            return word[: -len(ending)]
    return word


def _takes_one(tool: OfferedTool) -> bool:
    """Whether the tool asks for one subject, so that two subjects are two calls."""
    properties = tool.parameters.get("properties") or {}
    required = tool.parameters.get("required") or list(properties)
    kinds = [properties.get(name, {}) for name in required]
    return sum(1 for kind in kinds if kind.get("type") == "string" and not kind.get("enum")) == 1


def _about(message: str, subject: str) -> str:
    """The message with one of its subjects alone."""
    if not subject:
        return message
    names = subjects(message)
    first, last = message.index(names[0]), message.rindex(names[-1]) + len(names[-1])
    return f"{message[:first]}{subject}{message[last:]}"
