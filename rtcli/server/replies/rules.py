"""The built-in rules: small, honest, the same every time. They are not a language model and never pretend to be one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import PCM16, decode_base64
from rtcli.protocol.events import read_json
from rtcli.server.replies.base import (
    MAX_CHARACTERS_READ,
    Piece,
    ReplyRequest,
    Say,
    by_role,
    last_message,
    name_of_call,
    outputs_of_turn,
    text_of,
    turn_start,
)
from rtcli.server.replies.tool_use import tool_calls
from rtcli.server.session.items import ConversationItem

_MAX_COUNT = 1_000  # numbers in one reply
_WORDS = re.compile(r"\S+\s*")
_Answer: TypeAlias = Callable[[re.Match[str], ReplyRequest], str]


class RulesReply:
    """Greets, repeats, counts, tells the time and an image's size, calls a tool that is plainly asked for."""

    name = "built-in rules"

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Word by word; or calls."""
        calls = tool_calls(request)
        for call in calls:
            yield call
        if not calls:
            for word in _WORDS.finditer(answer(request)):
                yield Say(word.group())


def answer(request: ReplyRequest) -> str:
    """What the rules say."""
    if results := outputs_of_turn(request.context):
        return " ".join(_tell(result, request.context) for result in results)
    turn = by_role(request.context[turn_start(request.context) :], "user")
    message = last_message(request)
    if own := _REPEAT.match(request.own_instructions or ""):  # what the response itself asks for comes first
        return _repeat(own)
    images = [part for item in turn for part in item.wire["content"] if part["type"] == "input_image"]
    if images:
        return " ".join(_describe(image["image_url"]) for image in images)
    if turn and turn[-1].audio and not text_of(turn[-1]):
        return _not_understood(turn[-1])
    asked = message[:MAX_CHARACTERS_READ]
    # the command is looked for in that part alone, and what is repeated is the whole
    if (command := _REPEAT.search(asked)) and (match := _REPEAT.match(message, command.start())):
        return _repeat(match)
    found = ((make, pattern.search(asked)) for pattern, make in _RULES)
    return next((make(match, request) for make, match in found if match), None) or _otherwise(message)


# what was said, and what to say ---------------------------------------------------------------------------------------


def _repeat(match: re.Match[str]) -> str:
    words = match.group("words").rstrip()
    if how_long := _HOW_LONG.search(words, max(0, len(words) - 40)):
        words = words[: how_long.start()]  # "say hello in one word" is not to be said to the end
    return words.strip().strip("\"'“”‘’") or "There is nothing to repeat."


def _count(match: re.Match[str], request: ReplyRequest) -> str:
    first = int(match.group("first") or 1)
    last = int(match.group("last"))
    step = 1 if last >= first else -1
    numbers = range(first, last + step, step)[:_MAX_COUNT]  # a slice of a range costs nothing
    return ", ".join(map(str, numbers)) + "."


def _long(match: re.Match[str], request: ReplyRequest) -> str:
    numbers = ", ".join(map(str, range(1, 61)))  # long enough to be interrupted
    return f"I know no {match.group('what').lower()}, but I can talk for a while: {numbers}. That was all."


def _time(match: re.Match[str], request: ReplyRequest) -> str:
    now = datetime.now().astimezone()
    return f"It is {now:%H:%M} on {now:%A}, {now.day} {now:%B %Y}."


def _greet(match: re.Match[str], request: ReplyRequest) -> str:
    return "Hello! I am the test server of rtcli. How can I help you?"


def _remember(match: re.Match[str], request: ReplyRequest) -> str:
    return f"Nice to meet you, {match.group('name')}."


def _recall(match: re.Match[str], request: ReplyRequest) -> str:
    for item in reversed(by_role(request.context, "user")):
        if said := _MY_NAME.search(text_of(item)):
            return f"Your name is {said.group('name')}."
    return "You have not told me your name."


def _help(match: re.Match[str], request: ReplyRequest) -> str:
    return (
        "I am a set of built-in rules, not a language model. I can greet you, repeat after you, count to a number, "
        "tell the time, tell an image's size, and call a tool that you ask for."
    )


def _otherwise(message: str) -> str:
    if not message:
        return "Hello! I am the test server of rtcli. Say something, and I will answer by rules."
    return f"You said: {message} I am a set of built-in rules, so that is all I can tell you."


_MY_NAME = re.compile(r"\bmy name is (?P<name>[\w'’-]+)", re.I)

# how models are asked for a short answer
_HOW_LONG = re.compile(r"\sin (?:exactly )?(?:one|two|three|a few|\d+) words?\W*\Z")
# with a colon many more forms are a command to repeat than without one
_REPEAT = re.compile(
    r"\b(?:(?:repeat|say|read|(?:reply|respond|answer) with)"
    r"(?: (?:back|aloud|exactly|only|just|after me|this|these|the|following"
    r"|text|sentence|phrase|message|words?))*:"
    r"|(?:repeat|say)(?: back)?(?: (?:exactly|only|just|this|these words|after me|the words?|the following))*"
    r"|(?:reply|respond|answer)(?: (?:only|exactly|just))? with(?: (?:only|exactly|just|the words?))*)"
    r"\s+(?P<words>\S.*)",
    re.I | re.S,
)

# The first that is found answers.
_RULES: Sequence[tuple[re.Pattern[str], _Answer]] = [
    (
        re.compile(
            r"\bcount(?:ing)?\b[^\d]*?(?:from (?P<first>\d{1,6})\D+?)?(?:up |down )?(?:to )?(?P<last>\d{1,6})\b", re.I
        ),
        _count,
    ),
    (re.compile(r"\b(?:long|longer)? ?(?P<what>stor(?:y|ies)|poems?|essays?|jokes?|speech(?:es)?)\b", re.I), _long),
    (re.compile(r"\bwhat(?:'s| is)? (?:the )?(?:time|date|day)\b|\btell .*\b(?:time|date)\b", re.I), _time),
    (re.compile(r"\bwhat(?:'s| is) my name\b|\bwho am i\b", re.I), _recall),
    (_MY_NAME, _remember),
    (re.compile(r"\b(?:help|what can you do|who are you|what are you)\b", re.I), _help),
    (re.compile(r"\b(?:hello|hi|hey|greet|greeting|good (?:morning|evening|afternoon))\b", re.I), _greet),
]


# audio, images, results of tools --------------------------------------------------------------------------------------


def _not_understood(item: ConversationItem) -> str:
    seconds = sum(PCM16.milliseconds(len(pcm)) for pcm in item.audio.values()) / 1000
    if item.recognized_text is None:
        return f"I heard {seconds:.1f} seconds of audio, but I have no recognizer, so I cannot tell what was said."
    return f"I heard {seconds:.1f} seconds of audio, and no words in it."


def _describe(url: str) -> str:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(decode_base64(url.partition(",")[2]))) as image:
            return (
                f"I see a {image.format} image of {image.width} by {image.height} pixels. I cannot tell what it shows."
            )
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return "You sent an image that I cannot decode."


def _tell(result: ConversationItem, context: Sequence[ConversationItem]) -> str:
    if result.wire["type"] == "mcp_call":
        return f"{result.wire['name']} says {_plain(result.wire.get('output') or result.wire.get('error'))}."
    name = name_of_call(context, result.wire["call_id"]) or "The tool"
    return f"{name} says {_plain(result.wire['output'])}."


def _plain(output: Any) -> str:
    """JSON as it would be read out; what is nested too deeply for that as it is written."""
    try:
        return _read_out(output)
    except RecursionError:
        return str(output)


def _read_out(output: Any) -> str:
    try:
        value = read_json(output) if isinstance(output, str) else output
    except ValueError:
        value = output
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')}: {_read_out(inner)}" for key, inner in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(_read_out, value)) or "nothing"
    return str(value).strip().rstrip(".") or "nothing"
