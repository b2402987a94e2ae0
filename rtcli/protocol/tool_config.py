"""Tools of a session config for the wire: the fields that the API accepts, an MCP server's approval policy checked.

A stray field makes the API refuse the whole update, and a policy that it misunderstands would approve too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.items import as_mapping

FUNCTION_KEYS = ("type", "name", "description", "parameters")
MCP_KEYS = (
    "type",
    "server_label",
    "server_url",
    "connector_id",
    "tunnel_id",
    "authorization",
    "headers",
    "allowed_tools",
    "require_approval",
    "server_description",
    "allowed_callers",
    "defer_loading",
)
_FILTER_KEYS = {
    "tool_names": "tool_names",
    "read_only": "read_only",
    "toolNames": "tool_names",
    "readOnly": "read_only",
}


def build_tool(tool: Any) -> dict[str, Any]:
    """A tool as session.update takes it; None stays, what was not given is left out.

    Raises UsageError for an MCP `require_approval` that is neither "always", "never" nor an object of the filters
    `always` and `never`, each with `tool_names`, `read_only` or both (camelCase is understood as well).
    """
    tool = as_mapping(tool)
    if tool.get("type") != "mcp":
        return {key: tool[key] for key in FUNCTION_KEYS if key in tool}
    written = {key: tool[key] for key in MCP_KEYS if key in tool}
    if "require_approval" in written:
        try:
            written["require_approval"] = _approval(written["require_approval"])
        except ValueError as error:
            raise UsageError(
                f"require_approval of MCP server {tool.get('server_label')!r} is {tool['require_approval']!r}",
                why=str(error),
            ) from error
    return written


def _approval(policy: Any) -> Any:
    if policy in ("always", "never"):
        return policy
    if not isinstance(policy, Mapping) or not policy:
        raise ValueError('it has to be "always", "never" or an object of the filters always and never')
    if stray := policy.keys() - {"always", "never"}:
        raise ValueError(f"{min(stray, key=str)!r} is not one of its keys, which are always and never")
    filters = {when: _filter(when, policy[when]) for when in ("always", "never") if when in policy}
    both = set.intersection(*(set(filters.get(when, {}).get("tool_names", ())) for when in ("always", "never")))
    if both:
        raise ValueError(f"{min(both)!r} stands under always and under never")
    return filters


def _filter(when: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{when} has to be an object with tool_names, read_only or both")
    if stray := value.keys() - _FILTER_KEYS.keys():
        raise ValueError(
            f"{min(stray, key=str)!r} is not one of the keys of {when}, which are tool_names and read_only"
        )
    if len({_FILTER_KEYS[key] for key in value}) < len(value):
        raise ValueError(f"{when} has one key in two spellings")
    # As in the reference, None in camelCase was not given, and in the wire's spelling it is a wrong value.
    given = {_FILTER_KEYS[key]: entry for key, entry in value.items() if entry is not None or key == _FILTER_KEYS[key]}
    if not given:
        raise ValueError(f"{when} names neither tool_names nor read_only")
    names = given.get("tool_names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"tool_names of {when} has to be a list of names")
    if not isinstance(given.get("read_only", True), bool):
        raise ValueError(f"read_only of {when} has to be true or false")
    return given
