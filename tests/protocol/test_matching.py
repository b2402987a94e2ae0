"""How texts are compared with what is expected of them."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.matching import matches_glob, text_matcher


def test_an_empty_text_holds_nothing() -> None:
    """Not even what matches everything: nothing was said."""
    assert not text_matcher(".*")("") and not text_matcher(".*")(None)
    assert text_matcher("HEL+O")("oh, hello") and not text_matcher("^ello")("hello")


def test_a_pattern_that_is_not_valid_is_named() -> None:
    """When the expectation is made, not when it is used."""
    with pytest.raises(UsageError, match=r"^'\(' is not a valid regular expression"):
        text_matcher("(")


def test_a_glob_covers_the_whole_type_and_case_matters() -> None:
    """`response.*`, not `response`."""
    assert matches_glob("response.done", "response.*")
    assert not matches_glob("response.done", "response")
    assert not matches_glob("Response.done", "response.*")
