"""Scripts: what the server says, word for word, written in YAML or JSON; for tests that want the same every time.

A script is a list of rules. The first whose `when` fits answers; where none fits, the ordinary reply engine does.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from rtcli.dsp.wav import read_speech
from rtcli.errors import InputError, UsageError
from rtcli.protocol.events import WireObject
from rtcli.protocol.faults import parse_step
from rtcli.protocol.matching import FieldMatcher, Matcher, equal_to, one_of, text_matcher
from rtcli.protocol.ndjson import parse_json
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
from rtcli.server.validation.validators import Check, anything, array, fields, kind, mapping, number, text

_Step: TypeAlias = Callable[[Any, ReplyRequest], Iterator[Piece]]

_MAX_BYTES = 4 * 2**20  # of a script
_WHEN = fields({"text": text(), "transcript": text(), "turn": number(1, 10**6), "tool": text()})
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
    fields({"when": _WHEN, "reply": array(_STEP, "an array of steps")}, ["reply"]), "an array of rules"
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
    import yaml

    try:
        return yaml.safe_load(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise InputError(str(path), str(getattr(error, "problem", None) or error), **place) from error
    except RecursionError:  # a thousand brackets in a row
        raise InputError(str(path), "nested too deeply") from None


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
        self._rules: Sequence[tuple[FieldMatcher, Sequence[WireObject]]] = [
            (self._when(rule.get("when") or {}), rule["reply"]) for rule in rules
        ]
        for _, steps in self._rules:
            for step in steps:
                self._check(step)

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """The pieces of the first rule that fits."""
        for when, steps in self._rules:
            try:
                fits = when.matches({name: partial(read, request) for name, read in _FIELDS.items()})
            except UsageError as error:  # a pattern that takes too long: who tests with the script has to see it
                yield Fail({"type": "server_error", "code": "script", "message": f"{self._file}: {error}"}, "")
                return
            if fits:
                for step in steps:
                    for piece in self._pieces(step, request):
                        yield piece
                return
        async for piece in self._otherwise.reply(request):
            yield piece

    def _when(self, when: Mapping[str, Any]) -> FieldMatcher:
        try:
            return FieldMatcher(when, _MATCHERS)
        except UsageError as error:
            raise InputError(self._file, str(error), hint=error.hint) from error

    def _check(self, step: WireObject) -> None:
        actions = [name for name in step if name != "transcript"]
        if len(actions) != 1 or ("transcript" in step and actions != ["audio"]):
            raise InputError(self._file, f"a step does one thing; this has {', '.join(step) or 'none'}")
        if "audio" in step:
            self._sounds[step["audio"]] = read_speech(self._inside(step["audio"]))
        if "fault" in step:
            try:
                parse_step(step["fault"])
            except UsageError as error:
                raise InputError(self._file, str(error), hint=error.hint) from error

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


_MATCHERS: Mapping[str, Callable[[Any], Matcher]] = {
    "text": text_matcher,
    "transcript": text_matcher,
    "turn": equal_to,
    "tool": one_of,
}
_FIELDS: Mapping[str, Callable[[ReplyRequest], object]] = {
    "text": partial(_said, spoken=False),
    "transcript": partial(_said, spoken=True),
    "turn": _turn,
    "tool": _answered_tools,
}
