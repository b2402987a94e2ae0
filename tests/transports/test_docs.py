"""docs/transport.md: every example runs, nothing public is missing, every difference names a test that exists."""

from __future__ import annotations

import ast
import inspect
import re
import types
from pathlib import Path
from typing import Any

import pytest

from rtcli.transports import OpenAIRealtimeSIP, OpenAIRealtimeWebSocket
from tests.kit.example_answers import example_answers
from tests.kit.fake_server import fake_server
from tests.kit.linked import SEMANTIC
from tests.kit.waiting import DEADLINE

PAGE = Path(__file__).parents[2] / "docs" / "transport.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
IMPORTS = "import asyncio\nfrom rtcli.transports import OpenAIRealtimeWebSocket\n"
HELPER = next(example for example in EXAMPLES if "async def next_event" in example).partition("\n\n\nt.")[0]


async def execute(source: str, names: dict[str, Any]) -> None:
    """Run statements with top-level await."""
    code = compile(source, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = types.FunctionType(code, names)()
    if inspect.iscoroutine(result):
        await result


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: re.sub(r"\W+", "-", example[:30]))
async def test_every_example_runs(example: str) -> None:
    """As it stands on the page, against a server; its own assertions hold, and nothing is reported as an error."""
    async with fake_server(example_answers) as server:
        t = OpenAIRealtimeWebSocket(url=server.url, api_key="sk-test", auto_tracing=False)
        errors: list[Any] = []
        t.on("error", lambda payload: errors.append(payload.error))
        await t.connect()
        await t.wait_ready(DEADLINE)
        names: dict[str, Any] = {"url": server.url, "t": t, "print": lambda *_, **__: None}
        await execute(IMPORTS + HELPER, names)
        await execute(example, names)
        t.close()
        await t.wait_closed()

        assert errors == []


def public_names() -> set[str]:
    """What the transports offer under a name without an underscore, and the two with one that the reference has."""
    names = {*dir(OpenAIRealtimeWebSocket), *dir(OpenAIRealtimeSIP), *vars(OpenAIRealtimeWebSocket(api_key="sk"))}
    return {name for name in names if not name.startswith("_")} | {"_tracing_config", "_update_tracing_config"}


@pytest.mark.parametrize("name", sorted(public_names()))
def test_every_method_and_property_is_in_an_example(name: str) -> None:
    """A name that nobody shows is a name that nobody finds."""
    assert any(re.search(rf"\b{name}\b", example) for example in EXAMPLES)


@pytest.mark.parametrize("name", SEMANTIC)
def test_every_semantic_event_is_in_an_example_and_in_the_table(name: str) -> None:
    """With its payload."""
    assert any(f'"{name}"' in example for example in EXAMPLES)
    assert f"`{name}`" in TEXT


def _tests() -> set[str]:
    found: set[str] = set()
    for path in (Path(__file__).parents[1]).rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return found


def test_every_difference_names_a_test_that_exists() -> None:
    """The list of deliberate differences is proven line by line."""
    section = TEXT.partition("## Deliberate differences")[2].partition("\n## ")[0]
    named = re.findall(r"`(test_\w+)`", section)
    rows = [line for line in section.splitlines() if line.startswith("| ") and "test_" in line]

    assert len(rows) > 20
    assert len(named) >= len(rows)
    assert set(named) - {"test_golden"} <= _tests()
