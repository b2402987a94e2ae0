"""A scenario as it was read: who is talked to, what is done step by step, what is judged at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtcli.protocol.event_matching import EventMatcher
from rtcli.scenario.bounds import Bound, LintBound
from rtcli.scenario.places import At

DEFAULT_TIMEOUT = 60.0
"""Seconds that an expectation waits, unless the file says otherwise."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that has to come, or must not (`excluded`), `within` so many seconds.

    `kind` says what is looked at: "text" and "transcript" of the model, a "call" of a tool, or any "event".
    """

    kind: str
    matcher: EventMatcher
    text: str
    within: float | None = None
    excluded: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One step: `kind` is its key, such as "say"; `values` has that and the keys beside it, as they were read.

    `given` is the same as it stands in the file, with `${name}` for what is still to be captured.
    """

    kind: str
    values: Mapping[str, Any]
    given: Mapping[str, Any]
    at: At

    @property
    def text(self) -> str:
        """How results call it, in a line."""
        value = self.given[self.kind]
        if self.kind == "expect":
            return f"expect {', '.join(one.text for one in self.values['expect'])}"
        if isinstance(value, Mapping):
            # An event that is sent is called by its type; anything else has no short name.
            value = value.get("type") or ", ".join(f"{name}: {inner}" for name, inner in value.items())
        words = "" if value is None else " ".join(str(value).split())
        return f"{self.kind} {words}".strip()


@dataclass(frozen=True, slots=True)
class ScenarioTool:
    """A tool of the model's, and what its calls are answered with: one output each, the last one again and again.

    Without outputs the calls wait for a `/tool` command.
    """

    schema: Mapping[str, Any]
    outputs: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file. `session` is the wire's, None: no settings are sent, and the session is as the server begins it.

    Files that steps name are in `folder`; `timeout` is in seconds.
    """

    name: str
    file: str
    folder: Path
    steps: Sequence[ScenarioStep]
    description: str = ""
    model: str | None = None
    session: Mapping[str, Any] | None = field(default_factory=dict)
    tools: Sequence[ScenarioTool] = ()
    timeout: float = DEFAULT_TIMEOUT
    bounds: Sequence[Bound] = ()
    lint: LintBound | None = None

    def __repr__(self) -> str:
        return f"<Scenario {self.name!r}: {len(self.steps)} steps>"
