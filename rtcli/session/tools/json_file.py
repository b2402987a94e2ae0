"""Tool schemas in JSON, in the API's own shape or in a neighbor's: chat completions, MCP, Anthropic, Gemini."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtcli.errors import InputError
from rtcli.protocol.ndjson import parse_json
from rtcli.protocol.tool_config import FUNCTION_KEYS, MCP_KEYS
from rtcli.session.tools.tool import NotAToolError, Tool, ToolSchema, check_name

_PARAMETERS = ("parameters", "inputSchema", "input_schema", "parametersJsonSchema", "parameters_json_schema")
"""What a schema of the arguments is called: by OpenAI, MCP, Anthropic and Gemini. The first that is given counts."""

_DECLARATIONS = ("functionDeclarations", "function_declarations")
_SERVERS = ("mcpServers", "mcp_servers", "servers")
_MCP_HINT = 'an MCP server is a tool: {"type": "mcp", "server_label": "notes", "server_url": "https://..."}'


def tools_in_json(text: str, file: str) -> tuple[list[Tool], list[str]]:
    """The tools of a file, and a line for each that has something the Realtime API does not take. Raises InputError."""
    value = parse_json(text, file)
    tools, left_out = [], []
    for number, row in enumerate(_rows(value, file), 1):
        tool, stray = _tool(row, file, number)
        tools.append(tool)
        if stray:
            left_out.append(f"{tool.name}: {', '.join(sorted(stray))}")
    return tools, left_out


def _rows(value: Any, file: str) -> Iterator[Mapping[str, Any]]:
    """Every single declaration in a file, whatever lists and objects it is wrapped in."""
    if isinstance(value, list):
        for entry in value:
            yield from _rows(entry, file)
        return
    if not isinstance(value, dict):
        raise InputError(file, "expected a list of tool schemas")
    if key := next((key for key in _SERVERS if isinstance(value.get(key), dict)), None):
        names = ", ".join(value[key])
        raise InputError(file, f"{key!r} lists MCP servers to start ({names}), not tools", hint=_MCP_HINT)
    for wrapper in ("result", "session"):  # an answer to MCP's tools/list, a session.update
        if isinstance(inner := value.get(wrapper), dict) and "tools" in inner:
            value = inner
    for key in ("tools", *_DECLARATIONS):
        if isinstance(inner := value.get(key), list):
            yield from _rows(inner, file)
            return
    yield value


def _tool(row: Mapping[str, Any], file: str, number: int) -> tuple[Tool, set[str]]:
    """One declaration as the API takes it, and the names of what it has no place for."""
    nested = row.get("function")
    flat = {**row, **nested} if isinstance(nested, dict) else dict(row)  # chat completions nest what is at the top here
    if isinstance(nested, dict):
        del flat["function"]
    name = flat.get("name") or flat.get("server_label")
    place = f"tool {number}" + (f" ({name})" if isinstance(name, str) else "")
    kind = flat.pop("type", None) or "function"
    if kind == "mcp":
        if not isinstance(flat.get("server_label"), str):
            raise InputError(file, f"{place}: an MCP server needs a server_label", hint=_MCP_HINT)
        schema = {"type": "mcp", **{key: flat[key] for key in MCP_KEYS if key in flat}}
        return Tool(schema), flat.keys() - set(MCP_KEYS)
    # Anthropic calls what the user runs "custom", and always gives it an input_schema.
    if kind != "function" and not (kind == "custom" and "input_schema" in flat):
        raise InputError(file, f"{place}: the Realtime API has no tools of type {kind!r}, only function and mcp")
    if not isinstance(flat.get("name"), str):
        raise InputError(file, f"{place} has no name", hint=f"it has: {', '.join(flat) or 'nothing'}")
    try:
        check_name(flat["name"])
    except NotAToolError as error:
        raise InputError(file, f"{place}: {error}") from error
    return _function(flat, file, place)


def _function(flat: dict[str, Any], file: str, place: str) -> tuple[Tool, set[str]]:
    schema: ToolSchema = {"type": "function", "name": flat["name"]}
    if (description := flat.get("description")) is not None:
        if not isinstance(description, str):
            raise InputError(file, f"{place}: its description is not text")
        schema["description"] = description
    used = set(FUNCTION_KEYS)
    if (key := next((key for key in _PARAMETERS if flat.get(key) is not None), None)) is not None:
        if not isinstance(flat[key], dict):
            raise InputError(file, f"{place}: its {key} is not a JSON schema (an object)")
        schema["parameters"] = _lower_case(flat[key])
        used.add(key)
    return Tool(schema), {key for key in flat.keys() - used if flat[key] is not None}


def _lower_case(schema: Any) -> Any:
    """A JSON schema for one of Gemini's: its types are in capitals, and `nullable` stands for a second type."""
    if isinstance(schema, list):
        return [_lower_case(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    out = {
        key: {name: _lower_case(part) for name, part in entry.items()}
        if key == "properties" and isinstance(entry, dict)
        else entry
        if key in ("enum", "const", "default", "example", "examples")
        else _lower_case(entry)
        for key, entry in schema.items()
    }
    if isinstance(kind := out.get("type"), str) and kind.isupper():
        out["type"] = kind.lower()
        if out.pop("nullable", False):
            out["type"] = [out["type"], "null"]
    return out
