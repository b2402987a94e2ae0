"""The grammar of a scenario: which keys there are, what stands behind each, and the JSON Schema of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rtcli.protocol.catalog import meant_by
from rtcli.protocol.event_matching import EventMatcher
from rtcli.scenario.bounds import NAMES, SEVERITIES, parse_bound, parse_lint
from rtcli.scenario.language import Expectation
from rtcli.scenario.places import At, nearest
from rtcli.scenario.shapes import (
    ANYTHING,
    FILE,
    FLAG,
    OBJECT,
    SECONDS,
    TEXT,
    WORDS,
    Converted,
    JsonSchema,
    Key,
    Listed,
    ObjectShape,
    Plain,
    Shape,
)

_CALL = ObjectShape(
    {
        "name": Key(TEXT, "The tool's name; * in it stands for anything."),
        "arguments": Key(OBJECT, "Its arguments, those that are named."),
    }
)
_EVENT = Plain((dict,), "an event", {"type": "object"})
_WITHIN = Key(SECONDS, "How long after the last say, play, send or image it may come: 900ms, 1.5s.")


@dataclass(frozen=True, slots=True)
class _CallShape:
    """A call by its name alone, or by name and arguments."""

    def read(self, value: Any, at: At) -> Any:
        """Its fields."""
        return {"name": value} if isinstance(value, str) else _CALL.read(value, at)

    def schema(self) -> JsonSchema:
        """Both forms."""
        return {"anyOf": [{"type": "string"}, _CALL.schema()]}


_KINDS: Mapping[str, Key] = {
    "text": Key(WORDS, "Words that the model writes: a part of them, or a regular expression as /x/."),
    "transcript": Key(WORDS, "Words that the model says: a part of them, or a regular expression as /x/."),
    "call": Key(_CallShape(), "A call of a tool."),
    "event": Key(_EVENT, "An event of either direction, by the fields that are named."),
}


@dataclass(frozen=True, slots=True)
class ExpectedShape:
    """One thing that is expected; `no: ...` excludes one."""

    excludes: bool = True  # whether it may be a `no`

    def read(self, value: Any, at: At) -> Expectation:
        """The expectation."""
        if not isinstance(value, Mapping):
            raise at.error(f"{value!r} is not an expectation", f"it is one of {', '.join(self._names)}")
        if "type" in value:  # short for event
            fields = {name: inner for name, inner in value.items() if name != "within"}
            value = {"event": fields, **({"within": value["within"]} if "within" in value else {})}
        names = [name for name in value if name != "within"]
        unknown = next((name for name in names if name not in self._names), None)
        if unknown is not None:
            known = (*self._names, "within", "type")
            raise at.inner(str(unknown)).error(f"{unknown!r} is not a key here", nearest(str(unknown), known))
        if len(names) != 1:
            found = ", ".join(names) or "none"
            raise at.error(f"an expectation is one of {', '.join(self._names)}; this has {found}")
        within = SECONDS.read(value["within"], at.inner("within")) if "within" in value else None
        return self._made(names[0], value[names[0]], within, at)

    @property
    def _names(self) -> tuple[str, ...]:
        return (*_KINDS, *(("no",) if self.excludes else ()))

    def _made(self, kind: str, value: Any, within: float | None, at: At) -> Expectation:
        inner = at.inner(kind)
        if kind == "no":
            one = ExpectedShape(excludes=False).read(value, inner)
            limit = one.within if within is None else within
            return Expectation(one.kind, one.matcher, f"no {one.text}", limit, excluded=True, line=at.line)
        read = _KINDS[kind].shape.read(value, inner)
        if kind == "event" and not read:
            raise inner.error("an event without fields matches everything")
        # A slip would never come, and after `no` nobody would notice.
        if kind == "event" and (meant := meant_by(str(read.get("type", "")))):
            raise at.error(f"{read['type']!r} is not an event", f"did you mean {meant}?")
        fields = {kind: read} if kind in ("text", "transcript") else read
        what = read.get("name" if kind == "call" else "type", "any") if isinstance(read, dict) else _quoted(read)
        text = str(what) if kind == "event" and "type" in read else f"{kind} {what}"
        return Expectation(kind, EventMatcher(fields), text, within, line=at.line)

    def schema(self) -> JsonSchema:
        """Its forms."""
        inner = ExpectedShape(excludes=False).schema() if self.excludes else {}
        keys = {**_KINDS, "within": _WITHIN}
        properties = {name: {"description": key.meaning, **key.shape.schema()} for name, key in keys.items()}
        if self.excludes:
            properties["no"] = {"description": "What must not come.", **inner}
        one_of = [{"required": [name]} for name in self._names]
        # Any other key is a field of the event, so this form cannot refuse unknown ones.
        short = {"type": "object", "required": ["type"], "properties": {"within": SECONDS.schema()}}
        whole = {"type": "object", "additionalProperties": False, "properties": properties, "oneOf": one_of}
        return {"anyOf": [whole, short]}


def _quoted(words: str) -> str:
    return words if words.startswith("/") and words.endswith("/") else f"'{words}'"


@dataclass(frozen=True, slots=True)
class StepForm:
    """A kind of step: what stands behind its key, and the keys that may stand beside it."""

    shape: Shape
    meaning: str
    beside: Mapping[str, Key] = field(default_factory=dict)


_AFTER = ObjectShape({"after": Key(SECONDS, "How much of the answer's audio is heard before: 1.5s.")})


@dataclass(frozen=True, slots=True)
class _Interrupt:
    """At once, or after so much audio was heard."""

    def read(self, value: Any, at: At) -> float:
        """Seconds of audio."""
        return 0.0 if value is None else float(_AFTER.read(value, at).get("after", 0.0))

    def schema(self) -> JsonSchema:
        """Both forms."""
        return {"anyOf": [{"type": "null"}, _AFTER.schema()]}


@dataclass(frozen=True, slots=True)
class _Captures:
    """Names, and the paths of what they are to stand for."""

    def read(self, value: Any, at: At) -> dict[str, str]:
        """The paths by their names."""
        if not isinstance(value, Mapping) or not value:
            raise at.error("a capture is name: path", "for example order: call.arguments.order_id")
        for name, path in value.items():
            if not str(name).isidentifier():
                raise at.inner(str(name)).error(f"{name!r} is not a name", "letters, digits and _")
            TEXT.read(path, at.inner(name))
        return dict(value)

    def schema(self) -> JsonSchema:
        """An object of texts."""
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}


STEPS: Mapping[str, StepForm] = {
    "say": StepForm(TEXT, "The user writes this, and the model answers."),
    "play": StepForm(
        FILE,
        "The user speaks: a WAV file, in real time.",
        {"commit": Key(FLAG, "Whether the turn is committed at its end; without it, where turn detection is off.")},
    ),
    "image": StepForm(FILE, "The user shows an image.", {"text": Key(TEXT, "The text that goes with it.")}),
    "send": StepForm(_EVENT, "This event is sent as it stands."),
    "command": StepForm(TEXT, "A slash command, as at the prompt."),
    "interrupt": StepForm(_Interrupt(), "The user interrupts the answer where it was heard."),
    "wait": StepForm(SECONDS, "Wait this long."),
    "expect": StepForm(
        Listed(ExpectedShape(), "a list of expectations"),
        "What has come since the last say, play, send or image, when the answer is complete.",
        {
            "ordered": Key(FLAG, "Whether it has to come in this order."),
            "timeout": Key(SECONDS, "How long the answer may take; 60s where nothing else is said."),
        },
    ),
    "capture": StepForm(_Captures(), "Keeps a value of what has come; ${name} stands for it in later steps."),
}


@dataclass(frozen=True, slots=True)
class StepShape:
    """One step: one kind, and what may stand beside it."""

    def read(self, value: Any, at: At) -> tuple[str, dict[str, Any]]:
        """Its kind, and its values by their keys."""
        if not isinstance(value, Mapping):
            raise at.error(f"{value!r} is not a step", f"a step is one of {', '.join(STEPS)}")
        kinds = [name for name in value if name in STEPS]
        if len(kinds) > 1:
            raise at.error(f"a step does one thing; this has {', '.join(kinds)}")
        # A step whose one key is misspelled has no kind yet: then the kinds themselves are what it may have meant.
        known = {**STEPS} if not kinds else {kinds[0]: None, **STEPS[kinds[0]].beside}
        for name in value:
            if name not in known:
                raise at.inner(str(name)).error(f"{name!r} is not a key here", nearest(str(name), known))
        if not kinds:
            raise at.error("this step has no action", f"a step is one of {', '.join(STEPS)}")
        kind, form = kinds[0], STEPS[kinds[0]]
        read = {kind: form.shape.read(value[kind], at.inner(kind))}
        for name, key in form.beside.items():
            if name in value:
                read[name] = key.shape.read(value[name], at.inner(name))
        return kind, read

    def schema(self) -> JsonSchema:
        """Every kind of step."""
        return {"oneOf": [_form_schema(kind, form) for kind, form in STEPS.items()]}


def _form_schema(kind: str, form: StepForm) -> JsonSchema:
    keys = {kind: Key(form.shape, form.meaning), **form.beside}
    return {**ObjectShape(keys, (kind,)).schema(), "description": form.meaning}


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Bounds by their names, and `lint`."""

    def read(self, value: Any, at: At) -> dict[str, Any]:
        """The parsed bounds; that of the rules under "lint"."""
        if not isinstance(value, Mapping) or not value:
            raise at.error("bounds are name: limit", 'for example first_audio.p95: "<900ms"')
        read: dict[str, Any] = {}
        for name, limit in value.items():
            if name != "lint" and name not in NAMES:
                raise at.inner(str(name)).error(f"{name!r} is not a figure", nearest(str(name), (*NAMES, "lint")))
            parse = parse_lint if name == "lint" else lambda given, name=name: parse_bound(name, given)
            read[name] = replace(Converted(parse, {}).read(limit, at.inner(name)), line=at.inner(name).line)
        return read

    def schema(self) -> JsonSchema:
        """One table of names."""
        severity = {"enum": list(SEVERITIES)}
        ignore = {"type": "array", "items": {"type": "string"}}
        lint = {"type": "object", "additionalProperties": False, "properties": {"severity": severity, "ignore": ignore}}
        limits = {name: {"type": ["number", "string"]} for name in NAMES}
        rules = {"description": "The worst finding of rtcli check that fails the run.", "anyOf": [severity, lint]}
        return {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {"lint": rules, **limits},
        }


_TOOL = ObjectShape(
    {
        "name": Key(TEXT, "What the model calls it."),
        "description": Key(TEXT, "What the model is told of it."),
        "parameters": Key(OBJECT, "JSON Schema of its arguments."),
        "output": Key(ANYTHING, "What every call is answered with: text, or any value as JSON."),
        "outputs": Key(Plain((list,), "a list", {"type": "array", "minItems": 1}), "One answer for each call in turn."),
    },
    required=("name",),
)

_SESSION = Plain((dict, type(None)), "an object", {"type": ["object", "null"]})

SCENARIO = ObjectShape(
    {
        "$schema": Key(TEXT, "Where this schema is, for an editor."),
        "name": Key(TEXT, "What results call it; without it, the file's name."),
        "description": Key(TEXT, "What it is for."),
        "model": Key(TEXT, "The model that is asked for."),
        "session": Key(_SESSION, "Settings of the session, as session.update takes them; null: none are sent."),
        "tools": Key(Listed(_TOOL, "a list of tools"), "The model's tools, with the answers to its calls."),
        "timeout": Key(SECONDS, "How long an answer may take, 60s where nothing else is said."),
        "steps": Key(Listed(StepShape(), "a list of steps"), "What the user does, and what is expected."),
        "bounds": Key(_Bounds(), "What the figures of the whole run may be."),
    },
    required=("steps",),
)


def scenario_schema() -> JsonSchema:
    """JSON Schema (2020-12) of a scenario's file, as the package has it in scenario.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of rtcli",
        **SCENARIO.schema(),
    }
