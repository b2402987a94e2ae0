"""`--set PATH=V1,V2`: the same scenario with one value after the other, and the runs compared."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from rtcli.errors import InputError, UsageError
from rtcli.protocol.yaml_reader import read_yaml
from rtcli.scenario.grammar import SCENARIO

_DETECTION = ("session", "audio", "input", "turn_detection")
_FIELDS_OF = {"eagerness": "semantic_vad"}  # other fields are server_vad's


@dataclass(frozen=True, slots=True)
class SettingValues:
    """A path in the document, and the values that it takes in turn."""

    path: tuple[str, ...]
    values: Sequence[Any]


def parse_setting(text: str) -> SettingValues:
    """From PATH=V1,V2: a path in the scenario, or in its session. Raises UsageError."""
    name, equals, given = text.partition("=")
    path = tuple(name.strip().split("."))
    if not equals or not all(path):
        raise UsageError(f"--set {text!r}: not PATH=VALUE,VALUE", hint="--set turn_detection.threshold=0.3,0.5")
    try:
        # YAML, so that numbers, booleans and quoted commas mean here what they mean in the file.
        values = read_yaml(f"[{given}]", "--set")
    except InputError as error:
        raise UsageError(f"--set {text!r}: the values cannot be read", why=error.why) from error
    if not values:
        raise UsageError(f"--set {text!r}: no value is given")
    if path[0] in ("turn_detection", "transcription", "noise_reduction"):  # where everybody looks for them
        path = ("audio", "input", *path)
    return SettingValues(path if path[0] in SCENARIO.keys else ("session", *path), values)


def variants(document: Any, settings: Sequence[SettingValues]) -> Iterator[tuple[str, Any]]:
    """Each combination of values: what it is called, and the document with it. Raises UsageError."""
    names = [_name(setting, settings) for setting in settings]
    for values in product(*(setting.values for setting in settings)):
        # Each variant of its own: _put writes into nested objects, which a shallow copy would share.
        changed = copy.deepcopy(document)
        for setting, value in zip(settings, values, strict=True):
            _put(changed, setting.path, value)
        yield ", ".join(f"{name}={_shown(value)}" for name, value in zip(names, values, strict=True)), changed


def _name(setting: SettingValues, settings: Sequence[SettingValues]) -> str:
    """The end of its path, as long as it takes to be a word and to mean this setting alone."""
    ends = [setting.path[-length:] for length in range(1, len(setting.path) + 1)]
    others = [other.path for other in settings if other is not setting]
    clear = (end for end in ends if not end[0].isdecimal() and all(path[-len(end) :] != end for path in others))
    return ".".join(next(clear, setting.path))


def _put(document: Any, path: tuple[str, ...], value: Any) -> None:
    place = document
    for depth, name in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(place, list):
            if not name.isdecimal() or int(name) >= len(place):
                raise UsageError(f"--set {'.'.join(path)}: {name} is not one of {len(place)} entries")
            key: Any = int(name)
        elif isinstance(place, dict):
            key = name
        else:
            raise UsageError(f"--set {'.'.join(path)}: {'.'.join(path[:depth])} is not an object")
        if last:
            place[key] = value
        else:
            # null as well: `turn_detection: null` is how a file switches it off, and --set switches it on again.
            if isinstance(place, dict) and place.get(key) is None:
                place[key] = _begun(path[: depth + 1], path[depth + 1])
            place = place[key]


def _begun(path: tuple[str, ...], name: str) -> Mapping[str, Any]:
    """An object that was not there: turn detection is of one kind or the other."""
    if path == _DETECTION and name != "type":
        return {"type": _FIELDS_OF.get(name, "server_vad")}
    return {}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
