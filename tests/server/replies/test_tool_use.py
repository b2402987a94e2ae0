"""When the rules call a tool, and with what."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.server.replies.arguments import arguments_for
from rtcli.server.replies.base import OfferedTool, ReplyRequest
from rtcli.server.replies.tool_use import tool_calls
from rtcli.server.session.items import ConversationItem, from_client, function_call
from tests.server.playbook import user

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = OfferedTool("get_weather", "", CITY)
CLOCK = OfferedTool("getCurrentTime", "", CITY)
ADD = OfferedTool(
    "add_numbers",
    "",
    {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]},
)
OUTPUT = [
    ConversationItem(function_call("get_weather", "call_1", "{}", status="completed")),
    from_client({"type": "function_call_output", "call_id": "call_1", "output": "21"}),
]


def calls(
    message: str, *tools: OfferedTool, after: list[ConversationItem] | None = None, **request: Any
) -> list[tuple[str, Any]]:
    context = (from_client(user(message)), *(after or []))
    made = tool_calls(ReplyRequest(context, "", tools=tools or (WEATHER, CLOCK, ADD), **request))
    return [(call.tool.name, json.loads(call.arguments)) for call in made]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("What is the weather in Paris?", [("get_weather", {"city": "Paris"})]),
        ("What's the weather like in New York today?", [("get_weather", {"city": "New York"})]),
        ("How's the weather for san francisco?", [("get_weather", {"city": "san francisco"})]),
        ("What time is it in Oslo?", [("getCurrentTime", {"city": "Oslo"})]),
        ("Call get_weather please for 'Rome'", [("get_weather", {"city": "Rome"})]),
        ("The weather in Paris and London?", [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "London"})]),
        (
            "What's the weather in Oslo and what's the weather in Rome?",
            [("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})],
        ),
        ("What's the weather in Oslo? And in Oslo, please?", [("get_weather", {"city": "Oslo"})]),
        ("The weather in Paris in March, what's it like?", [("get_weather", {"city": "Paris"})]),
        ("The weather and the time in Oslo", [("get_weather", {"city": "Oslo"}), ("getCurrentTime", {"city": "Oslo"})]),
        ("Add the numbers 3 and 4.5", [("add_numbers", {"a": 3, "b": 4.5})]),
        ("Hello", []),
        ("Tell me about Paris", []),
    ],
)
def test_a_tool_that_is_plainly_asked_for_is_called(message: str, expected: list[Any]) -> None:
    """With what the message says of its arguments; twice where it names two; not at all where nobody asks."""
    assert calls(message) == expected


def test_one_call_where_parallel_calls_are_off() -> None:
    """The first."""
    both = calls("The weather and the time in Paris and London", parallel_tool_calls=False)

    assert len(both) == 1


def test_the_name_of_a_plugin_before_a_tools_own_need_not_be_said() -> None:
    """Frameworks write it so; the tool's own words are still all needed."""
    for name in ("home-get_weather", "mcp__home__get_weather", "Home.GetWeather"):
        tool = OfferedTool(name, "", CITY)

        assert calls("The weather in Paris?", tool) == [(name, {"city": "Paris"})]
        assert calls("Is anybody home in Paris?", tool) == []


def test_a_session_may_have_more_tools_than_one_response_calls() -> None:
    """Thirty-two calls are the most."""
    tools = [OfferedTool(f"get_weather_{number}", "", CITY) for number in range(1_000)]

    assert len(calls("The weather in Paris?", *tools)) == 32


def test_none_never_calls_and_required_always_does() -> None:
    """Whatever was said."""
    assert calls("The weather in Paris?", tool_choice="none") == []
    assert [name for name, _ in calls("Hello", tool_choice="required")] == ["get_weather"]
    assert [name for name, _ in calls("Add 1 and 2 numbers", tool_choice="required")] == ["add_numbers"]


def test_a_named_function_is_called() -> None:
    """Though another was asked for."""
    choice = {"type": "function", "name": "getCurrentTime"}

    assert [name for name, _ in calls("The weather?", tool_choice=choice)] == ["getCurrentTime"]
    assert calls("The weather?", tool_choice={"type": "function", "name": "unknown"}) == []


def test_an_mcp_tool_can_be_named() -> None:
    """By its server, with or without a name."""
    search = OfferedTool("search", "", {}, "docs")
    for choice in ({"type": "mcp", "server_label": "docs"}, {"type": "mcp", "server_label": "docs", "name": "search"}):
        assert [name for name, _ in calls("Hello", WEATHER, search, tool_choice=choice)] == ["search"]


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "name": "get_weather"}])
def test_after_its_output_the_answer_speaks(choice: Any) -> None:
    """One call in a turn, also where calls are required."""
    assert calls("The weather in Paris?", after=OUTPUT, tool_choice=choice) == []


def demands(**properties: Any) -> dict[str, Any]:
    """An object that has to have all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


SCHEMAS: list[dict[str, Any]] = [
    demands(unit={"type": "string", "enum": ["celsius", "fahrenheit"]}),
    demands(n={"type": "integer", "minimum": 5, "maximum": 9}),
    demands(x={"type": "number", "minimum": 0.5, "maximum": 0.75}),
    demands(s={"type": "string", "minLength": 40}),
    demands(s={"type": "string", "pattern": "^ABC-1$"}),
    demands(l={"type": "array", "items": {"type": "integer"}, "minItems": 2}),
    demands(c={"const": 7}, b={"type": "boolean"}),
    demands(o=demands(k={"type": "string"})),
    demands(m={"type": ["string", "null"]}, z={"type": "null"}),
    demands(d={"type": "string", "default": "now"}),
    {"type": "object", "required": ["undeclared"]},
    {},
]


@pytest.mark.parametrize("schema", SCHEMAS)
@given(message=st.text(max_size=40) | st.sampled_from(["count to 3 in celsius", "-17 degrees", "not at all", "Paris"]))
def test_arguments_fit_their_schema_whatever_was_said(schema: Any, message: str) -> None:
    """Types, limits, enums, patterns, nesting."""
    jsonschema.validate(json.loads(arguments_for(schema, message)), schema)


def test_optional_arguments_are_left_out_unless_they_are_named() -> None:
    """By a value of theirs, or by their name."""
    schema = {
        "type": "object",
        "properties": {
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer"},
            "note": {"type": "string"},
        },
    }

    assert json.loads(arguments_for(schema, "in Fahrenheit, for 3 days")) == {"unit": "fahrenheit", "days": 3}
    assert json.loads(arguments_for(schema, "please")) == {}
