"""The interface of reply engines: a request, and the pieces that a reply is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from rtcli.protocol.events import WireObject
from rtcli.server.session.items import ConversationItem


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that may be called. `server_label` names the MCP server that runs it; None: the client does."""

    name: str
    description: str
    parameters: WireObject
    server_label: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """One response to be made.

    `context` is the items before it, in order, with what the recognizer made of their audio; `instructions` are those
    that hold for this response, `own_instructions` those of its own `response.create`. `sent` is what the client has
    sent, its audio left out; an engine that judges it empties it.
    """

    context: tuple[ConversationItem, ...]
    instructions: str
    own_instructions: str | None = None
    tools: tuple[OfferedTool, ...] = ()
    tool_choice: Any = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: int | str = "inf"
    sent: list[WireObject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Say:
    """Text to say or write, as it is made: a word, or a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """Audio that is ready (24 kHz PCM16), and what it says. In a text response the text alone is used."""

    pcm: bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; `arguments` is JSON text."""

    tool: OfferedTool
    arguments: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """End the response as failed (or incomplete, with a reason) at this point."""

    error: WireObject
    incomplete: str = ""


@dataclass(frozen=True, slots=True)
class InjectFault:
    """Carry out a fault (`rtcli.protocol.faults`), given as its WHAT."""

    what: str


Piece: TypeAlias = Say | Play | Call | Pause | Fail | InjectFault


class ReplyEngine(Protocol):
    """Makes replies. One engine serves all sessions: it keeps no state of any, all it needs is in the request."""

    name: str

    def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """The pieces of a reply. May take its time; the caller may stop before the end."""


# reading a context ----------------------------------------------------------------------------------------------------


def text_of(item: ConversationItem) -> str:
    """What an item says, as far as it is known: texts, transcripts, and what the recognizer made of its audio."""
    if item.wire["type"] == "function_call_output":
        return str(item.wire["output"])
    parts = [str(part.get("text") or part.get("transcript") or "") for part in item.wire.get("content", ())]
    if not any(parts) and item.recognized_text:  # the client asked for no transcript; the reply needs one
        return item.recognized_text
    return " ".join(part for part in parts if part)


def by_role(context: Sequence[ConversationItem], role: str) -> list[ConversationItem]:
    """The messages of one role."""
    return [item for item in context if item.wire.get("role") == role]


def turn_start(context: Sequence[ConversationItem]) -> int:
    """Where the current turn starts: the index of the first user message after the assistant last spoke or called."""
    start = len(context)  # no user message since then
    for index in range(len(context) - 1, -1, -1):
        wire = context[index].wire
        if wire.get("role") == "assistant" or wire["type"] in ("function_call", "mcp_call"):
            break
        if wire.get("role") == "user":
            start = index
    return start


MAX_CHARACTERS_READ = 2_000
"""The rules read so many characters of a message: a pattern takes more time than in proportion to the length."""


def last_message(request: ReplyRequest) -> str:
    """What the user said last in this turn, or the instructions of the response itself where that is nothing.

    Earlier messages of the turn do not count: their answers were cancelled or failed.
    """
    turn = by_role(request.context[turn_start(request.context) :], "user")
    said = (text_of(item) for item in reversed(turn))
    return next(filter(None, said), "") or request.own_instructions or ""


def outputs_of_turn(context: Sequence[ConversationItem]) -> list[ConversationItem]:
    """Results of tools that no message has answered yet: those after the last one."""
    results = []
    for item in reversed(context):
        if item.wire["type"] == "message":
            break  # it has answered the results before it, or asks for something new
        if item.wire["type"] in ("function_call_output", "mcp_call"):
            results.append(item)
    return results[::-1]


def name_of_call(context: Sequence[ConversationItem], call_id: str) -> str:
    """The function that a call named, or ""."""
    for item in context:
        if item.wire["type"] == "function_call" and item.wire["call_id"] == call_id:
            return str(item.wire["name"])
    return ""
