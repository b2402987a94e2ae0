"""Patterns that users write: what they find, how a mistake is named, and that there is one place for them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rtcli
from rtcli.errors import UsageError
from rtcli.protocol.patterns import compile_pattern

PACKAGE = Path(rtcli.__file__).parent


def test_a_pattern_is_found_anywhere_in_a_text() -> None:
    """Case matters unless it is said otherwise."""
    assert compile_pattern("b+c").search("abbbcd")
    assert not compile_pattern("b+c").search("ABBBCD")
    assert compile_pattern("b+c", ignore_case=True).search("ABBBCD")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [("a(b", "character 4"), ("[a", "character 3"), ("*", "character 1"), ("ab{2,1}", "character 4"), ("(" * 9999, "")],
)
def test_a_mistake_is_named_with_the_pattern_and_its_position(pattern: str, why: str) -> None:
    """Characters count from 1."""
    with pytest.raises(UsageError) as caught:
        compile_pattern(pattern)

    assert caught.value.what == f"{pattern!r} is not a valid regular expression"
    assert why in caught.value.why


@pytest.mark.parametrize("pattern", [r"(a|a)*$", r"(?:a+a+)+b", r"(?:(?:a{1,1000}){1,1000}){1,1000}b", r"(.*)*\d"])
def test_a_pattern_that_would_search_for_years_is_given_up(pattern: str) -> None:
    """It is named with what to do; a text of thousands of characters does not stop the program."""
    compiled = compile_pattern(pattern, ignore_case=True)

    for _ in range(2):
        with pytest.raises(UsageError) as caught:
            compiled.search("a" * 5000 + "!")
        assert repr(pattern) in caught.value.what
        assert "too long" in caught.value.why


def test_words_are_those_of_every_language() -> None:
    """Unicode letters are letters, in upper and lower case; a text that reads ahead is understood."""
    assert compile_pattern(r"\büber\b", ignore_case=True).search("Alles ÜBER Bord")
    assert compile_pattern(r"\w{4}").search("день")
    assert compile_pattern(r"call_(?!old)").search("call_new")


def variable_patterns(source: str) -> list[int]:
    """Lines that hand `re` a pattern which does not stand in the source as a literal or as an all-caps constant."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re") or node.func.attr == "escape":
            continue
        if not constant(node.args[0]):
            lines.append(node.lineno)
    return lines


def constant(node: ast.expr) -> bool:
    """A literal, a joined one, an f-string of constants or of `re.escape(...)`."""
    match node:
        case ast.Constant():
            return True
        case ast.BinOp():
            return constant(node.left) and constant(node.right)
        case ast.JoinedStr():
            return all(constant(part) for part in node.values)
        case ast.FormattedValue():
            return constant(node.value)
        case ast.Name():
            return node.id.isupper()
        case ast.Call(func=ast.Attribute(attr="escape")):
            return True
    return False


def test_no_other_module_hands_a_pattern_of_the_user_to_re() -> None:
    """`re` gets constant patterns only, so the limits of one module hold for every pattern of a user."""
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := variable_patterns(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def test_a_variable_pattern_is_noticed() -> None:
    """The check above sees what it is made for, however it is called."""
    source = 'import re\nre.compile(text)\nre.search(f"a{text}", x)\nre.sub("a", text, x)\nre.split("a" + b, x)'

    assert variable_patterns(source) == [2, 3, 5]
