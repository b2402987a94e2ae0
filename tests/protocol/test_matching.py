"""How values are compared with what is expected of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.matching import FieldMatcher, Matcher, equal_to, matches_glob, one_of, text_matcher

KINDS: dict[str, Callable[[Any], Matcher]] = {"text": text_matcher, "turn": equal_to, "tool": one_of}


def matches(expected: dict[str, object], **values: object) -> bool:
    return FieldMatcher(expected, KINDS).matches(
        {name: partial(lambda value: value, value) for name, value in values.items()}
    )


@pytest.mark.parametrize(
    ("expected", "result"),
    [
        ({}, True),
        ({"text": "HEL+O"}, True),
        ({"text": "^ello"}, False),
        ({"turn": 2}, True),
        ({"turn": 3}, False),
        ({"tool": "weather"}, True),
        ({"tool": "time"}, False),
        ({"text": "hello", "turn": 2, "tool": "weather"}, True),
        ({"text": "hello", "turn": 3, "tool": "weather"}, False),
    ],
)
def test_every_field_that_is_named_has_to_match(expected: dict[str, object], result: bool) -> None:
    """A field without an expectation matches whatever it is."""
    assert matches(expected, text="oh, hello", turn=2, tool=["weather"]) is result


def test_an_empty_text_holds_nothing() -> None:
    """Not even what matches everything: nothing was said."""
    assert not matches({"text": ".*"}, text="")
    assert not matches({"text": ".*"}, text=None)


def test_a_value_is_read_when_it_is_needed() -> None:
    """The fields behind the first difference are not asked for."""

    def unread() -> object:
        raise AssertionError

    assert not FieldMatcher({"turn": 1, "text": "a"}, KINDS).matches({"turn": lambda: 2, "text": unread})


def test_a_pattern_that_is_not_valid_is_named_with_its_field() -> None:
    """When the expectation is made, not when it is used."""
    with pytest.raises(UsageError, match=r"^text: '\(' is not a valid regular expression"):
        FieldMatcher({"text": "("}, KINDS)


def test_a_glob_covers_the_whole_type_and_case_matters() -> None:
    """`response.*`, not `response`."""
    assert matches_glob("response.done", "response.*")
    assert not matches_glob("response.done", "response")
    assert not matches_glob("Response.done", "response.*")
