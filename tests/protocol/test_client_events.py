"""The client events behind the verbs of a transport refuse what the API could make nothing of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.client_events import function_call_output, mcp_approval_response, user_message


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: user_message({}), "content of a message is None"),
        (lambda: user_message({"content": "hello"}), "content of a message is 'hello'"),
        (lambda: user_message({"content": [5]}), "5 is not an object"),
        (lambda: user_message(5), "5 is not an object"),
        (lambda: mcp_approval_response({"name": "look"}, True), "the request to approve 'look' has no item_id"),
        (lambda: mcp_approval_response({"item_id": None}, True), "has no item_id"),
        (lambda: mcp_approval_response(None, True), "None is not an object"),
        (lambda: function_call_output({"name": "look"}, "x"), "the function call 'look' has no call_id"),
        (lambda: function_call_output(str, "x"), "is not an object"),
    ],
)
def test_what_says_too_little_is_refused(make: Callable[[], Any], problem: str) -> None:
    """By an error that says what is missing."""
    with pytest.raises(UsageError) as caught:
        make()
    assert problem in str(caught.value)
