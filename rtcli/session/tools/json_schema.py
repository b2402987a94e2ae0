"""JSON schemas as a model reads them best: without generated titles, and without references where they can be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rtcli.session.tools.tool import ToolSchema

_PREFIX = "#/$defs/"
_NAMED_SCHEMAS = ("properties", "$defs", "patternProperties")
"""Keywords whose value maps names to schemas: a property may be called "title"."""

# A discriminator, which is left out, maps to references that may be gone; each alternative has its own constant anyway.
_VALUES = ("enum", "const", "default", "examples", "required")
"""Keywords whose value is data and no schema."""


def inlined(
    schemas: Mapping[str, ToolSchema], definitions: Mapping[str, ToolSchema]
) -> tuple[dict[str, ToolSchema], ToolSchema]:
    """The schemas with their definitions in place of the references; of types that contain themselves, references
    stay, and what they refer to is returned as well."""
    clean = {name: _untitled(name, schema) for name, schema in definitions.items()}
    recursive = {name for name in clean if name in _reachable(name, clean)}

    def resolve(value: Any) -> Any:
        if isinstance(value, list):
            return [resolve(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        name = reference.removeprefix(_PREFIX) if isinstance(reference, str) else None
        if name in clean and name not in recursive:
            siblings = {key: entry for key, entry in value.items() if key != "$ref"}
            return {**resolve(clean[name]), **resolve(siblings)}
        return {key: resolve_keyword(key, entry) for key, entry in value.items() if key != "discriminator"}

    def resolve_keyword(key: str, entry: Any) -> Any:
        if key in _NAMED_SCHEMAS and isinstance(entry, dict):
            return {name: resolve(schema) for name, schema in entry.items()}
        return entry if key in _VALUES else resolve(entry)

    kept = {name for schema in schemas.values() for name in _references(schema)}
    kept |= {other for name in kept for other in _reachable(name, clean)}
    return {name: resolve(schema) for name, schema in schemas.items()}, {
        name: resolve(clean[name]) for name in clean if name in kept & recursive
    }


def _untitled(name: str, schema: ToolSchema) -> ToolSchema:
    """A definition without the title that only repeats the name of its class."""
    title = schema.get("title")
    generated = isinstance(title, str) and name.endswith(title)
    return {key: value for key, value in schema.items() if key != "title"} if generated else schema


def _references(value: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to itself."""
    if isinstance(value, list):
        for entry in value:
            yield from _references(entry)
    elif isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(_PREFIX)
        for key, entry in value.items():
            if key in _NAMED_SCHEMAS and isinstance(entry, dict):
                yield from _references(list(entry.values()))
            elif key not in _VALUES:
                yield from _references(entry)


def _reachable(name: str, definitions: Mapping[str, ToolSchema]) -> set[str]:
    """Every definition that one refers to, directly or through others."""
    found: set[str] = set()
    waiting = list(_references(definitions.get(name, {})))
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += _references(definitions.get(other, {}))
    return found
