"""Scripts: what the server says, word for word, written in YAML or JSON; for tests that want the same every time.

A script is a list of rules. The first whose `when` fits answers; where none fits, the ordinary reply engine does.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from rtcli.dsp.wav import read_speech
from rtcli.errors import InputError, UsageError
from rtcli.protocol.differences import NOTHING, Discrepancy, Mismatch
from rtcli.protocol.event_matching import EventMatcher, refuse_bare_expression, words_matcher
from rtcli.protocol.events import Event, WireObject
from rtcli.protocol.faults import parse_step
from rtcli.protocol.ndjson import parse_json
from rtcli.protocol.play import Emit, Expect, PlayStep, cue
from rtcli.protocol.play_judge import Judge
from rtcli.protocol.yaml_reader import read_yaml
from rtcli.reading import read_text
from rtcli.server.replies.base import (
    Call,
    Fail,
    InjectFault,
    OfferedTool,
    Pause,
    Piece,
    Play,
    ReplyEngine,
    ReplyRequest,
    Say,
    by_role,
    name_of_call,
    outputs_of_turn,
    text_of,
    turn_start,
)
from rtcli.server.validation.api_errors import ApiError
from rtcli.server.validation.validators import Check, anything, array, boolean, fields, kind, mapping, number, text

_Checked = TypeVar("_Checked")
_Step: TypeAlias = Callable[[Any, ReplyRequest], Iterator[Piece]]

_MAX_BYTES = 4 * 2**20  # of a script
_WHEN = fields(
    {"text": text(), "transcript": text(), "turn": kind(integer=number(1, 10**6), string=text()), "tool": text()}
)
_CALL = fields({"name": text(), "arguments": kind(object=mapping(anything), string=text())}, ["name"])
_FAIL = fields({"type": text(), "code": text(), "message": text(), "incomplete": text()})
_STEP = fields(
    {
        "text": text(),
        "audio": text(),
        "transcript": text(),
        "call": _CALL,
        "delay": number(0.0, 3600.0),
        "fail": _FAIL,
        "fault": text(),
    }
)
_SCRIPT: Check = array(
    fields(
        {
            "when": _WHEN,
            "expect": array(anything, "an array of expectations"),
            "ordered": boolean,
            "reply": array(_STEP, "an array of steps"),
        },
        ["reply"],
    ),
    "an array of rules",
)


def load_script(path: Path | str, otherwise: ReplyEngine) -> ScriptReply:
    """A script from its file. Raises InputError that names the file and the place for what cannot be used."""
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(str(path), "a script of more than 4 MiB")
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    source = read_text(path)
    return ScriptReply(_parse(source, path), path.resolve().parent, otherwise, name=path.name)


def _parse(source: str, path: Path) -> Any:
    if path.suffix == ".json":
        return parse_json(source, str(path))
    return read_yaml(source, str(path))


class ScriptReply:
    """Answers by the rules of a script."""

    def __init__(self, rules: Any, folder: Path | str, otherwise: ReplyEngine, *, name: str = "script") -> None:
        """`rules` is the script as read; `folder` is where its files are. Raises InputError for what is wrong."""
        self.name = f"script {name}"
        self._file, self._folder = (
            name,
            Path(folder).resolve(),
        )  # the name that errors give, the only place of its files
        self._otherwise = otherwise  # replies where no rule fits
        self._sounds: dict[str, bytes] = {}  # 24 kHz PCM16 by file name, read now: a missing file shows at the start
        try:
            _SCRIPT(rules, "script")
        except ApiError as refused:
            raise InputError(name, refused.message) from refused
        self._steps: list[PlayStep] = []  # of all rules: when, and what is emitted then
        self._judges: dict[int, Judge] = {}  # of rules with `expect`, by the position of their first step
        self._unused: set[int] = set()  # of those, the rules that have not answered yet
        self.on_mismatch: Callable[[Mismatch], object] = lambda mismatch: None
        for rule in rules:
            self._add(rule)

    def _add(self, rule: WireObject) -> None:
        when, position = rule.get("when") or {}, len(self._steps)
        for step in rule["reply"]:
            self._check(step)
        for name in ("text", "transcript"):
            self._checked(f"{name}: ", _check_words, when.get(name, ""))
        if "expect" in rule:
            self._judges[position] = self._checked("", Judge.of, rule["expect"], rule.get("ordered", False))
            self._unused.add(position)
        self._steps += [Expect(_When(when)), *map(Emit, rule["reply"])]

    def _checked(self, what: str, check: Callable[..., _Checked], *given: Any) -> _Checked:
        try:
            return check(*given)
        except UsageError as error:
            raise InputError(self._file, f"{what}{error}", hint=error.hint) from error

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """The pieces of the first rule that fits."""
        try:
            found = cue(self._steps, _facts(request))
        except UsageError as error:  # a pattern that takes too long: who tests with the script has to see it
            yield Fail({"type": "server_error", "code": "script", "message": f"{self._file}: {error}"}, "")
            return
        if found is None:
            async for piece in self._otherwise.reply(request):
                yield piece
            return
        position, emits = found
        self._judge(position, request.sent)
        for emit in emits:
            assert isinstance(emit.what, Mapping)
            for piece in self._pieces(dict(emit.what), request):
                yield piece

    def _judge(self, position: int, sent: list[Event]) -> None:
        """A rule answers: what the client has sent since the rule before has to be what it expects."""
        self._unused.discard(position)
        judge, since = self._judges.get(position), sent.copy()
        sent.clear()
        if judge is not None and (mismatch := judge.judge(since)) is not None:
            self.on_mismatch(Mismatch(f"{mismatch.what}, in {self._rule(position)}", mismatch.differences))

    def left(self) -> Mismatch | None:
        """Rules with `expect` that have not answered, now that all clients are gone."""
        if not self._unused:
            return None
        unused = tuple(Discrepancy(self._rule(position), NOTHING, NOTHING) for position in sorted(self._unused))
        return Mismatch("rules that expect something never answered", unused)

    def _rule(self, position: int) -> str:
        number = sum(isinstance(step, Expect) for step in self._steps[: position + 1])
        return f"rule {number} of {self._file}"

    def _check(self, step: WireObject) -> None:
        actions = [name for name in step if name != "transcript"]
        if len(actions) != 1 or ("transcript" in step and actions != ["audio"]):
            raise InputError(self._file, f"a step does one thing; this has {', '.join(step) or 'none'}")
        if "audio" in step:
            self._sounds[step["audio"]] = read_speech(self._inside(step["audio"]))
        if "fault" in step:
            self._checked("", parse_step, step["fault"])

    def _inside(self, name: str) -> Path:
        """A file of the script's own folder, and of nowhere else."""
        path = (self._folder / name).resolve()  # with its symbolic links: where it really is
        if not path.is_relative_to(self._folder):
            raise InputError(self._file, f"{name!r} is outside of the script's folder")
        return path

    def _pieces(self, step: WireObject, request: ReplyRequest) -> Iterator[Piece]:
        name = next(key for key in step if key != "transcript")
        if name == "audio":
            yield Play(self._sounds[step["audio"]], step.get("transcript", ""))
        else:
            yield from _STEPS[name](step[name], request)


def _say(words: str, request: ReplyRequest) -> Iterator[Piece]:
    return (Say(word) for word in re.findall(r"\S+\s*", words))  # each word is a delta


def _call(call: WireObject, request: ReplyRequest) -> Iterator[Piece]:
    arguments = call.get("arguments", {})
    known = (tool for tool in request.tools if tool.name == call["name"])
    # a script may call what the client did not offer: that is a case to test
    tool = next(known, OfferedTool(call["name"], "", {}))
    yield Call(tool, arguments if isinstance(arguments, str) else json.dumps(arguments))


def _fail(fail: WireObject, request: ReplyRequest) -> Iterator[Piece]:
    error = {"type": "server_error", "code": "script", "message": "The script says so."}
    yield Fail({**error, **{k: v for k, v in fail.items() if k != "incomplete"}}, fail.get("incomplete", ""))


_STEPS: Mapping[str, _Step] = {
    "text": _say,
    "call": _call,
    "delay": lambda seconds, request: iter([Pause(seconds)]),
    "fail": _fail,
    "fault": lambda what, request: iter([InjectFault(what)]),
}


def _said(request: ReplyRequest, *, spoken: bool) -> str:
    """What the user's last message typed, or said; "" where the assistant has answered it already."""
    turn = by_role(request.context[turn_start(request.context) :], "user")
    return text_of(turn[-1]) if turn and bool(turn[-1].audio) == spoken else ""


def _turn(request: ReplyRequest) -> int:
    """Which response this is, counted by the messages of the assistant."""
    return 1 + len(by_role(request.context, "assistant"))


def _answered_tools(request: ReplyRequest) -> list[str]:
    """The names of the tools whose results this response answers."""
    results = outputs_of_turn(request.context)
    return [r.wire.get("name") or name_of_call(request.context, r.wire["call_id"]) for r in results]


def _check_words(words: str) -> None:
    """Raises UsageError for an expression that is not valid, or not marked as one."""
    refuse_bare_expression(words)
    words_matcher(words)


@dataclass(frozen=True, slots=True)
class _When:
    """Expects a response to be asked for in a conversation like this."""

    when: Mapping[str, Any]
    type = ""

    @property
    def text(self) -> str:
        return f"a response when {dict(self.when)}"

    def differences(self, event: Event) -> Sequence[Discrepancy]:
        """`event` is the facts of a request."""
        tools = event["tool"] or [""]
        variants = ({**event, "tool": tool} for tool in tools) if "tool" in self.when else (event,)
        return min((EventMatcher(self.when).differences(facts) for facts in variants), key=len)

    def met(self, event: Event) -> None:
        """Nothing is kept of it."""

    def may_follow(self, later: object) -> bool:
        """Rules have the order of the file."""
        return False


def _facts(request: ReplyRequest) -> Event:
    """What `when` can ask for."""
    return {
        "type": "",
        "text": _said(request, spoken=False),
        "transcript": _said(request, spoken=True),
        "turn": _turn(request),
        "tool": _answered_tools(request),
    }
