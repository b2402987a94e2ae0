"""Expectations, judged over records alone: what came, what did not, and how that reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rtcli.errors import ExitCode
from rtcli.protocol.differences import NOTHING
from rtcli.protocol.record import Direction, Frame
from rtcli.scenario.facts import SceneFacts
from rtcli.scenario.judging import judge, open_items, unexpected
from rtcli.scenario.language import Expectation
from tests.kit.scenarios import scenario

CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}
DONE = {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": []}}
TEXT = {"type": "response.output_text.done", "text": "Hello there."}
SPOKEN = {"type": "response.output_audio_transcript.done", "transcript": "Good morning."}
CALL_ITEM = {"type": "function_call", "name": "look", "call_id": "call_1", "arguments": '{"city": "Oslo", "n": 3}'}
CALL = {"type": "response.output_item.done", "item": CALL_ITEM}
ERROR = {"type": "error", "error": {"code": "bad", "message": "That was bad."}}
FAILED = {"type": "response.done", "response": {"id": "r", "status": "failed", "status_details": {"reason": "x"}}}


def facts(*events: Mapping[str, Any], since: float = 0.0) -> SceneFacts:
    """What is known when these came, a tenth of a second after each other."""
    made = SceneFacts()
    made.begin(since)
    for number, event in enumerate(events, 1):
        made.observe(Frame(number, number / 10, Direction.RECEIVED, event, 0))
    return made


def expected(*items: Any) -> list[Expectation]:
    """As a file says it."""
    steps = scenario(json.dumps({"steps": [{"expect": list(items)}]})).steps
    found: list[Expectation] = steps[0].values["expect"]
    return found


@pytest.mark.parametrize(
    "item",
    [
        {"text": "hello"},
        {"text": "/^hello .*$/"},
        {"transcript": "MORNING"},
        {"call": "look"},
        {"call": "l*"},
        {"call": {"name": "look", "arguments": {"city": "Oslo", "n": ">=2"}}},
        {"call": {"arguments": {"city": "O*"}}},
        {"event": {"type": "response.done", "response.status": "completed"}},
        {"type": "response.*"},
        {"type": "response.created", "within": "100ms"},
        {"no": {"text": "goodbye"}},
        {"no": {"type": "error"}},
        {"no": {"type": "response.done"}, "within": "400ms"},
        {"event": {"item": {"name": "look"}}},
    ],
)
def test_what_came_is_met(item: Any) -> None:
    """Each kind of expectation, by each kind of matcher."""
    assert judge(expected(item), facts(CREATED, TEXT, SPOKEN, CALL, DONE)) is None


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"text": "goodbye"}, ["text 'goodbye' did not come", '- "goodbye"', '+ "Hello there."']),
        ({"call": "find"}, ["call find did not come", '- "find"', '+ "look"']),
        ({"call": {"name": "look", "arguments": {"city": "Rome"}}}, ["arguments.city", '- "Rome"', '+ "Oslo"']),
        ({"type": "response.done", "response.status": "failed"}, ["came, but with other values", "response.status"]),
        ({"type": "rate_limits.updated"}, ["did not come", "response.created, response.output_text.done"]),
        ({"type": "response.done", "within": "200ms"}, ["came too late", "within 200 ms", "after 500 ms"]),
        ({"no": {"text": "hello"}}, ["no text 'hello' came, in #2", "Hello there."]),
        ({"no": {"type": "response.done"}, "within": "1s"}, ["no response.done came, in #5"]),
    ],
)
def test_what_did_not_come_reads_well(item: Any, told: list[str]) -> None:
    """What was expected, and what came in its place."""
    problem = judge(expected(item), facts(CREATED, TEXT, SPOKEN, CALL, DONE))

    assert problem is not None
    assert [words for words in told if words not in problem.text] == []
    assert problem.code is ExitCode.EXPECTATION


@pytest.mark.parametrize(
    ("item", "came", "hint"),
    [({"text": "hi"}, SPOKEN, "the answer was spoken"), ({"transcript": "hi"}, TEXT, "the answer was written")],
)
def test_text_and_transcript_are_told_apart(item: Any, came: Mapping[str, Any], hint: str) -> None:
    """Who looks for one where the other came is told so."""
    problem = judge(expected(item), facts(came))

    assert problem is not None
    assert hint in problem.text


def test_an_order_is_judged_where_it_is_asked_for() -> None:
    """Any order will do unless it is `ordered`."""
    items, came = expected({"type": "response.done"}, {"text": "hello"}), facts(TEXT, DONE)

    assert judge(items, came) is None
    problem = judge(items, came, ordered=True)
    assert problem is not None
    assert "text 'hello' came before what it should follow" in problem.text
    assert judge(list(reversed(items)), came, ordered=True) is None


def test_several_that_are_not_met_are_told_with_their_lines() -> None:
    """A reader finds each in the file."""
    items = scenario("steps:\n  - expect:\n      - text: a1\n      - call: b1\n").steps[0].values["expect"]
    problem = judge(items, facts(DONE))

    assert problem is not None
    assert problem.message == "2 expectations were not met"
    assert "text 'a1' did not come (line 3)" in problem.details
    assert "call b1 did not come (line 4)" in problem.details


def test_what_was_before_the_turn_does_not_count() -> None:
    """Expectations look at what came since the user's last turn."""
    came = facts(TEXT)
    came.begin(5.0)
    came.observe(Frame(9, 5.2, Direction.RECEIVED, DONE, 0))

    assert judge(expected({"type": "response.done", "within": "300ms"}), came) is None
    assert judge(expected({"text": "hello"}), came) is not None


def test_it_is_known_what_is_still_open() -> None:
    """Something that must not come is not waited for."""
    assert open_items(expected({"text": "hello"}), facts(CREATED))
    assert not open_items(expected({"text": "hello"}), facts(TEXT))
    assert not open_items(expected({"no": {"text": "hello"}}), facts(TEXT))


def test_a_call_is_told_once_and_also_by_the_response_alone() -> None:
    """Some servers send no item of their own for it."""
    whole = {"type": "response.done", "response": {"status": "completed", "output": [CALL_ITEM]}}

    assert len(facts(CALL, whole).of("call")) == len(facts(whole).of("call")) == 1
    assert facts({**CALL, "item": {**CALL_ITEM, "arguments": "{broken"}}).of("call")[0].value["arguments"] == "{broken"


def test_the_names_of_another_server_are_read() -> None:
    """The beta's event is what GA's expectation looks for, under its own name as well."""
    came = facts({"type": "response.text.done", "text": "Hello there."})

    assert judge(expected({"text": "hello"}, {"type": "response.text.done"}), came) is None


@pytest.mark.parametrize(
    ("event", "code", "words"),
    [
        (ERROR, ExitCode.SERVER_ERROR, "bad: That was bad."),
        (FAILED, ExitCode.RESPONSE_FAILED, '{"reason":"x"}'),
    ],
)
def test_trouble_that_nobody_asked_for_fails(event: Mapping[str, Any], code: ExitCode, words: str) -> None:
    """It is told once, also when the user went on meanwhile; one that was expected is fine."""
    came = facts(event)
    came.begin(1.0)
    problem = unexpected(came)

    assert problem is not None
    assert problem.code is code
    assert words in problem.text
    assert unexpected(came) is None
    assert unexpected(facts(event), expected({"type": event["type"]})) is None
    assert unexpected(facts(DONE)) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("text", "Hello there."),
        ("transcript", "Good morning."),
        ("call.name", "look"),
        ("call.arguments.city", "Oslo"),
        ("call.arguments", {"city": "Oslo", "n": 3}),
        ("response.id", "resp_1"),
        ("response.status", "completed"),
        ("item.call_id", "call_1"),
        ("nothing", NOTHING),
        ("call.nothing", NOTHING),
    ],
)
def test_a_path_leads_to_the_newest_that_has_it(path: str, value: Any) -> None:
    """Of text, transcript and call to the last one; else into events."""
    found = facts(CREATED, TEXT, SPOKEN, CALL, DONE).captured(path)

    assert found == value if value is not NOTHING else found is NOTHING
