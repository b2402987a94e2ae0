"""Makes a scenario as small as it gets while a question about it is still answered with yes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

Path: TypeAlias = tuple[Any, ...]
_FIXED = {"type", "call", "area", "steps"}  # without these a value is something else, not something smaller


async def shrink(scenario: dict[str, Any], holds: Callable[[dict[str, Any]], Awaitable[bool]]) -> dict[str, Any]:
    """The smallest scenario found for which `holds`; `scenario` itself has to be one."""
    smallest = scenario
    progress = True
    while progress:
        progress = False
        for candidate in _smaller(smallest):
            if await holds(candidate):
                smallest, progress = candidate, True
                break
    return smallest


def _smaller(scenario: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Smaller scenarios, the boldest cuts first."""
    steps = scenario["steps"]
    size = len(steps)
    while size:
        for begin in range(0, len(steps), size):
            yield {**scenario, "steps": steps[:begin] + steps[begin + size :]}
        size //= 2
    for path in _places(steps, ()):
        yield {**scenario, "steps": _without(steps, path)}


def _places(value: Any, path: Path) -> Iterator[Path]:
    """Everything that can be left out inside of an argument or a server event, outer things first."""
    if isinstance(value, dict) and "setup" in value:
        return
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    deeper = []
    for key, entry in inside:
        is_inside = len(path) > 2 or (len(path) == 2 and path[1] not in ("args", "do"))
        if is_inside and key not in _FIXED:
            yield (*path, key)
        deeper.append((entry, (*path, key)))
    for entry, place in deeper:
        yield from _places(entry, place)


def _without(value: Any, path: Path) -> Any:
    key, *rest = path
    if not rest:
        if isinstance(value, dict):
            return {name: entry for name, entry in value.items() if name != key}
        return [*value[:key], *value[key + 1 :]]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _without(value[key], tuple(rest))
    return copy
