"""Arguments for a tool: values that fit its JSON schema, taken from the message where it has them.

Of JSON schema it reads type, properties, required, enum, const, default, items, minimum, maximum, minLength, and
pattern where that is a plain string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

# Each pattern is one way in which a message names a value; a text property takes the first that finds one.
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# remind me to "buy milk"; the apostrophe in "what's" begins nothing
_QUOTED = re.compile(r"(?<!\w)[\"“”'‘]([^\"“”'’]+)[\"”'’](?!\w)")
_NAME = r"[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ][\w'’-]*)*"  # words that begin with a capital letter
# the weather in Paris
_PLACE = re.compile(rf"\b(?:in|at|for|of|from|to|near|with|about)\s+(?:the\s+)?({_NAME})")
# in Paris, London and Rome
_NAMES = re.compile(rf"\b(in|for|of|from|at)\s+(?:the\s+)?({_NAME}(?:\s*(?:,|and|&|or)\s+(?:and\s+)?(?:{_NAME}))*)")
_BETWEEN = re.compile(r"\s*(?:,|\band\b|&|\bor\b)\s*")
# in Oslo and what is the weather in Rome; but in Paris in March
_GOES_ON = re.compile(r"\b(?:and|or|then|also)\b|[,;.?!&]", re.I)
# look for shoes: any words, where nothing is quoted and nothing has a capital letter
_AFTER = re.compile(r"\b(?:in|at|for|of|from|to|near|with|about|named|called)\s+(?:the\s+|an?\s+)?([\w'’ -]+)", re.I)
# call Anna: a name in the middle of a sentence, where its capital letter means something
_OPENING = re.compile(rf"(?<=[a-z,]\s)({_NAME})")
# a pattern without special characters is its own only match
_PLAIN = re.compile(r"\^?([\w\s:/.,@-]*)\$?\Z")


def arguments_for(schema: Schema, message: str) -> str:
    """A JSON object that fits the schema of a tool's parameters."""
    return json.dumps(_Filler(message).object(schema or {}), ensure_ascii=False)


def subjects(message: str) -> list[str]:
    """The names that a message asks about: "the weather in Paris and London" has two, "in Oslo? And in Rome?" too.

    [] where it has one, or none.
    """
    found: dict[str, list[str]] = {}  # by the word before them
    ends: dict[str, int] = {}
    for match in _NAMES.finditer(message):
        word, names = match[1], found.setdefault(match[1], [])
        if names and not _GOES_ON.search(message, ends[word], match.start()):
            continue
        names += [name.strip() for name in _BETWEEN.split(match[2]) if name.strip()]
        ends[word] = match.end()
    distinct = (list(dict.fromkeys(names)) for names in found.values())
    return next((names for names in distinct if len(names) > 1), [])


class _Filler:
    """Fills one object; each number of the message is used once."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._numbers = _NUMBER.findall(message)  # those that no property has taken yet

    def object(self, schema: Schema) -> dict[str, Any]:
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        required = schema.get("required") or []
        filled = {
            name: self.value(name, inner) for name, inner in properties.items() if self._wants(name, inner, required)
        }
        # a schema may require what it does not describe
        return filled | {name: self._message for name in required if name not in properties}

    def _wants(self, name: str, schema: Schema, required: list[str]) -> bool:
        """Optional properties are filled where the message names one of their values, or their own name."""
        if name in required:
            return True
        if schema.get("enum"):
            return self._mentioned(schema["enum"]) is not None
        words = name.replace("_", " ").lower()
        return words in self._message.lower()

    def value(self, name: str, schema: Schema) -> Any:
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            mentioned = self._mentioned(schema["enum"])
            return schema.get("default", schema["enum"][0]) if mentioned is None else mentioned
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")  # nullable: fill it all the same
        return _VALUES.get(kind, _Filler._text)(self, schema)

    def _mentioned(self, values: list[Any]) -> Any:
        words = self._message.lower()
        return next((value for value in values if str(value).lower() in words), None)

    def _text(self, schema: Schema) -> str:
        pattern = _PLAIN.match(str(schema.get("pattern") or ""))
        if pattern and pattern.group(1):
            return pattern.group(1)
        found = self._from_message() or str(schema.get("default") or "") or self._message or "text"
        return found.ljust(int(schema.get("minLength") or 0), "x")

    def _from_message(self) -> str:
        for pattern in (_QUOTED, _PLACE, _OPENING, _AFTER):
            if match := pattern.search(self._message):
                return match.group(1).strip(" ?!.,")
        return ""

    def _number(self, schema: Schema) -> float:
        value = float(self._numbers.pop(0)) if self._numbers else float(schema.get("default") or 1)
        value = max(value, float(schema.get("minimum", value)))
        value = min(value, float(schema.get("maximum", value)))
        return int(value) if value.is_integer() else value  # 3, not 3.0

    def _integer(self, schema: Schema) -> int:
        return round(self._number(schema))

    def _array(self, schema: Schema) -> list[Any]:
        inner = schema.get("items") or {}
        names = subjects(self._message) if inner.get("type", "string") == "string" and not inner.get("enum") else []
        return names or [self.value("item", inner) for _ in range(max(1, int(schema.get("minItems") or 1)))]

    def _boolean(self, schema: Schema) -> bool:
        return bool(schema.get("default", not re.search(r"\b(?:no|not|off|false|disable)\b", self._message, re.I)))

    def _null(self, schema: Schema) -> None:
        return None


_VALUES: Mapping[str, Any] = {
    "string": _Filler._text,
    "number": _Filler._number,
    "integer": _Filler._integer,
    "array": _Filler._array,
    "boolean": _Filler._boolean,
    "object": _Filler.object,
    "null": _Filler._null,
}
