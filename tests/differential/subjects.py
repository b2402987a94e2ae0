"""What scenarios are about: the areas of the recorded traces, and the kinds of input that used to be read wrongly."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from tests.differential.reference import Scenario
from tests.kit.golden_story import argument, asks_for_response
from tests.kit.golden_values import UNDEFINED

About: TypeAlias = Callable[[Scenario], object]

_CONFIG_CALLS = ("updateSessionConfig", "buildSessionPayload")
_CREATE_OR_DELETE = re.compile(r"agents_(create|delete)_\d")


def _actions(scenario: Scenario) -> Iterator[Mapping[str, Any]]:
    """The steps, and what listeners do."""
    for step in scenario["steps"]:
        yield step
        yield from step.get("do", ())


def _methods(scenario: Scenario) -> Iterator[tuple[str, list[Any]]]:
    for action in _actions(scenario):
        if "call" in action or "start" in action:
            yield action.get("call") or action["start"], action.get("args", [])


def _calls(*names: str) -> About:
    return lambda scenario: any(name in names for name, _ in _methods(scenario))


def _connect_options(scenario: Scenario) -> Iterator[Mapping[str, Any]]:
    """Of the connects that are compared; the usual preamble is not."""
    for step in scenario["steps"]:
        if "connect" in (step.get("call"), step.get("start")) and not step.get("setup"):
            yield step["args"][0]


def _connects_with(*names: str) -> About:
    return lambda scenario: any(
        names & options.keys() for names in [{*names}] for options in _connect_options(scenario)
    )


def _configs(scenario: Scenario) -> Iterator[Mapping[str, Any]]:
    given = [args[0] for name, args in _methods(scenario) if name in _CONFIG_CALLS]
    given += [step["accept_payload"] for step in scenario["steps"] if "accept_payload" in step]
    given += [options.get("initialSessionConfig") for options in _connect_options(scenario)]
    yield from (config for config in given if isinstance(config, dict))


def _configures(condition: Callable[[Mapping[str, Any]], object]) -> About:
    return lambda scenario: any(map(condition, _configs(scenario)))


def _events(scenario: Scenario) -> list[Mapping[str, Any]]:
    steps = scenario["steps"]
    return [
        event
        for step in steps
        for event in (*step.get("server_batch", ()), *([step["server"]] if "server" in step else ()))
    ]


def _hears(*types: str, where: Callable[[Mapping[str, Any]], object] = lambda event: True) -> About:
    """An event whose type begins so."""
    return lambda scenario: any(str(e.get("type")).startswith(types) and where(e) for e in _events(scenario))


def _has_step(*names: str) -> About:
    return lambda scenario: any(name in step for step in scenario["steps"] for name in names)


def _written(pattern: str) -> About:
    """It stands somewhere in the scenario's text."""
    search = re.compile(pattern).search
    return lambda scenario: search(json.dumps(scenario["steps"]))


def _tools(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    tools = config.get("tools")
    return tools if isinstance(tools, list) else []


def _approvals(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The filters of the MCP servers' approval policies."""
    policies = [tool.get("require_approval") for tool in _tools(config)]
    filters = [value for policy in policies if isinstance(policy, dict) for value in policy.values()]
    return (value for value in filters if isinstance(value, dict))


def _part(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return None if value == UNDEFINED else value


def _formats(config: Mapping[str, Any]) -> list[Any]:
    nested = [_part(config, "audio", side, "format") for side in ("input", "output")]
    return [*nested, _part(config, "inputAudioFormat"), _part(config, "outputAudioFormat")]


def _is_unknown_format(value: Any) -> bool:
    named = value.get("type") if isinstance(value, dict) else value
    known = (
        ("audio/pcm", "audio/pcmu", "audio/pcma") if isinstance(value, dict) else ("pcm16", "g711_ulaw", "g711_alaw")
    )
    return value is not None and named not in known


def _item(event: Mapping[str, Any]) -> Mapping[str, Any]:
    item = event.get("item")
    return item if isinstance(item, dict) else {}


def _is_odd_error(event: Mapping[str, Any]) -> bool:
    error = event.get("error")
    return not isinstance(error, dict) or not all(isinstance(error.get(key), str) for key in ("code", "message"))


def _histories(scenario: Scenario) -> Iterator[list[Any]]:
    yield from (args[1] for name, args in _methods(scenario) if name == "resetHistory")


def _contents(scenario: Scenario) -> Iterator[Mapping[str, Any]]:
    contents = (item.get("content") for items in _histories(scenario) for item in items)
    yield from (part for content in contents if isinstance(content, list) for part in content)


def _in_order(*conditions: Callable[[Mapping[str, Any]], object]) -> About:
    """Steps that answer to the conditions come one after the other, with others in between."""

    def about(scenario: Scenario) -> bool:
        steps = iter(scenario["steps"])
        return all(any(condition(step) for step in steps) for condition in conditions)

    return about


def _says(
    type_: str, where: Callable[[Mapping[str, Any]], object] = lambda event: True
) -> Callable[[Mapping[str, Any]], object]:
    return lambda step: _part(step, "server", "type") == type_ and where(step["server"])


def _does(method: str) -> Callable[[Mapping[str, Any]], object]:
    return lambda step: step.get("call") == method


def _interrupts(step: Mapping[str, Any]) -> bool:
    return step.get("call") == "interrupt" or _part(step, "server", "type") == "input_audio_buffer.speech_started"


def _refuses_an_edit(event: Mapping[str, Any]) -> object:
    return _CREATE_OR_DELETE.match(str(_part(event, "error", "event_id")))


def _asks_in_listener(of_turn_started: bool) -> About:
    def about(scenario: Scenario) -> bool:
        return any(
            asks_for_response(action.get("call", ""), action.get("args", []))
            for step in scenario["steps"]
            if (step.get("on", step.get("once")) == "turn_started") is of_turn_started
            for action in step.get("do", ())
        )

    return about


def _changes_tracing(scenario: Scenario) -> bool:
    named = [args[0] for name, args in _methods(scenario) if name == "_updateTracingConfig"]
    return len({json.dumps(value) for value in named}) > 1


# The areas that the names of the recorded traces have.
_OF_TRACES: dict[str, About] = {
    "add_image": _calls("addImage"),
    "base": lambda scenario: scenario.get("transport", {}).get("class") == "base",
    "build_payload": _calls("buildSessionPayload", "buildTurnDetectionConfig"),
    "connect_errors": _written(r'"refuse"|"drop"|\$CLOSED'),
    "connect_key": _written(r'"apiKey": (""|null|\{)'),
    "connect_lifecycle": _has_step("start", "server_close", "server_abort"),
    "connect_payload": _connects_with("initialSessionConfig"),
    "connect_url": _connects_with("url", "model", "callId"),
    "create_websocket": lambda scenario: "createWebSocket" in scenario.get("transport", {}).get("options", {}),
    "emitter": _has_step("on", "once", "off"),
    "events_conversation": _hears("conversation."),
    "events_error": _hears("error"),
    "events_malformed": _has_step("server_text", "server_binary", "server_batch"),
    "events_mcp": _hears(
        "mcp", "response.mcp", "conversation.item", where=lambda e: "mcp" in str(_item(e).get("type", "mcp"))
    ),
    "events_plain": _hears("rate_limits", "input_audio_buffer", "output_audio_buffer", "some."),
    "events_response": _hears("response."),
    "function_output": _calls("sendFunctionCallOutput"),
    "history": _calls("resetHistory"),
    "interrupt": _calls("interrupt"),
    "mcp_response": _calls("sendMcpResponse"),
    "mute": _calls("mute"),
    "send_audio": _calls("sendAudio"),
    "send_event": _calls("sendEvent"),
    "send_message": _calls("sendMessage"),
    "sequencer": _in_order(_does("requestResponse"), _says("response.created"), _says("response.done")),
    "sip": lambda scenario: scenario.get("transport", {}).get("class") == "sip",
    "tracing": _calls("_updateTracingConfig"),
    "update_session": _calls("updateSessionConfig"),
}
_OF_KINDS: dict[str, About] = {
    "MCP approval policy, camelCase": _configures(
        lambda c: any({"toolNames", "readOnly"} & f.keys() for f in _approvals(c))
    ),
    "MCP approval policy, snake_case": _configures(
        lambda c: any({"tool_names", "read_only"} & f.keys() for f in _approvals(c))
    ),
    "MCP approval policy, neither": _configures(
        lambda c: any(
            tool.get("require_approval") in ("", "sometimes", None, 0)
            for tool in _tools(c)
            if "require_approval" in tool
        )
    ),
    "numbers that are none": _configures(lambda c: "$number" in json.dumps(c)),
    "reasoning, empty": _configures(lambda c: c.get("reasoning", 1) in ("", {}, None, 0)),
    "tool_choice, null": _configures(lambda c: c.get("toolChoice", 1) is None),
    "tool_choice, an object": _configures(lambda c: isinstance(_part(c, "toolChoice"), dict)),
    "voice, nested and flat": _configures(lambda c: "voice" in c and "voice" in (_part(c, "audio", "output") or {})),
    "format, a name": _configures(lambda c: any(value in ("pcm16", "g711_ulaw", "g711_alaw") for value in _formats(c))),
    "format, an object": _configures(lambda c: any(isinstance(value, dict) for value in _formats(c))),
    "format, unknown": _configures(lambda c: any(map(_is_unknown_format, _formats(c)))),
    "session type, another": _configures(lambda c: c.get("type") in ("transcription", "translation")),
    "MCP item without a part": _hears(
        "conversation.item",
        where=lambda e: (
            _item(e).get("type") in ("mcp_call", "mcp_list_tools", "mcp_approval_request")
            and not {"name", "server_label"} <= _item(e).keys()
        ),
    ),
    "MCP approval asked for": _hears(
        "conversation.item", where=lambda e: _item(e).get("type") == "mcp_approval_request"
    ),
    "empty id": _written(r'"(id|item_id|itemId|call_id|callId|response_id)": ""'),
    "history, after a refused edit": _in_order(
        _does("resetHistory"), _says("error", _refuses_an_edit), _does("resetHistory")
    ),
    "history, unanswered edit": _in_order(_does("resetHistory"), _does("resetHistory")),
    "history, image": lambda scenario: any(part.get("type") == "input_image" for part in _contents(scenario)),
    "history, odd status": lambda scenario: any(
        item.get("status", "completed") not in ("completed", "in_progress", "incomplete")
        for items in _histories(scenario)
        for item in items
    ),
    "truncation, format of the response": _in_order(
        _says("response.created", lambda e: _part(e, "response", "audio", "output", "format")),
        _says("response.output_audio.delta"),
        _interrupts,
    ),
    "truncation, unknown format": _hears(
        "session.updated",
        "response.created",
        where=lambda e: "audio/opus" in json.dumps(e) or "g711_other" in json.dumps(e),
    ),
    "truncation, empty delta": _hears("response.output_audio.delta", where=lambda e: e.get("delta") == ""),
    "truncation, after its done": _in_order(_says("response.output_audio.done"), _interrupts),
    "truncation, more after its done": _in_order(
        _says("response.output_audio.done"), _says("response.output_audio.delta"), _interrupts
    ),
    "truncation, where a player was": _in_order(
        lambda step: "heard_ms" in step, _says("response.output_audio.delta"), _interrupts
    ),
    "request in a turn_started listener": _asks_in_listener(of_turn_started=True),
    "request in another listener": _asks_in_listener(of_turn_started=False),
    "odd error": _hears("error", where=_is_odd_error),
    "tracing, an object": lambda scenario: any(
        isinstance(argument(args, 0), dict) for name, args in _methods(scenario) if name == "_updateTracingConfig"
    ),
    "tracing, changed": _changes_tracing,
}
SUBJECTS: Mapping[str, About] = _OF_TRACES | _OF_KINDS


def counted(scenarios: Iterable[Scenario]) -> Counter[str]:
    """How many of the scenarios are about each subject; one of several counts for each."""
    counts: Counter[str] = Counter(dict.fromkeys(SUBJECTS, 0))
    for scenario in scenarios:
        counts.update(name for name, about in SUBJECTS.items() if about(scenario))
    return counts
