"""Session settings by path: read one, build the smallest update that sets one, and compare requested and confirmed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rtcli.errors import InputError, UsageError
from rtcli.protocol import beta_fields
from rtcli.protocol.ndjson import parse_json

_MEANT_AS_JSON = re.compile(r'\{|\[\s*[\[{"\d]|-?\d[\d.]*[eE]?\d*$')

MISSING = object()
"""What `get` gives for a path that is not there: None is a value in this API."""

WHOLE = frozenset({"audio.input.turn_detection", "audio.input.transcription", "audio.input.noise_reduction"})
"""The server replaces these as a whole: a key left out falls back to its default, so a part is sent with the rest."""

UNSENDABLE = frozenset({"object", "id", "expires_at"})
"""What a session shows and nobody can set."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One path where what was asked for and what the server confirmed are not the same."""

    path: str
    requested: Any
    confirmed: Any


def parse_value(text: str) -> Any:
    """JSON if it is JSON, the text itself if not: `0.7`, `null`, `{"type": "server_vad"}`, `marin`.

    Raises InputError for what begins like an object or a list of values and is none, and for a number out of range.
    """
    try:
        return parse_json(text)
    except InputError:
        if _MEANT_AS_JSON.match(text):
            raise
        return text


def get(session: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, MISSING where there is none. "" is the whole session."""
    value: Any = session
    # error messages of the API name parameters so
    for name in path.removeprefix("session.").split(".") if path else ():
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def update_for(path: str, value: Any, *, session: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest `session` object that sets a path. Raises UsageError for a field of the beta API or a fixed one.

    Setting a part of turn detection (and its like) carries the rest of it along, as `session` has it confirmed.
    """
    path = path.removeprefix("session.")
    if not all(path.split(".")):
        raise UsageError(f"{path!r} is not a path of a session", hint="for example audio.output.voice")
    # told here: the server would only call the field unknown
    if hint := beta_fields.advice(path):
        raise UsageError(f"the session has no setting {path!r}", hint=hint)
    if path in UNSENDABLE:
        raise UsageError(f"{path!r} cannot be set", why="the server decides it")
    for whole in WHOLE:
        if path.startswith(f"{whole}."):
            known = get(session, whole)
            kept = {k: v for k, v in known.items() if v is not None} if isinstance(known, Mapping) else {}
            inner = path.removeprefix(f"{whole}.")
            if inner == "type" and kept.get("type") != value:
                kept = {}  # another kind of detection shares no fields with this one
            return _nested(whole, _merged(kept, _nested(inner, value)))
    return _nested(path, value)


def _nested(path: str, value: Any) -> dict[str, Any]:
    # from the inside out
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def _merged(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in update.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf; an empty object or any list is a leaf."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from flatten(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def diff(requested: Mapping[str, Any], confirmed: Mapping[str, Any]) -> list[Difference]:
    """Where the server's session is not what was asked for. What was not asked for does not count.

    A requested null and an absent value are the same, and so are 1 and 1.0.
    """
    found = []
    for path, value in flatten(requested):
        # fixed when the connection is made
        if path in ("", "type", "model"):
            continue
        actual = get(confirmed, path)
        # Python compares 1 and 1.0 as equal
        if actual != value and not (value is None and actual is MISSING):
            found.append(Difference(path, value, actual))
    return found


def changed(requested: Mapping[str, Any], session: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a whole config that differs from the session: what an edit or a loaded file has to send."""
    update: dict[str, Any] = {}
    for difference in diff(requested, session):
        if difference.path.split(".")[0] not in UNSENDABLE:
            part = update_for(difference.path, difference.requested, session=session)
            update = _merged(update, part)
    return update


def restored(config: Mapping[str, Any], refused: Mapping[str, Difference], path: str = "") -> dict[str, Any]:
    """A config without what the server refused (by path), which would spoil a whole update again."""
    kept: dict[str, Any] = {}
    for name, requested in config.items():
        here = f"{path}.{name}" if path else name
        difference = refused.get(here)
        # a value that was asked for anew since then is tried again
        value = difference.confirmed if difference is not None and difference.requested == requested else requested
        if value is not MISSING:
            kept[name] = restored(value, refused, here) if isinstance(value, Mapping) else value
    return kept


def show(value: Any) -> str:
    """A value as a line of JSON; a dash where there is none."""
    return "-" if value is MISSING else json.dumps(value, ensure_ascii=False)
