"""YAML as 1.2 has it: what is a word in English is a word."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import InputError
from rtcli.protocol.yaml_reader import read_yaml


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{no: on, yes: off, y: n}", {"no": "on", "yes": "off", "y": "n"}),
        ("[true, False, null, ~, '']", [True, False, None, None, ""]),
        ("[1, -2, 1.5, 1e3, .5, 0x10, 010]", [1, -2, 1.5, 1000.0, 0.5, 16, 10]),
        ("[2026-11-26, 12:30, 1_000, <<]", ["2026-11-26", "12:30", "1_000", "<<"]),
        ("a: {b: [c, 'd e']}", {"a": {"b": ["c", "d e"]}}),
        ("", None),
    ],
)
def test_plain_words_and_numbers(source: str, value: Any) -> None:
    assert read_yaml(source, "x.yaml") == value


@pytest.mark.parametrize("source", ["- a\n- [b", "!!python/object/apply:os.system [x]", "[" * 2000, "a: b: c"])
def test_what_cannot_be_read_names_the_file(source: str) -> None:
    with pytest.raises(InputError, match=r"x\.yaml"):
        read_yaml(source, "x.yaml")
