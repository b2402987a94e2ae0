"""Tools from a file: typed Python functions become schemas that the model can call, JSON gives schemas alone."""

from __future__ import annotations

import asyncio
import enum
import importlib.util
import inspect
import json
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rtcli.errors import InputError

Schema = dict[str, Any]

_SCALARS: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}
_ARGUMENT_LINE = re.compile(r"^\s*(?::param\s+)?(\w+)(?:\s*\([^)]*\))?\s*:\s*(.+)$")


@dataclass(frozen=True, slots=True)
class Tool:
    """What the model may call. Without `function` the user answers the calls."""

    schema: Schema
    function: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        """As the model calls it; an MCP server goes by its label."""
        return str(self.schema.get("name") or self.schema.get("server_label"))


class ToolError(Exception):
    """A call that went wrong, in words for the model."""


def load_tools(path: Path) -> tuple[Tool, ...]:
    """The tools of a `.py` or `.json` file. Raises InputError that names what is wrong and where."""
    loaders = {".py": _from_python, ".json": _from_json}
    if path.suffix not in loaders:
        raise InputError(str(path), "expected a .py or a .json file")
    tools = loaders[path.suffix](path)
    if not tools:
        raise InputError(
            str(path), "it contains no tool", hint="a tool is a public function with a docstring and annotations"
        )
    names = [tool.name for tool in tools]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(str(path), f"two tools are named {twice!r}")
    return tools


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), getattr(error, "strerror", None) or str(error)) from error


def _from_json(path: Path) -> tuple[Tool, ...]:
    try:
        value = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(str(path), error.msg, line=error.lineno, column=error.colno) from error
    rows = value.get("tools", [value]) if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(str(path), "expected a list of tool schemas")
    tools = []
    for number, row in enumerate(rows, 1):
        flat = {**row, **row["function"]} if isinstance(row.get("function"), dict) else dict(row)
        flat.pop("function", None)  # the chat API nests what the realtime API has at the top
        schema = {"type": "function", **flat}
        if schema["type"] == "function" and not isinstance(schema.get("name"), str):
            raise InputError(str(path), f"tool {number} has no name")
        tools.append(Tool(schema))
    return tuple(tools)


def _from_python(path: Path) -> tuple[Tool, ...]:
    source = _read_text(path)
    spec = importlib.util.spec_from_file_location(f"rtcli_tools_{path.stem}", path)
    assert spec is not None  # a .py file always has a loader
    module = importlib.util.module_from_spec(spec)
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        raise InputError(str(path), error.msg, line=error.lineno, column=error.offset) from error
    except Exception as error:  # it is the user's code, and may raise anything
        raise InputError(str(path), f"{type(error).__name__}: {error}") from error
    return tuple(
        Tool(schema_of(value, str(path)), value)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
        if inspect.getdoc(value)
    )


def schema_of(function: Callable[..., Any], file: str = "") -> Schema:
    """A function's schema: its docstring is the description, its annotations are the types, defaults make optional.

    `Annotated[T, "text"]` and `name: text` lines of the docstring describe an argument. Raises InputError for an
    argument without annotation or of a type that JSON does not have.
    """
    name = function.__name__
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise InputError(file or name, f"{name}: {error}") from error
    description, described = _read_docstring(inspect.getdoc(function) or "")
    properties: Schema = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        place = f"{name}({parameter.name})"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InputError(file or name, f"{place}: a tool takes its arguments by name")
        if parameter.name not in hints:
            raise InputError(file or name, f"{place} has no annotation")
        properties[parameter.name] = _type_schema(hints[parameter.name], f"{file or name}", place)
        if text := described.get(parameter.name):
            properties[parameter.name].setdefault("description", text)
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif parameter.default is None or isinstance(parameter.default, str | int | float | bool):
            properties[parameter.name]["default"] = parameter.default
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """What a function does, and what its docstring says of arguments under "Args:" or ":param"."""
    about: list[str] = []
    described: dict[str, str] = {}
    in_arguments = False
    for line in text.splitlines():
        header = line.strip().rstrip(":").lower()
        if line.strip().endswith(":") and header in ("args", "arguments", "parameters", "returns", "raises"):
            in_arguments = header in ("args", "arguments", "parameters")
        elif (in_arguments or line.strip().startswith(":param")) and (match := _ARGUMENT_LINE.match(line)):
            described[match[1]] = match[2].strip()
        elif not in_arguments:
            about.append(line)
    return "\n".join(about).strip(), described


def _type_schema(kind: Any, file: str, place: str) -> Schema:
    """The JSON schema of one annotation."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        schema = _type_schema(arguments[0], file, place)
        texts = [extra for extra in arguments[1:] if isinstance(extra, str)]
        return {**schema, "description": texts[0]} if texts else schema
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    if origin is Literal:
        return {"type": "string" if isinstance(arguments[0], str) else "integer", "enum": list(arguments)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"type": "string", "enum": [member.value for member in kind]}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type_schema(part, file, place) for part in arguments]}
    if kind is list or origin in (list, Sequence):
        return {"type": "array", "items": _type_schema(arguments[0], file, place) if arguments else {}}
    if kind is dict or origin in (dict, Mapping):
        return {"type": "object"}
    if typing.is_typeddict(kind):
        fields = typing.get_type_hints(kind, include_extras=True)
        properties = {name: _type_schema(value, file, place) for name, value in fields.items()}
        return {"type": "object", "properties": properties, "required": sorted(kind.__required_keys__)}
    raise InputError(file, f"{place}: {kind!r} is not a type that JSON has")


async def call_tool(tool: Tool, arguments: str, *, seconds: float) -> str:
    """Run a tool with the model's JSON arguments; text as it is, everything else as JSON.

    A synchronous function runs in a thread. Raises ToolError for whatever goes wrong.
    """
    assert tool.function is not None
    try:
        values = json.loads(arguments or "{}")
        if not isinstance(values, dict):
            raise ToolError(f"the arguments are a JSON {type(values).__name__}, not an object")
        bound = _bind(tool.function, values)
    except ValueError as error:
        raise ToolError(f"the arguments are not JSON: {error}") from error
    try:
        async with asyncio.timeout(seconds):
            if inspect.iscoroutinefunction(tool.function):
                result = await tool.function(**bound)
            else:
                result = await asyncio.to_thread(tool.function, **bound)
                if isinstance(result, Awaitable):
                    result = await result
    except TimeoutError as error:
        raise ToolError(f"{tool.name} took longer than {seconds:g} s") from error
    except Exception as error:  # the user's code again; the model is told
        raise ToolError(f"{type(error).__name__}: {error}") from error
    return as_text(result)


def _bind(function: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    """The model's arguments as the function takes them: enums become members again."""
    try:
        inspect.signature(function).bind(**values)
    except TypeError as error:
        raise ToolError(str(error)) from error
    hints = typing.get_type_hints(function)
    for name, value in values.items():
        kind = hints.get(name)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            try:
                values[name] = kind(value)
            except ValueError as error:
                raise ToolError(f"{name}: {error}") from error
    return values


def as_text(result: object) -> str:
    """Text as it is, anything else as JSON."""
    if isinstance(result, str):
        return result
    try:
        return json.dumps(result, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        return str(result)
