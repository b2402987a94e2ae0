"""A session config of another shape is refused, and the place is named."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.config_shapes import checked_config
from rtcli.protocol.session_config import RequestedSession, build_payload


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (None, "a session config is None, not an object"),
        ([], "a session config is [], not an object"),
        ({"audio": "loud"}, "audio of a session config is 'loud', not an object"),
        ({"audio": {"output": 5}}, "audio.output of a session config is 5, not an object"),
        ({"audio": {"input": {"turn_detection": "x"}}}, "audio.input.turn_detection of a session config is 'x'"),
        ({"turn_detection": 5}, "turn_detection of a session config is 5, not an object"),
        ({"prompt": "pmpt_1"}, "prompt of a session config is 'pmpt_1', not an object"),
        ({"provider_data": [1]}, "provider_data of a session config is [1], not an object"),
        ({"tools": "look"}, "tools of a session config is 'look', not a list"),
        ({"tools": [{}, None]}, "tools[1] of a session config is None, not an object"),
        ({"tools": "x" * 200}, "is '" + "x" * 56 + "..., not a list"),
    ],
)
def test_the_place_and_the_value_are_named(config: Any, problem: str) -> None:
    """In a payload and in an update, of which nothing is remembered."""
    requested = RequestedSession()
    with pytest.raises(UsageError) as caught:
        build_payload(config, "m")
    assert problem in str(caught.value)
    with pytest.raises(UsageError):
        requested.plan(config, "m")
    assert requested.requested == {}


@pytest.mark.parametrize("path", ["audio", "turn_detection", "prompt", "provider_data", "tools"])
def test_none_is_as_good_as_absent(path: str) -> None:
    """As in the reference."""
    assert checked_config({path: None}) == {path: None}
    assert checked_config({"audio": {"input": None, "output": None}})
