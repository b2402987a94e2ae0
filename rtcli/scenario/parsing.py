"""Reads a scenario from its file; what is wrong is told with file, line, column and the nearest valid key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rtcli.errors import InputError, UsageError
from rtcli.protocol.config_shapes import checked_config
from rtcli.protocol.yaml_reader import read_yaml_places
from rtcli.reading import read_text
from rtcli.scenario import SUFFIXES
from rtcli.scenario.grammar import SCENARIO, StepShape
from rtcli.scenario.language import DEFAULT_TIMEOUT, Scenario, ScenarioStep, ScenarioTool
from rtcli.scenario.places import At, nearest
from rtcli.scenario.shapes import VARIABLE, FilledText

MAX_BYTES = 4 * 2**20  # the YAML reader keeps the place of every value, which takes many times that in memory


def load_document(path: Path) -> tuple[Any, At]:
    """What a file says, and where. Raises InputError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(str(path), "a scenario may have at most 4 MiB")
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    value, places = read_yaml_places(read_text(path), str(path))
    return value, At(str(path), places)


def load_scenario(path: Path | str) -> Scenario:
    """The scenario of a file. Raises InputError."""
    path = Path(path)
    return parse_scenario(*load_document(path), path)


def parse_scenario(value: Any, at: At, path: Path) -> Scenario:
    """A scenario from its document; files that it names are beside `path`. Raises InputError."""
    read = SCENARIO.read(value, at)
    if read.get("session"):
        try:
            checked_config(read["session"])
        except UsageError as error:
            raise at.inner("session").error(str(error), error.hint) from error
    # `session: null` sends no session.update, and tools are a part of one.
    if read.get("session", {}) is None and "tools" in read:
        raise at.inner("session").error("tools are settings", "session: {} sends them alone")
    bounds = read.get("bounds", {})
    scenario = Scenario(
        name=read.get("name") or _stem(path),
        file=str(path),
        folder=path.parent,
        steps=tuple(_steps(value["steps"], at.inner("steps"))),
        description=read.get("description", ""),
        model=read.get("model"),
        session=read.get("session", {}),
        tools=tuple(_tool(tool, at.inner("tools").inner(i)) for i, tool in enumerate(read.get("tools", ()))),
        timeout=read.get("timeout", DEFAULT_TIMEOUT),
        bounds=tuple(bound for name, bound in bounds.items() if name != "lint"),
        lint=bounds.get("lint"),
    )
    _check_files(scenario)
    return scenario


def _stem(path: Path) -> str:
    return next((path.name.removesuffix(suffix) for suffix in SUFFIXES if path.name.endswith(suffix)), path.stem)


def _steps(given: list[Any], at: At) -> Iterator[ScenarioStep]:
    known: set[str] = set()
    for index, one in enumerate(given):
        place = at.inner(index)
        # Before the shapes read it: a misspelled ${name} would else be refused as not a number, or not a file.
        _check_variables(one, place, known)
        kind, values = StepShape().read(one, place)
        yield ScenarioStep(kind, values, one, place)
        # Known from the next step on: a step cannot use what it captures itself.
        if kind == "capture":
            known |= set(values["capture"])


def _check_variables(value: Any, at: At, known: set[str]) -> None:
    """Each ${name} was captured by a step before."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check_variables(inner, at.inner(name), known)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_variables(inner, at.inner(index), known)
    elif isinstance(value, str):
        for is_escaped, name in VARIABLE.findall(value):
            if not is_escaped and name not in known:
                hint = nearest(name, sorted(known)) if known else "a step capture: {name: path} makes one"
                raise at.error(f"${{{name}}} was not captured by an earlier step", hint)


def filled(step: ScenarioStep, captured: Mapping[str, Any]) -> ScenarioStep:
    """The step with what was captured in the place of each ${name}. Raises InputError where it does not fit."""
    given = _filled(step.given, captured)
    if given == step.given:
        return step
    kind, values = StepShape().read(given, step.at)
    return ScenarioStep(kind, values, given, step.at)


def _filled(value: Any, captured: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(inner, captured) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, captured) for inner in value]
    if not isinstance(value, str):
        return value
    if (whole := VARIABLE.fullmatch(value)) is not None and not whole[1]:
        found = captured[whole[2]]
        return FilledText(found) if isinstance(found, str) else found  # a number stays one
    is_expression = len(value) > 1 and value.startswith("/") and value.endswith("/")
    shown = re.escape if is_expression else str  # there it is looked for as it stands, too
    filling = VARIABLE.sub(lambda found: found[0][1:] if found[1] else shown(str(captured[found[2]])), value)
    return FilledText(filling) if filling != value else value


def _tool(read: Mapping[str, Any], at: At) -> ScenarioTool:
    if "output" in read and "outputs" in read:
        raise at.inner("outputs").error("output and outputs exclude each other")
    schema = {"type": "function"} | {name: read[name] for name in ("name", "description", "parameters") if name in read}
    outputs = read["outputs"] if "outputs" in read else [read["output"]] if "output" in read else []
    return ScenarioTool(schema, tuple(outputs))


def _check_files(scenario: Scenario) -> None:
    """Every file that a step names is there: a run must not find that out in its middle."""
    for step in scenario.steps:
        name = str(step.values[step.kind]) if step.kind in ("play", "image") else ""
        known = name and "://" not in name and not VARIABLE.search(name)  # before it runs
        if known and not (scenario.folder / name).is_file():
            raise step.at.inner(step.kind).error(
                f"file {name!r} does not exist", f"its folder would be {scenario.folder}"
            )


def _is_scenario(file: Path, folder: Path) -> bool:
    """Not in a hidden folder, such as an environment or a cache."""
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.name.endswith(SUFFIXES) and not hidden and file.is_file()


def find_scenarios(paths: list[Path]) -> list[Path]:
    """The files that are named, and those of folders, in the order of their names. Raises InputError."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if _is_scenario(one, path))
            if not inside:
                raise InputError(str(path), f"no file in it ends with {SUFFIXES[0]}")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))  # a file that is named and lies in a folder that is named too runs once
