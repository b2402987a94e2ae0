"""What an event should look like: fields by value, glob, words, expression and comparison."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.event_matching import EventMatcher, refuse_bare_expression, words_matcher

ITEM = {
    "type": "conversation.item.create",
    "item": {"type": "message", "content": [{"type": "input_text", "text": "What time is it?"}]},
    "audio_end_ms": 850,
    "count": 2,
    "flag": True,
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "conversation.item.create"},
        {"type": "conversation.item.*"},
        {"item": {"content": [{"text": "TIME"}]}},
        {"item": {"content": [{"text": "/time.*it/"}]}},
        {"item.content.0.text": "what time"},
        {"item.type": "message", "count": 2, "flag": True},
        {"audio_end_ms": "<900ms", "count": ">=2"},
        {"audio_end_ms": "<=0.85s"},
        {"item": {"content.0.type": "input_*"}},
    ],
)
def test_fields_that_match(fields: dict[str, Any]) -> None:
    assert EventMatcher(fields).differences(ITEM) == ()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"type": "response.create"}, ""),
        ({"item": {"type": "mess"}}, "item.type"),
        ({"item": {"content": [{"text": "date"}]}}, "item.content.0.text"),
        ({"item": {"content": []}}, "item.content"),
        ({"item": {"role": "user"}}, "item.role"),
        ({"item.content.1.text": "time"}, "item.content.1.text"),
        ({"item.content.x": 1}, "item.content.x"),
        ({"audio_end_ms": "<800ms"}, "audio_end_ms"),
        ({"flag": ">=1"}, "flag"),
        ({"count": "2"}, "count"),
    ],
)
def test_fields_that_do_not_match_are_named(fields: dict[str, Any], path: str) -> None:
    (found,) = EventMatcher(fields).differences(ITEM)
    assert found.path == path


def test_words_are_found_in_any_case_and_never_in_nothing() -> None:
    assert words_matcher("rooM")("I have a ROOM.")
    assert words_matcher("a.c")("a.c") and not words_matcher("a.c")("abc")
    assert words_matcher("/a.c/")("xABCx")
    assert not words_matcher("")("") and not words_matcher("a")(None) and not words_matcher("/x*/")("")
    with pytest.raises(UsageError, match="not a valid regular expression"):
        words_matcher("/(/")


@pytest.mark.parametrize(
    "text", ["room|suite", "^bye", "bye$", "wea.*er", "(a)", "[ab]", "colou?r", r"\d", "a{2}", "go+gle"]
)
def test_a_bare_expression_is_refused_with_the_form_that_it_needs(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        refuse_bare_expression(text)
    assert raised.value.hint == f"write a regular expression as /{text}/"
    refuse_bare_expression(f"/{text}/")


@pytest.mark.parametrize("text", ["what time is it?", "Mr. Smith, hello...", "it's $5", "really?!", "a/b", "50 %", ""])
def test_what_people_say_is_not(text: str) -> None:
    refuse_bare_expression(text)
