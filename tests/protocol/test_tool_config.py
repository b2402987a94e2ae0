"""Tools of a session config: what the API accepts of them, and the approval policy of an MCP server."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.tool_config import build_tool


def approval(policy: Any) -> Any:
    return build_tool({"type": "mcp", "server_label": "docs", "require_approval": policy})["require_approval"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("always", "always"),
        ("never", "never"),
        ({"always": {"tool_names": ["a"]}}, {"always": {"tool_names": ["a"]}}),
        ({"never": {"toolNames": ["a"], "readOnly": True}}, {"never": {"tool_names": ["a"], "read_only": True}}),
        (
            {"never": {"tool_names": [], "readOnly": None}, "always": {"read_only": False}},
            {"never": {"tool_names": []}, "always": {"read_only": False}},
        ),
    ],
)
def test_an_approval_policy_goes_out_in_the_wires_spelling(given: Any, written: Any) -> None:
    """Whichever spelling it was given in."""
    assert approval(given) == written


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ("sometimes", "sometimes"),
        (None, "None"),
        ({}, "always"),
        ([], "always"),
        ({"alwys": {"read_only": True}}, "alwys"),
        ({"always": None}, "object"),
        ({"always": {"other": 1}}, "other"),
        ({"always": {}}, "neither"),
        ({"always": {"toolNames": ["a"], "tool_names": ["a"]}}, "two spellings"),
        ({"always": {"readOnly": True, "read_only": None}}, "two spellings"),
        ({"always": {"tool_names": "a"}}, "list of names"),
        ({"always": {"tool_names": None}}, "list of names"),
        ({"always": {"read_only": None}}, "true or false"),
        ({"always": {"tool_names": [""]}}, "list of names"),
        ({"always": {"tool_names": ["a"], "read_only": 1}}, "true or false"),
        ({"always": {"tool_names": ["a", "b"]}, "never": {"toolNames": ["b"]}}, "'b'"),
    ],
)
def test_a_policy_that_the_api_would_misunderstand_is_refused(policy: Any, named: str) -> None:
    """The error names the server and what is wrong."""
    with pytest.raises(UsageError, match="docs") as caught:
        approval(policy)

    assert named in str(caught.value) + str(caught.value.why)


def test_newer_fields_of_an_mcp_server_go_out() -> None:
    """The API takes them, though the reference does not know them yet."""
    tool = {"type": "mcp", "server_label": "s", "tunnel_id": "t", "defer_loading": True, "allowed_callers": ["direct"]}

    assert build_tool(tool) == tool
