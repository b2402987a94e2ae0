"""One annotation: the JSON that a model may send for it, and the Python value that a function gets for that JSON."""

from __future__ import annotations

import enum
import functools
import operator
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import pydantic
from pydantic import Field, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import SchemaValidator, core_schema
from typing_extensions import is_typeddict

from rtcli.session.tools.tool import NotAToolError, ToolSchema

_LISTS = (Iterable, Collection)
"""A function that takes any of these gets a list: what pydantic makes of them can be read once."""

_DATA = frozenset({"metadata", "default", "expected", "members", "cls", "config", "serialization"})
"""Keys of a core schema that hold values, not schemas."""

_PLAIN = (str, int, float, type(None))  # bool is an int

if sys.version_info < (3, 12):
    from pydantic._internal import _generate_schema

    # On these versions pydantic refuses `typing.TypedDict`, whose own record of what is required can be wrong in a file
    # with `from __future__ import annotations`. It reads Required and NotRequired itself, and so gets them right.
    _generate_schema._SUPPORTS_TYPEDDICT = True


class AnnotatedType:
    """What an annotation means in JSON. Raises NotAToolError where JSON has nothing for it."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        try:
            adapter = TypeAdapter(_described(annotation))
            self.core = _with_tokens(adapter.core_schema)
            self.json_schema()
        except NotAToolError:
            raise
        except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema) as error:
            raise NotAToolError(f"{_spelled(annotation)} is not a type that JSON has") from error
        except Exception as error:  # the user's own classes take part, and may raise anything
            first = str(error).partition("\n")[0] or type(error).__name__
            raise NotAToolError(f"{_spelled(annotation)}: {first}") from error
        self._validator = SchemaValidator(self.core)

    def __repr__(self) -> str:
        return f"<AnnotatedType {_spelled(self.annotation)}>"

    def validate(self, value: Any) -> Any:
        """The function's value for the model's JSON. Raises pydantic's ValidationError."""
        return self._validator.validate_python(value)

    def accepts(self, value: Any) -> bool:
        """Whether a value passes."""
        try:
            self.validate(value)
        except pydantic.ValidationError:
            return False
        return True

    def json_schema(self) -> tuple[ToolSchema, dict[str, ToolSchema]]:
        """The schema of the JSON, and the definitions that it refers to."""
        schemas, definitions = _JsonSchema().generate_definitions([("it", "validation", self.core)])
        return schemas["it", "validation"], {str(name): schema for name, schema in definitions.items()}


class _JsonSchema(GenerateJsonSchema):
    """Without titles made of names, and silent about defaults that JSON does not have: they are left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Nobody reads it."""


def _spelled(annotation: Any) -> str:
    """As the user wrote it, more or less."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")


def _described(annotation: Any) -> Any:
    """The annotation in pydantic's words: text in Annotated is a description, whatever can be iterated is a list."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _LISTS_OF_ANY:
        return list[Any]
    if not arguments or origin in (typing.Literal, Callable):
        return annotation
    if origin is typing.Annotated:
        inner, *extras = arguments
        return functools.reduce(_annotate, (_description(extra) for extra in extras), _described(inner))
    inside = tuple(_described(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, inside)
    if origin in _LISTS:
        return types.GenericAlias(list, inside)
    if inside == arguments or not isinstance(origin, type) or is_typeddict(origin):
        return annotation
    try:
        return types.GenericAlias(origin, inside) if hasattr(origin, "__class_getitem__") else annotation
    except TypeError:
        return annotation


_LISTS_OF_ANY = (Iterable, Collection, typing.Iterable, typing.Collection)


def _annotate(annotation: Any, extra: Any) -> Any:
    return typing.Annotated[annotation, extra]


def _description(extra: Any) -> Any:
    if isinstance(extra, str):
        return Field(description=extra)
    documentation = getattr(extra, "documentation", None)  # typing_extensions.Doc
    return Field(description=documentation) if isinstance(documentation, str) else extra


# -- what pydantic compares as Python values, and a model sends as JSON ------------------------------------------------


def _with_tokens(schema: Any) -> Any:
    """A core schema whose enums and literals can be named in JSON, whatever their values are."""
    if isinstance(schema, list):
        return [_with_tokens(entry) for entry in schema]
    if isinstance(schema, tuple):
        return tuple(_with_tokens(entry) for entry in schema)
    if not isinstance(schema, dict):
        return schema
    match schema.get("type"):
        case "literal" if not all(isinstance(value, _PLAIN) and not _is_member(value) for value in schema["expected"]):
            return _lookup({_literal_token(value): value for value in schema["expected"]})
        case "enum" if not all(isinstance(member.value, _PLAIN) for member in schema["members"]):
            return _lookup({member_token(member): member for member in schema["members"]})
    return {key: entry if key in _DATA else _with_tokens(entry) for key, entry in schema.items()}


def _is_member(value: Any) -> bool:
    return isinstance(value, enum.Enum)


def _literal_token(value: Any) -> Any:
    if _is_member(value):
        return member_token(value)
    if isinstance(value, _PLAIN):
        return value
    raise NotAToolError(f"Literal[{value!r}]: JSON has no {type(value).__name__}")


def member_token(member: enum.Enum) -> Any:
    """A member of an enum in JSON: its value, or its name where the values of its enum are more than JSON scalars."""
    plain = all(isinstance(other.value, _PLAIN) for other in type(member))
    return member.value if plain or member.name is None else member.name


def _lookup(members: Mapping[Any, Any]) -> Any:
    """A core schema that takes tokens, and gives what they stand for."""
    by_token = {(type(token), token): member for token, member in members.items()}
    listed = ", ".join(repr(token) for token in members)

    def find(token: Any) -> Any:
        if (type(token), token) not in by_token:
            raise ValueError(f"it is not one of {listed}")
        return by_token[type(token), token]

    return core_schema.no_info_plain_validator_function(
        find, json_schema_input_schema=core_schema.literal_schema(list(members))
    )
