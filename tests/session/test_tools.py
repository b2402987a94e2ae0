"""Tools from files: schemas of typed functions, and calls of them."""

from __future__ import annotations

import asyncio
import enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pytest

from rtcli.errors import InputError
from rtcli.session.tools import Tool, ToolError, call_tool, load_tools, schema_of
from tests.kit.waiting import DEADLINE

PYTHON = '''
"""Tools of a test."""
from __future__ import annotations
from json import dumps
import asyncio

LIMIT = 3

def get_weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    Args:
        city: Where to look.
        days: How far ahead.
    """
    return f"{city}: sunny for {days}"

async def slow(seconds: float) -> dict[str, float]:
    """Wait."""
    await asyncio.sleep(seconds)
    return {"waited": seconds}

def _helper(x: int) -> int:
    """Private."""
    return x

def without_docstring(x: int) -> int:
    return x
'''


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_public_functions_with_docstrings_are_tools(tmp_path: Path) -> None:
    """Imports, private functions and functions without docstring are not."""
    weather, slow = load_tools(written(tmp_path, "tools.py", PYTHON))

    assert (weather.name, slow.name) == ("get_weather", "slow")
    assert weather.schema == {
        "type": "function",
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where to look."},
                "days": {"type": "integer", "description": "How far ahead.", "default": 1},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    }
    assert not (tmp_path / "__pycache__").exists(), "nothing is left beside a person's file"


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(TypedDict):
    x: int
    y: float


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (bool, {"type": "boolean"}),
        (float, {"type": "number"}),
        (Any, {}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array", "items": {}}),
        (dict[str, int], {"type": "object"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
        (Color, {"type": "string", "enum": ["red", "blue"]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (
            Point,
            {
                "type": "object",
                "properties": {"x": {"type": "integer"}, "y": {"type": "number"}},
                "required": ["x", "y"],
            },
        ),
    ],
)
def test_annotations_become_json_types(annotation: Any, schema: dict[str, Any]) -> None:
    """Every type that JSON has."""

    def tool(value: Any) -> None:
        """A tool."""

    tool.__annotations__["value"] = annotation
    assert schema_of(tool)["parameters"]["properties"]["value"] == schema


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f(x):\n    'doc'\n", "no annotation"),
        ("def f(x: set[int]):\n    'doc'\n", "not a type that JSON has"),
        ("def f(*x: int):\n    'doc'\n", "by name"),
        ("def f(x: Missing):\n    'doc'\n", "Missing"),
        ("def f(x: int\n", "was never closed"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("X = 1\n", "no tool"),
    ],
)
def test_a_file_that_makes_no_tools_says_what_is_wrong(tmp_path: Path, source: str, why: str) -> None:
    """The line names file and reason, whatever the user's code does."""
    if "Missing" in source:
        source = "from __future__ import annotations\n" + source
    with pytest.raises(InputError, match=r"tools\.py") as caught:
        load_tools(written(tmp_path, "tools.py", source))

    assert why in f"{caught.value}"


def test_json_gives_schemas_for_calls_by_hand(tmp_path: Path) -> None:
    """The realtime API's shape, the chat API's nested one, a list or an object, MCP servers."""
    text = """{"tools": [{"name": "a", "parameters": {}},
      {"type": "function", "function": {"name": "b", "description": "nested"}},
      {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}]}"""
    tools = load_tools(written(tmp_path, "tools.json", text))

    assert [tool.name for tool in tools] == ["a", "b", "docs"]
    assert tools[1].schema == {"type": "function", "name": "b", "description": "nested"}
    assert tools[2].schema == {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}
    assert all(tool.function is None for tool in tools)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("t.json", '[{"name": }]', "Expecting value"),
        ("t.json", "3", "a list"),
        ("t.json", '[{"parameters": {}}]', "tool 1 has no name"),
        ("t.json", '[{"name": "a"}, {"name": "a"}]', "two tools"),
        ("t.json", "[]", "no tool"),
        ("t.yaml", "", ".py or a .json"),
    ],
)
def test_a_json_file_that_is_wrong_says_where(tmp_path: Path, name: str, text: str, why: str) -> None:
    """File, and for broken JSON line and column."""
    with pytest.raises(InputError, match=why):
        load_tools(written(tmp_path, name, text))


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    """Both kinds."""
    for name in ("none.py", "none.json"):
        with pytest.raises(InputError, match="No such file"):
            load_tools(tmp_path / name)


def tool_of(function: Any) -> Tool:
    return Tool({"name": function.__name__}, function)


async def test_results_are_text_or_json() -> None:
    """Text goes to the model as it is; everything else as JSON, at worst as what str makes of it."""

    def tool(kind: str) -> Any:
        """A tool."""
        loop: list[Any] = []
        loop.append(loop)
        return {"text": "hé", "value": {"a": [1, "é"]}, "odd": {1, 2}, "loop": loop}[kind]

    async def call(kind: str) -> str:
        return await call_tool(tool_of(tool), f'{{"kind": "{kind}"}}', seconds=DEADLINE)

    assert await call("text") == "hé"
    assert await call("value") == '{"a": [1, "é"]}'
    assert await call("odd") == '"{1, 2}"'
    assert await call("loop") == "[[...]]"


async def test_an_enum_argument_is_a_member_again() -> None:
    """The function gets what its annotation says."""

    def tool(color: Color) -> str:
        """A tool."""
        return color.name

    assert await call_tool(tool_of(tool), '{"color": "red"}', seconds=DEADLINE) == "RED"
    with pytest.raises(ToolError, match="green"):
        await call_tool(tool_of(tool), '{"color": "green"}', seconds=DEADLINE)


async def test_a_function_that_returns_something_to_await_is_awaited() -> None:
    """A wrapper around an async function is as good as one."""

    async def inner() -> str:
        return "done"

    def tool() -> Any:
        """A tool."""
        return inner()

    assert await call_tool(tool_of(tool), "", seconds=DEADLINE) == "done"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("{", "not JSON"),
        ("[]", "list"),
        ("{}", "missing"),
        ('{"x": 1, "y": 2}', "unexpected"),
        ('{"x": 0}', "ZeroDivisionError"),
    ],
)
async def test_a_call_that_goes_wrong_is_an_error_in_words(arguments: str, why: str) -> None:
    """Bad JSON, bad arguments, and whatever the function raises."""

    def tool(x: int) -> float:
        """A tool."""
        return 1 / x

    with pytest.raises(ToolError, match=why):
        await call_tool(tool_of(tool), arguments, seconds=DEADLINE)


async def test_a_tool_that_takes_too_long_is_given_up() -> None:
    """The model is not kept waiting for ever."""

    async def tool() -> None:
        """A tool."""
        await asyncio.Event().wait()

    with pytest.raises(ToolError, match="longer than"):
        await call_tool(tool_of(tool), "{}", seconds=0.01)
