"""Tools files: a Python file runs as it would by itself, a JSON file loses nothing in silence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rtcli.errors import InputError
from rtcli.session.tools.call import call_tool
from rtcli.session.tools.load import ToolFile, load_tools
from tests.kit.waiting import DEADLINE


@pytest.fixture(autouse=True)
def modules_as_before(tmp_path: Path) -> Iterator[None]:
    """What a file leaves in sys.modules and sys.path goes with its test."""
    path = list(sys.path)
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
    sys.path[:] = path


def written(folder: Path, text: str, name: str = "shop.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str, name: str = "shop.py") -> ToolFile:
    return load_tools(written(folder, text, name))


async def called(file: ToolFile, name: str, /, **arguments: Any) -> str:
    (tool,) = [tool for tool in file.tools if tool.name == name]
    return await call_tool(tool, json.dumps(arguments), seconds=DEADLINE)


def test_a_file_is_a_module_of_its_own(tmp_path: Path) -> None:
    """Under its own name, with its folder at the end of the path, and its own idea of annotations."""
    source = "SEEN = (__name__, __file__)\ndef get(x: int) -> int:\n    'Doc.'\n    return x\n"
    loaded(tmp_path, source)

    assert ("shop", str(tmp_path / "shop.py")) == sys.modules["shop"].SEEN
    assert sys.modules["shop"].get.__annotations__ == {"x": int, "return": int}
    assert sys.path[-1] == str(tmp_path)
    assert not (tmp_path / "__pycache__").exists(), "nothing is left beside a user's file"
    loaded(tmp_path, "from __future__ import annotations\n" + source)
    assert sys.modules["shop"].get.__annotations__ == {"x": "int", "return": "int"}


def test_a_file_that_is_called_like_a_module_hides_it_from_nobody(tmp_path: Path) -> None:
    """json.py, and a name that is none."""
    loaded(tmp_path, "def get(x: int) -> int:\n    'Doc.'\n    return x\n", "json.py")
    loaded(tmp_path, "def get(x: int) -> int:\n    'Doc.'\n    return x\n", "my-tools.py")

    assert sys.modules["json"] is json
    assert "my_tools" in sys.modules


KINDS = '''
import functools, math
from json import dumps
from dataclasses import dataclass

@dataclass
class Item:
    name: str

class Store:
    def find(self, name: str) -> Item:
        """Find."""
        return Item(name)

find = Store().find

@functools.lru_cache
def price(name: str) -> int:
    """The price."""
    return len(name)

def area(width: int, height: int = 2) -> int:
    """The area."""
    return width * height

square = functools.partial(area, height=3)
total = sum

def plain(x):
    """No annotation."""

def many(*x: int) -> None:
    """Many."""

def odd(x: Store) -> None:
    """Odd."""

def options(x: int, /, *, y: int = 1, **rest: int) -> str:
    """All kinds."""
    return f"{x} {y} {sorted(rest.items())}"

def undocumented(x: int) -> int:
    return x

def _private(x: int) -> int:
    """Private."""
    return x
'''


async def test_every_public_function_is_a_tool_or_is_named_with_the_reason(tmp_path: Path) -> None:
    """Bound, cached, partial; what is imported or private is not the file's own."""
    file = loaded(tmp_path, KINDS)

    assert [tool.name for tool in file.tools] == ["find", "price", "area", "square", "options", "undocumented"]
    reasons = dict(notice.why.split(": ", 1) for notice in file.notices)
    assert set(reasons) == {"total", "plain", "many", "odd"}
    assert "builtin" in reasons["total"] or "annotation" in reasons["total"]
    assert reasons["plain"] == "its parameter x has no annotation"
    assert "*x" in reasons["many"]
    assert "Store is not a type that JSON has" in reasons["odd"]
    assert await called(file, "find", name="pear") == '{"name": "pear"}'
    assert await called(file, "price", name="pear") == "4"
    assert await called(file, "square", width=2) == "6"
    assert await called(file, "options", x=1, z=5) == "1 1 [('z', 5)]"


def test_all_lists_what_is_public(tmp_path: Path) -> None:
    """`__all__`, as for `import *`."""
    file = loaded(tmp_path, "__all__ = ['a']\ndef a(x: int) -> int: ...\ndef b(x: int) -> int: ...\n")

    assert [tool.name for tool in file.tools] == ["a"]


async def test_a_file_sees_its_neighbors_anew_when_it_is_loaded_again(tmp_path: Path) -> None:
    """Its own change and that of a module beside it; a file that is broken by then leaves the old one in place."""
    written(tmp_path, "RATE = 2\n", "rates_of_a_test.py")
    source = "from rates_of_a_test import RATE\ndef get(x: int) -> int:\n    return x * RATE\n"
    assert await called(loaded(tmp_path, source), "get", x=1) == "2"
    written(tmp_path, "RATE = 30\n", "rates_of_a_test.py")
    assert await called(loaded(tmp_path, source), "get", x=1) == "30"

    with pytest.raises(InputError):
        loaded(tmp_path, "1 / 0")
    assert sys.modules["shop"].get(1) == 30


@pytest.mark.parametrize("method", ["fork", "spawn"])
async def test_a_tool_may_use_processes(tmp_path: Path, method: str) -> None:
    """What is pickled is found again by the file's name."""
    file = loaded(
        tmp_path,
        f"""
import multiprocessing
def _square(n):
    return n * n
def total(limit: int) -> int:
    with multiprocessing.get_context({method!r}).Pool(1) as pool:
        return sum(pool.map(_square, range(limit)))
""",
    )

    assert await called(file, "total", limit=4) == "14"


@pytest.mark.parametrize(
    ("source", "line", "why"),
    [
        ("def f(x: int\n", 1, "was never closed"),
        ("x = 1\n1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", 2, r"it called sys.exit\(3\)"),
        ("import sys\nsys.exit('no config')\n", 2, "it called sys.exit"),
        ("raise KeyboardInterrupt\n", 1, "KeyboardInterrupt"),
        ("import no_such_module_at_all\n", 1, "No module named"),
        ("def _f():\n    raise ValueError('a')\n_f()\n", 2, "ValueError: a"),
        ("X = 1\n", None, "no tool"),
        ("def f(x): ...\n", None, "f: its parameter x has no annotation"),
        ("from __future__ import annotations\ndef f(x: Missing): ...\n", None, "Missing"),
        ("def été(x: int): ...\n", None, "letters a to z"),
        (f"def {'f' * 65}(x: int): ...\n", None, "65 characters"),
        ("x = '\0'\n", None, "null bytes"),
    ],
)
def test_a_file_that_makes_no_tools_says_what_is_wrong(tmp_path: Path, source: str, line: int | None, why: str) -> None:
    """File, line where there is one, reason; and nothing of it is left among the modules."""
    with pytest.raises(InputError, match=why) as caught:
        loaded(tmp_path, source)

    assert "shop.py" in caught.value.file
    assert line in (None, caught.value.line)
    assert line is None or "shop" not in sys.modules


DOCSTRINGS = {
    "google": """The weather of a city.

    It may be wrong, and says so
    in a second line.

    Args:
        city: Where to look,
            over two lines.

            And a paragraph.
        days (int): How far ahead.

    Note:
        Never twice.

    Returns:
        A text.
    """,
    "numpy": """The weather of a city.

    It may be wrong, and says so
    in a second line.

    Parameters
    ----------
    city : str
        Where to look,
        over two lines.

        And a paragraph.
    days : int
        How far ahead.

    Notes
    -----
    Never twice.
    """,
    "sphinx": """The weather of a city.

    It may be wrong, and says so
    in a second line.

    :param city: Where to look,
        over two lines.

        And a paragraph.
    :param int days: How far ahead.
    :note: Never twice.
    :returns: A text.
    """,
}


@pytest.mark.parametrize("style", DOCSTRINGS)
def test_docstrings_are_read_whole(tmp_path: Path, style: str) -> None:
    """Every paragraph of the description and of each argument, in three styles."""
    (tool,) = loaded(tmp_path, f'def get(city: str, days: int = 1) -> str:\n    """{DOCSTRINGS[style]}"""\n').tools
    described = {name: part["description"] for name, part in tool.schema["parameters"]["properties"].items()}

    assert tool.schema["description"].startswith(
        "The weather of a city.\n\nIt may be wrong, and says so\nin a second line."
    )
    assert "Never twice." in tool.schema["description"]
    assert "A text." not in tool.schema["description"]
    assert described == {
        "city": "Where to look, over two lines.\n\nAnd a paragraph.",
        "days": "How far ahead.",
    }


def test_defaults_are_in_the_schema_where_json_has_them(tmp_path: Path) -> None:
    """Members, dates and models as JSON; what has no form there only makes its argument optional."""
    source = """
import datetime, enum
from dataclasses import dataclass
from pydantic import Field
class Unit(enum.Enum):
    C = "celsius"
@dataclass
class Room:
    name: str = "attic"
_ANY = object()
def get(a: Unit = Unit.C, b: datetime.date = datetime.date(2026, 1, 2), c: Room = Room(), d: object = _ANY,
        e: int = None, f: int = Field(3, ge=1, description="stars"), g: str = Field(description="who")) -> str:
    return repr((a, b, c, d is _ANY, e, f, g))
"""
    (tool,) = loaded(tmp_path, source).tools
    parameters = tool.schema["parameters"]

    assert {name: part.get("default", "-") for name, part in parameters["properties"].items()} == {
        "a": "celsius",
        "b": "2026-01-02",
        "c": {"name": "attic"},
        "d": "-",
        "e": None,
        "f": 3,
        "g": "-",
    }
    assert parameters["required"] == ["g"]


async def test_what_is_left_out_is_the_functions_own_default(tmp_path: Path) -> None:
    """Also where a model writes null for it."""
    file = loaded(tmp_path, "def get(a: int, b: int = 2, c: int = 3) -> list[int]:\n    return [a, b, c]\n")

    assert await called(file, "get", a=1, b=None) == "[1, 2, 3]"


def in_json(folder: Path, value: Any) -> ToolFile:
    return loaded(folder, json.dumps(value), "tools.json")


PARAMETERS = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
WANTED = {"type": "function", "name": "read_note", "description": "Reads.", "parameters": PARAMETERS}
BARE = {"name": "read_note", "description": "Reads."}
GEMINI = {"type": "OBJECT", "properties": {"id": {"type": "STRING"}}, "required": ["id"]}


@pytest.mark.parametrize(
    ("value", "left_out"),
    [
        (WANTED, ""),
        ([WANTED], ""),
        ({"tools": [WANTED]}, ""),
        ({"type": "session.update", "session": {"tools": [WANTED]}}, ""),
        ([{"type": "function", "function": {**BARE, "parameters": PARAMETERS, "strict": True}}], "strict"),
        ({"tools": [{**BARE, "inputSchema": PARAMETERS, "title": "Read", "annotations": {}}]}, "annotations, title"),
        ({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{**BARE, "inputSchema": PARAMETERS}]}}, ""),
        ([{**BARE, "input_schema": PARAMETERS, "cache_control": {"type": "ephemeral"}}], "cache_control"),
        ([{**BARE, "type": "custom", "input_schema": PARAMETERS}], ""),
        ({"functionDeclarations": [{**BARE, "parameters": GEMINI}]}, ""),
        ([{"function_declarations": [{**BARE, "parameters": GEMINI}]}], ""),
        ({"tools": [{"functionDeclarations": [{**BARE, "parametersJsonSchema": PARAMETERS}]}]}, ""),
    ],
)
def test_schemas_in_every_dialect_come_out_the_same(tmp_path: Path, value: Any, left_out: str) -> None:
    """What the API has no place for is named."""
    file = in_json(tmp_path, value)

    assert [tool.schema for tool in file.tools] == [WANTED]
    assert [notice.why for notice in file.notices] == ([f"read_note: {left_out}"] if left_out else [])


def test_types_of_gemini_become_those_of_json_schema(tmp_path: Path) -> None:
    """In capitals there, with a flag for null; a property may be called type."""
    schema = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True, "enum": ["OBJECT"]},
            "tags": {"type": "ARRAY", "items": {"type": "INTEGER"}},
        },
    }
    (tool,) = in_json(tmp_path, [{"name": "a", "parameters": schema}]).tools

    assert tool.schema["parameters"]["properties"] == {
        "type": {"type": ["string", "null"], "enum": ["OBJECT"]},
        "tags": {"type": "array", "items": {"type": "integer"}},
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"mcpServers": {"notes": {"command": "npx"}}}, "MCP servers"),
        ({"servers": {"notes": {"command": "npx"}}}, "MCP servers"),
        (3, "a list"),
        ([3], "a list"),
        ([], "no tool"),
        ([{"parameters": {}}], "tool 1 has no name"),
        ([{"name": "a"}, {"name": "a"}], "two tools"),
        ([{"name": "a b"}], r"tool 1 \(a b\): the API takes only letters"),
        ([{"name": "x" * 65}], "65 characters"),
        ([{"name": "a", "description": 3}], "description is not text"),
        ([{"name": "a", "inputSchema": "text"}], "its inputSchema is not a JSON schema"),
        ([{"type": "mcp", "server_url": "https://example.com"}], "server_label"),
        ([{"type": "web_search"}], "no tools of type 'web_search'"),
        ([{"googleSearch": {}}], "no name"),
    ],
)
def test_a_json_file_that_cannot_be_taken_is_refused_by_name(tmp_path: Path, value: Any, why: str) -> None:
    """Which tool, and what of it."""
    with pytest.raises(InputError, match=why):
        in_json(tmp_path, value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_json_file_is_read_in_the_encodings_of_every_other_file(tmp_path: Path, encoding: str) -> None:
    """As editors on Windows write it."""
    path = tmp_path / "tools.json"
    path.write_text('[{"name": "a", "description": "h\u00e9"}]', encoding=encoding)

    (tool,) = load_tools(path).tools

    assert tool.schema["description"] == "h\u00e9"


def test_an_mcp_server_is_a_tool(tmp_path: Path) -> None:
    """With what the API has a place for."""
    server = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}
    file = in_json(tmp_path, [{**server, "command": "npx"}])

    assert [tool.schema for tool in file.tools] == [server]
    assert [notice.why for notice in file.notices] == ["docs: command"]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("t.json", '[{"name": }]', "1:11: not JSON"),
        ("t.json", "[\n  // mine\n]", r"2:3: not JSON: a // comment"),
        ("t.json", '[{"name": "a",}]', "not JSON: a comma before }"),
        ("t.yaml", "", ".py or a .json"),
        ("t.json", "[" * 10**5, "deep"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, name: str, text: str, why: str) -> None:
    """JSON that is none, another kind of file."""
    with pytest.raises(InputError, match=why):
        loaded(tmp_path, text, name)


@pytest.mark.parametrize(("name", "text", "hint"), [("t.json", "[]", '"parameters"'), ("t.py", "", "public function")])
def test_a_file_without_tools_says_what_a_tool_is_there(tmp_path: Path, name: str, text: str, hint: str) -> None:
    """In the language of the file."""
    with pytest.raises(InputError) as caught:
        loaded(tmp_path, text, name)

    assert hint in caught.value.hint


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    """Both kinds."""
    for name in ("none.py", "none.json"):
        with pytest.raises(InputError, match="No such file"):
            load_tools(tmp_path / name)
