"""The parameters of one function: their JSON schema for the model, and the model's arguments as the function's own."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pydantic
from pydantic.fields import FieldInfo

from rtcli.masking import masked_start
from rtcli.session.tools.annotations import AnnotatedType
from rtcli.session.tools.docstrings import read_docstring
from rtcli.session.tools.json_schema import inlined
from rtcli.session.tools.tool import NotAToolError, Tool, ToolError, ToolSchema, check_name

_MAX_SHOWN = 60
"""Characters of a wrong value that its error repeats."""


class _Parameter(NamedTuple):
    name: str
    kind: inspect._ParameterKind
    type: AnnotatedType
    default: Any  # Parameter.empty where the model has to give a value


class ToolSignature:
    """What a function takes. `name` is what the model calls it. Raises NotAToolError with the reason why not."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.name = name
        self._description, self._described = read_docstring(_docstring(function))
        parameters, hints = _parameters(function), _hints(function)
        self._rest: AnnotatedType | None = None  # of **kwargs
        self._parameters: dict[str, _Parameter] = {}  # by name, in order
        for parameter in parameters:
            annotated = _annotated(parameter, hints)
            if parameter.kind is parameter.VAR_KEYWORD:
                self._rest = annotated
            else:
                default = _default(parameter)
                self._parameters[parameter.name] = _Parameter(parameter.name, parameter.kind, annotated, default)

    def __repr__(self) -> str:
        return f"<ToolSignature {self.name}({', '.join(self._parameters)})>"

    @property
    def schema(self) -> ToolSchema:
        """The function as the API takes it."""
        types = {parameter.name: parameter.type for parameter in self._parameters.values()}
        if self._rest is not None:
            types["**"] = self._rest
        schemas: dict[str, ToolSchema] = {}
        definitions: dict[str, ToolSchema] = {}
        for name, annotated in types.items():
            schemas[name], own = annotated.json_schema()
            definitions |= own
        schemas, kept = inlined(schemas, definitions)
        rest = schemas.pop("**", False)
        parameters = {
            "type": "object",
            "properties": {name: self._property(name, schema) for name, schema in schemas.items()},
            "required": [entry.name for entry in self._parameters.values() if entry.default is inspect.Parameter.empty],
            "additionalProperties": rest,
            **({"$defs": kept} if kept else {}),
        }
        return {"type": "function", "name": self.name, "description": self._description, "parameters": parameters}

    def _property(self, name: str, schema: ToolSchema) -> ToolSchema:
        """One argument, with what the docstring says of it and its default, where JSON has that."""
        schema = dict(schema)
        if text := self._described.get(name):
            schema.setdefault("description", text)
        if self._parameters[name].default is not inspect.Parameter.empty:
            schema |= _json_default(self._parameters[name])
        return schema

    def bind(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The function's arguments for the model's. Raises ToolError with everything that is wrong, in one sentence."""
        problems = list(self._stray(values))
        by_place: list[Any] = []
        by_name: dict[str, Any] = {}
        for parameter in self._parameters.values():
            try:
                value = self._value(parameter, values)
            except ToolError as error:
                problems.append(str(error))
                continue
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                by_place.append(value)
            else:
                by_name[parameter.name] = value
        if self._rest is not None:
            for name in values.keys() - self._parameters.keys():
                try:
                    by_name[name] = _validated(name, self._rest, values[name])
                except ToolError as error:
                    problems.append(str(error))
        if problems:
            raise ToolError("; ".join(problems))
        return by_place, by_name

    def _stray(self, values: Mapping[str, Any]) -> Iterable[str]:
        if self._rest is not None:
            return
        for name in values:
            if name not in self._parameters:
                takes = ", ".join(self._parameters) or "nothing"
                yield f"{self.name} has no argument {name!r}, it takes {takes}"

    def _value(self, parameter: _Parameter, values: Mapping[str, Any]) -> Any:
        optional = parameter.default is not inspect.Parameter.empty
        if parameter.name not in values:
            if optional:
                return parameter.default
            raise ToolError(f"the argument {parameter.name!r} is missing")
        value = values[parameter.name]
        if value is None and optional and not parameter.type.accepts(None):
            return parameter.default  # models write null for what they leave out
        return _validated(parameter.name, parameter.type, value)


def tool_of(function: Callable[..., Any], name: str | None = None) -> Tool:
    """A function as a tool. Raises NotAToolError with the reason why it cannot be one."""
    name = name or function.__name__
    check_name(name)
    signature = ToolSignature(function, name)
    return Tool(signature.schema, function, signature)


def _validated(name: str, kind: AnnotatedType, value: Any) -> Any:
    try:
        return kind.validate(value)
    except pydantic.ValidationError as error:
        problems = [_problem(name, details) for details in error.errors(include_url=False, include_context=False)]
        raise ToolError("; ".join(dict.fromkeys(problems))) from error


def _problem(name: str, details: Any) -> str:
    """One fault: where, what, and the value that came."""
    place = name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in details["loc"])
    what = details["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    if details["type"] == "missing":
        return f"{place} is missing"
    shown = masked_start(repr(details["input"]), _MAX_SHOWN)
    return f"{place} is {shown}: {what[:1].lower()}{what[1:]}"


def _inner(function: Callable[..., Any]) -> Any:
    """What carries the annotations: the function inside of functools.partial."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _docstring(function: Callable[..., Any]) -> str:
    return inspect.getdoc(_inner(function)) or ""


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise NotAToolError("it is a builtin: Python does not tell what it takes") from error
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise NotAToolError(f"*{parameter.name}: a model gives arguments by name; take a list instead")
    return parameters


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(_inner(function), include_extras=True)
    except Exception as error:  # an annotation is the user's code: it may raise anything
        raise NotAToolError(f"its annotations: {error}") from error


def _annotated(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> AnnotatedType:
    if parameter.name not in hints:
        if parameter.kind is parameter.VAR_KEYWORD:
            return AnnotatedType(Any)
        raise NotAToolError(f"its parameter {parameter.name} has no annotation")
    annotation = hints[parameter.name]
    if isinstance(parameter.default, FieldInfo):
        annotation = typing.Annotated[annotation, parameter.default]
    try:
        annotated = AnnotatedType(annotation)
        if parameter.default is None and not annotated.accepts(None):
            return AnnotatedType(typing.Optional[annotation])  # noqa: UP045  a text annotation has no |
    except NotAToolError as error:
        raise NotAToolError(f"its parameter {parameter.name}: {error}") from error
    return annotated


def _default(parameter: inspect.Parameter) -> Any:
    if not isinstance(parameter.default, FieldInfo):
        return parameter.default
    if parameter.default.is_required():
        return inspect.Parameter.empty
    return parameter.default.get_default(call_default_factory=True)


def _json_default(parameter: _Parameter) -> ToolSchema:
    """The default of a parameter for its schema; nothing where JSON does not have it."""
    from rtcli.session.tools.results import to_json

    try:
        value = to_json(parameter.default)
    except ToolError:
        return {}
    return {"default": value} if parameter.type.accepts(value) else {}
