"""The settings as a JSON Schema, for editors: what `check` and `price_of` take, said beforehand."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from rtcli.config.prices import MinutePrice, Price, TokenPrice
from rtcli.config.settings import SETTINGS, Setting

_PRICE_FIGURE = {"type": "number", "minimum": 0}


def settings_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a settings file: config.toml, or a project's .rtcli.toml, which may hold less."""
    settings = {row.name: _setting(row) for row in SETTINGS}
    profile = {name: schema for name, schema in settings.items() if name != "profile"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of rtcli",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **settings,
            "profiles": {
                "description": "Settings for one endpoint each; --profile NAME uses them.",
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": False, "properties": profile},
            },
        },
    }


def _setting(row: Setting) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": row.meaning}
    if row.choices:
        return {**schema, "enum": list(row.choices)}
    if row.type is bool:
        return {**schema, "type": "boolean"}
    if row.type is dict:
        return {**schema, "type": "object", "additionalProperties": _TABLES[row.name]}
    # a device may be given by its index
    return {**schema, "type": ["string", "integer"] if row.name.endswith("_device") else "string"}


def _price(form: type[Price]) -> dict[str, Any]:
    names = [field.name for field in fields(form)]
    # Of tokens none is required here: the settings may override one figure of a model that the table has.
    needed = [field.name for field in fields(form) if field.default is MISSING and form is MinutePrice]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(names, _PRICE_FIGURE),
        **({"required": needed} if needed else {}),
    }


_TABLES: dict[str, dict[str, Any]] = {
    "bounds": {"type": ["number", "string"]},
    "headers": {"type": "string"},
    "keys": {"type": "string"},
    "prices": {"anyOf": [_price(TokenPrice), _price(MinutePrice)]},
}
"""What the values of a setting that is a table are."""
