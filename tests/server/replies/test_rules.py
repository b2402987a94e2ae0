"""The built-in rules."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from rtcli.server.replies.base import Call, OfferedTool, Piece, ReplyRequest, Say
from rtcli.server.replies.rules import RulesReply, answer
from rtcli.server.session.items import ConversationItem, committed_audio, from_client, function_call
from tests.server.playbook import user, voice


def typed(text: str) -> ConversationItem:
    return from_client(user(text))


def assistant(text: str) -> ConversationItem:
    content = [{"type": "output_text", "text": text}]
    return from_client({"type": "message", "role": "assistant", "content": content})


def reply(*context: ConversationItem | str, **request: Any) -> str:
    items = tuple(typed(item) if isinstance(item, str) else item for item in context)
    return answer(ReplyRequest(items, "", **request))


def image(kind: str) -> ConversationItem:
    data = BytesIO()
    Image.new("RGB", (64, 32)).save(data, kind)
    url = f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"
    return from_client(user("") | {"content": [{"type": "input_image", "image_url": url}]})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Hello!", "Hello! I am the test server of rtcli. How can I help you?"),
        ("Say hi there", "hi there"),
        ("Say exactly: one two three", "one two three"),
        ("Repeat after me: good morning", "good morning"),
        ("Please say: The quick brown fox.", "The quick brown fox."),
        ("Repeat the following text: Hello there, friend.", "Hello there, friend."),
        ("Read this sentence aloud: It rains.", "It rains."),
        ("Respond with the following text: ok", "ok"),
        ("Say hello in one word.", "hello"),
        ("Reply with the word PONG", "PONG"),
        ("Respond with only OK", "OK"),
        ('Say "quoted"', "quoted"),
        ("Count to 5", "1, 2, 3, 4, 5."),
        ("count from 3 to 6, please", "3, 4, 5, 6."),
        ("Count down from 3 to 1", "3, 2, 1."),
        ("My name is Sam", "Nice to meet you, Sam."),
        (
            "Why is the sky blue?",
            "You said: Why is the sky blue? I am a set of built-in rules, so that is all I can tell you.",
        ),
    ],
)
def test_what_is_asked_for_is_said(message: str, expected: str) -> None:
    """And no more than that."""
    assert reply(message) == expected


def test_a_response_that_is_told_what_to_say_says_it() -> None:
    """Before what the user said, as a text that is to be spoken; other instructions do not stand in for the user."""
    assert reply("Hello!", own_instructions="Repeat the following text: Good evening.") == "Good evening."
    assert reply("Say hi", own_instructions="Be brief. Say nothing of the weather.") == "hi"


def test_a_message_without_end_is_read_at_its_beginning() -> None:
    """Searching all of it would take minutes, and hold up every other session; what is repeated is repeated whole."""
    asked_late = "word " * 500 + "count to 3"

    assert reply(asked_late) == (f"You said: {asked_late} I am a set of built-in rules, so that is all I can tell you.")
    assert reply("count " * 20_000).startswith("You said: count")
    assert reply("Say: " + "word " * 20_000) == ("word " * 20_000).strip()
    assert reply("Say: so" + " " * 100_000 + "what") == "so" + " " * 100_000 + "what"


def test_an_answer_can_be_long_but_not_without_end() -> None:
    """A thousand numbers are the most."""
    assert reply("count to 999999").count(",") == 999
    assert len(reply("Tell me a long story")) > 200


def test_the_time_is_the_clocks() -> None:
    """Hours, minutes, day and year."""
    assert re.fullmatch(r"It is \d\d:\d\d on \w+, \d{1,2} \w+ \d{4}\.", reply("What time is it?"))


def test_the_conversation_is_remembered() -> None:
    """A name that was given is known later, and one that was not is not made up."""
    assert reply("My name is Ann", assistant("Nice."), "What is my name?") == "Your name is Ann."
    assert reply("What is my name?") == "You have not told me your name."


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_is_measured(kind: str) -> None:
    """Its format and size, and nothing of what it shows."""
    assert reply(image(kind)) == f"I see a {kind} image of 64 by 32 pixels. I cannot tell what it shows."


def test_an_image_that_is_none_is_said_to_be_none() -> None:
    """Bytes that only claim to be a PNG."""
    url = "data:image/png;base64," + base64.b64encode(b"nonsense").decode()
    item = from_client(user("") | {"content": [{"type": "input_image", "image_url": url}]})

    assert reply(item) == "You sent an image that I cannot decode."


def test_speech_with_a_transcript_is_answered_like_text() -> None:
    """Without one, the answer says why: no recognizer, or no words in it."""
    understood, silent, not_understood = (committed_audio(f"item_{n}", voice(0.5)) for n in range(3))
    understood.recognized_text, silent.recognized_text = "count to three. Count to 3.", ""

    assert reply(understood) == "1, 2, 3."
    assert reply(silent) == "I heard 0.5 seconds of audio, and no words in it."
    assert "no recognizer" in reply(not_understood)


def test_only_the_present_turn_is_answered() -> None:
    """What was answered is not answered again, nor a message whose answer was cut off before a word of it."""
    assert reply("Count to 3", assistant("1, 2, 3."), "Say bye") == "bye"
    assert reply("Count to 100", "Say hello") == "hello"


def test_an_image_and_words_may_be_two_messages() -> None:
    """The image is described, whatever was asked of it."""
    assert reply(image("PNG"), "What is this?").startswith("I see a PNG image")


def test_instructions_of_a_response_are_followed_where_nobody_asked() -> None:
    """A greeting before anybody has spoken; without any, the rules greet."""
    assert reply(own_instructions="Say welcome aboard") == "welcome aboard"
    assert reply().startswith("Hello!")


@pytest.mark.parametrize(
    ("output", "answered"),
    [
        ('{"temp_c": 21, "sky": ["clear", "blue"]}', "f says temp c: 21, sky: clear, blue."),
        ("It rains.", "f says It rains."),
        ("[" * 100_000, f"f says {'[' * 100_000}."),
        ("", "f says nothing."),
    ],
)
def test_the_output_of_a_tool_is_answered(output: str, answered: str) -> None:
    """JSON as it would be read out."""
    call = ConversationItem(function_call("f", "call_1", "{}", status="completed"))
    result = from_client({"type": "function_call_output", "call_id": "call_1", "output": output})

    assert reply("f", call, result) == answered


def test_an_output_that_is_nested_too_deeply_to_be_read_out_is_answered_as_well() -> None:
    """Deep enough for JSON's reader, and too deep for ours."""
    call = ConversationItem(function_call("f", "call_1", "{}", status="completed"))
    output = "[" * 900 + "1" + "]" * 900
    result = from_client({"type": "function_call_output", "call_id": "call_1", "output": output})

    assert reply("f", call, result).startswith("f says ")


async def test_words_come_one_by_one_and_calls_alone() -> None:
    """Streaming has something to stream."""

    async def pieces(message: str, *tools: OfferedTool) -> list[Piece]:
        return [piece async for piece in RulesReply().reply(ReplyRequest((typed(message),), "", tools=tools))]

    tool = OfferedTool("get_time", "", {})
    assert await pieces("Say one two") == [Say("one "), Say("two")]
    assert await pieces("what time is it", tool) == [Call(tool, "{}")]
