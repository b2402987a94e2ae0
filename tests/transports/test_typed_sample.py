"""The sample program: strict types, every public name, and it runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.example_answers import example_answers
from tests.kit.fake_server import fake_server
from tests.kit.linked import SEMANTIC
from tests.transports import typed_sample
from tests.transports.test_docs import public_names

SAMPLE = Path(typed_sample.__file__)


@pytest.mark.parametrize("path", [SAMPLE, SAMPLE.with_name("typed_mistakes.py")], ids=lambda path: path.stem)
def test_it_passes_a_strict_type_checker(path: Path) -> None:
    """As a user's program: nothing that the package exports is untyped, and wrong listeners are found."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SAMPLE.parents[2])

    assert done.returncode == 0, done.stdout
    assert "Success" in done.stdout


def test_it_uses_every_public_name_and_every_event() -> None:
    """Else the check above says nothing about the rest."""
    tree = ast.parse(SAMPLE.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert public_names() - used == set()
    assert set(SEMANTIC) - texts == set()


async def test_it_runs() -> None:
    """And hears what was said."""
    async with fake_server(example_answers) as server:
        heard = await typed_sample.main(server.url)
        assert {"response.created", "Hello", "connected", "docs", ">", "<"} <= set(heard)
        assert await typed_sample.join(server.url) == "disconnected"
