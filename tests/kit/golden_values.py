"""Values of the recorded scenarios: from JavaScript's names to ours, and the comparison of what was seen with them."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rtcli.protocol.unset import UNSET

AUTO_ID = re.compile(r"agents_(js_response_create|create|delete)_\d+")
UNDEFINED = {"$undefined": True}
_WIRE_FORMAT = {"tools", "providerData", "variables", "metadata", "tracing", "transcription"}
_PLAIN_PARTS = {"input_text", "input_audio", "output_text", "output_audio"}
_NOT_NULLABLE = {
    "createResponse",
    "interruptResponse",
    "prefixPaddingMs",
    "silenceDurationMs",
    "idleTimeoutMs",
    "modelVersion",
}
# Ours may carry more fields than the reference's payloads, but for those that say something by being there.
_TELLING = {"previous_item_id", "output", "approved", "transcript", "text", "audio", "call_id"}
_WIRE_FIELDS = {
    "provider_data",
    "tools",
    "arguments",
    "output",
    "input_tokens_details",
    "output_tokens_details",
}


def snake(name: str) -> str:
    """camelCase as snake_case."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


class Given(dict[str, Any]):
    """An item or config of a scenario, in our names."""


def to_python(value: Any, *, ours: bool = False, texts: Mapping[str, str] | None = None) -> Any:
    """A value of a scenario; with `ours` JavaScript's names become ours, `texts` replaces whole texts and prefixes."""
    if isinstance(value, str):
        for old, new in (texts or {}).items():
            value = value.replace(old, new)
        return value
    if isinstance(value, list):
        return [to_python(entry, ours=ours, texts=texts) for entry in value]
    if not isinstance(value, dict):
        return value
    marker, given = next(iter(value.items()), ("", None))
    if marker in _MARKERS:
        return _MARKERS[marker](given)
    translate = ours and str(value.get("type")) not in _PLAIN_PARTS
    made = Given()
    for key, entry in sorted(value.items(), key=lambda pair: translate and pair[0] != snake(pair[0])):
        if entry == UNDEFINED or (translate and entry is None and key in _NOT_NULLABLE):
            continue
        inner = translate and key not in _WIRE_FORMAT
        made[snake(key) if translate else key] = to_python(entry, ours=inner, texts=texts)
    return made


def _ramp(length: int) -> bytes:
    return bytes(index % 256 for index in range(length))


_MARKERS: dict[str, Any] = {
    "$undefined": lambda _: None,
    "$number": lambda text: float(text.replace("Infinity", "inf")),
    "$bytes": base64.b64decode,
    "$ramp": _ramp,
    "$base64_ramp": lambda length: base64.b64encode(_ramp(length)).decode(),
    "$base64_zeros": lambda length: base64.b64encode(bytes(length)).decode(),
}


def _digest(value: Any, length: int) -> dict[str, Any]:
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    return {"length": length, "sha256": hashlib.sha256(data).hexdigest()}


def _is_number(want: str, value: Any) -> bool:
    number = float(want.replace("Infinity", "inf"))
    return isinstance(value, float) and (value == number or (math.isnan(value) and math.isnan(number)))


_MATCHERS: dict[str, Any] = {
    "$undefined": lambda want, value: value is None or value is UNSET,
    "$number": _is_number,
    "$error": lambda want, value: isinstance(value, Exception) and not isinstance(value, AttributeError | LookupError),
    "$bytes": lambda want, value: value == base64.b64decode(want),
    "$long_bytes": lambda want, value: isinstance(value, bytes) and _digest(value, len(value)) == want,
    "$long_string": lambda want, value: (
        isinstance(value, str) and _digest(value, len(value.encode("utf-16-le", "surrogatepass")) // 2) == want
    ),
}


def same(want: Any, seen: Any, *, more: bool = False) -> bool:
    """JSON equality, numbers by value, markers understood; with `more`, objects seen may have further keys."""
    if isinstance(want, dict) and len(want) == 1 and (matcher := _MATCHERS.get(next(iter(want)))):
        return bool(matcher(next(iter(want.values())), seen))
    if isinstance(want, dict):
        return (
            isinstance(seen, dict)
            and (more or want.keys() == seen.keys())
            and all(key in seen and same(value, seen[key], more=more) for key, value in want.items())
        )
    if isinstance(want, list):
        return (
            isinstance(seen, list)
            and len(want) == len(seen)
            and all(same(one, other, more=more) for one, other in zip(want, seen, strict=True))
        )
    if isinstance(want, int | float) and not isinstance(want, bool):
        return isinstance(seen, int | float) and not isinstance(seen, bool) and float(want) == float(seen)
    return isinstance(seen, type(want)) and bool(want == seen)


def same_payload(want: Any, seen: Any, ignored: frozenset[str] = frozenset()) -> bool:
    """What a semantic event carries: our dataclass against the reference's object. Null and absent are alike.

    `ignored` fields may be anything, at any depth.
    """
    if dataclasses.is_dataclass(seen) and not isinstance(seen, type):
        seen = {field.name: getattr(seen, field.name) for field in dataclasses.fields(seen)}
    if isinstance(want, list) and isinstance(seen, list):
        return len(want) == len(seen) and all(
            same_payload(one, other, ignored) for one, other in zip(want, seen, strict=True)
        )
    if not isinstance(want, dict) or not isinstance(seen, dict) or next(iter(want), "").startswith("$"):
        return same(want, seen)
    wanted = {snake(key): value for key, value in want.items() if key != "type"}
    got = {key: value for key, value in seen.items() if value is not None and value is not UNSET}
    fields = (wanted.keys() | (got.keys() & _TELLING)) - ignored
    return all(_same_field(key, wanted.get(key), got.get(key), ignored) for key in fields)


def _same_field(key: str, want: Any, seen: Any, ignored: frozenset[str]) -> bool:
    if want is None or seen is None:
        return seen is None and want in (None, {}, [{}])
    if key.endswith("_details") and isinstance(want, list):
        return same(want[0] if want else {}, seen or {}, more=True)
    if key == "error":
        return (
            isinstance(seen, Exception) if isinstance(want, dict) and "$error" in want else same(want, seen, more=True)
        )
    if key in _WIRE_FIELDS:
        return same(want, seen, more=True)
    return same_payload(want, seen, ignored)


def same_event(
    want: Mapping[str, Any], name: str, args: tuple[Any, ...], sent: list[Any], ignored: frozenset[str] = frozenset()
) -> bool:
    """A recorded emission against one of ours; `sent` holds the server's events of the step."""
    if want["event"] != name:
        return False
    expected = [sent[arg["$sent"]] if isinstance(arg, dict) and "$sent" in arg else arg for arg in want["args"]]
    if name == "*" or "." in name:
        return len(args) == 1 and same(expected[0], args[0], more=name != "*")
    return len(expected) == len(args) and all(
        same_payload(one, other, ignored) for one, other in zip(expected, args, strict=True)
    )


def same_url(want: str, seen: str) -> bool:
    """Addresses are compared decoded, and the query as a set of pairs."""
    one, other = urlsplit(want), urlsplit(seen)
    return (one[:2], unquote(one.path) or "/", sorted(parse_qsl(one.query, keep_blank_values=True))) == (
        other[:2],
        unquote(other.path) or "/",
        sorted(parse_qsl(other.query, keep_blank_values=True)),
    )
