"""Where ours differs from the reference on purpose: which steps, what of them, and what ours does there instead."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.protocol.catalog import event_types
from rtcli.protocol.record import Direction
from tests.kit.golden_instead import (
    NEWER_MCP_FIELDS,
    Accepts,
    anything,
    as_named,
    connects,
    images_have_an_address,
    in_the_address,
    left_alone,
    merged,
    messages_as_recorded,
    more,
    moved_alone,
    moved_is_left_alone,
    not_again,
    nothing_dialled,
    one_millisecond_more,
    refused,
    same_but,
    same_but_frames,
    same_but_newer_tools,
    same_but_tracing,
    same_but_turns,
    same_set,
    stopped,
    went_on,
)
from tests.kit.golden_player import Seen
from tests.kit.golden_story import (
    OTHER_SPELLING,
    Step,
    Story,
    argument,
    asks_for_response,
    refused_cancel,
    refused_without_a_name,
    server_events,
)
from tests.kit.golden_values import UNDEFINED

_SERVER_TYPES = {row.name for row in event_types(Direction.RECEIVED)}
_STATEFUL = re.compile(
    r"response\.(created|done)|response\.output_audio\.|session\.|conversation\.item\.|error|.*speech_started"
)

Applies: TypeAlias = Callable[[Step, Seen, Story], object]


@dataclass(frozen=True)
class Deliberate:
    """One difference: `parts` of a step may differ where it `applies`, if what ours did there is `accepted`.

    Where it `parts_ways` ours is in another state from then on.
    """

    name: str
    parts: frozenset[str]
    applies: Applies
    accepts: Accepts
    parts_ways: Callable[[Step], object] = lambda step: True


def _crashed(step: Step, seen: Seen, story: Story) -> object:
    return "expect_uncaught" in step or ("expect_error" in step and any(key.startswith("server") for key in step))


def _read_as_generic(step: Step, seen: Seen, story: Story) -> object:
    """An event that the reference knows, in which one field is not what its schema says."""
    sent = Counter(event["type"] for event in server_events(step) if event.get("type") in _SERVER_TYPES)
    typed = Counter(entry["event"] for entry in step.get("expect_emitted", ()) if not entry.get("listener"))
    return sent - typed or any(not isinstance(event.get("event_id", ""), str | None) for event in server_events(step))


def _of_type(*types: str) -> Applies:
    return lambda step, seen, story: any(event.get("type") in types for event in server_events(step))


def _of_item(*types: str) -> Applies:
    def applies(step: Step, seen: Seen, story: Story) -> object:
        items = [event.get("item") for event in server_events(step)]
        return any(isinstance(item, dict) and item.get("type") in types for item in items)

    return applies


def _reported_before(step: Step, seen: Seen, story: Story) -> object:
    items = [event.get("item") for event in server_events(step)]
    return any(str(item.get("call_id") or item.get("id")) in story.calls for item in items if isinstance(item, dict))


def _calls(method: str, condition: Callable[[list[Any]], object] = lambda args: True) -> Applies:
    """The method is called, by the step or by a listener in it."""

    def applies(step: Step, seen: Seen, story: Story) -> object:
        own = [(step["call"], step["args"])] if "call" in step else []
        return any(name == method and condition(args) for name, args in [*own, *seen.called_in_listener])

    return applies


def _calls_in_listener(method: str) -> Applies:
    return lambda step, seen, story: method in [name for name, _ in seen.called_in_listener]


def _spelled_otherwise(step: Step, seen: Seen, story: Story) -> object:
    given = json.dumps([step.get("args"), step.get("accept_payload"), server_events(step)])
    return story.spelled_otherwise or OTHER_SPELLING.search(given)


def _without_connection(step: Step, seen: Seen, story: Story) -> object:
    """Something is to be sent that the reference sends later, or finds nothing to send of."""
    method, status = step.get("call", ""), seen.state["status"]
    later = status == "connecting" and asks_for_response(method, step.get("args", []))
    return later or (status != "connected" and method in ("resetHistory", "_updateTracingConfig"))


def _hooked(step: Step, seen: Seen, story: Story) -> object:
    return seen.error and any(call["function"] == "createWebSocket" for call in seen.calls)


def _has_newer_tools(step: Step, seen: Seen, story: Story) -> object:
    given = json.dumps([step.get("args"), step.get("accept_payload")])
    return re.search("|".join(NEWER_MCP_FIELDS), given)


def _has_wire_image(args: list[Any]) -> bool:
    parts = args[0].get("content", ()) if isinstance(args[0], dict) else ()
    return any("image_url" in part and part.get("image", UNDEFINED) == UNDEFINED for part in parts)


def _no_answer(args: list[Any]) -> bool:
    call_id = args[0].get("callId")
    return not isinstance(argument(args, 1), str) or not isinstance(call_id, str)


def _no_request(args: list[Any]) -> bool:
    return not isinstance(args[0].get("itemId"), str)


def _has_calls(args: list[Any]) -> bool:
    return any(item.get("type") == "function_call" for item in args[1])


def _has_twins(args: list[Any]) -> bool:
    ids = [item.get("itemId") for item in args[1]]
    return len(set(ids)) < len(ids)


def _moves_alone(args: list[Any]) -> bool:
    """An item differs in its place, and in nothing else."""
    return bool(moved_alone(args))


def _moved_audio_is_refused(step: Step, seen: Seen, story: Story) -> object:
    """An item that differs in its place alone is said to be beyond repeating."""
    moved = moved_alone(step["args"]) if step.get("call") == "resetHistory" else set()
    error = str(step.get("expect_error", ""))
    return "output_audio" in error and any(f" {name} " in error for name in moved)


def _odd_address(step: Step, seen: Seen, story: Story) -> object:
    options = (step.get("args") or [None])[0]
    named = [options.get(key) for key in ("model", "callId")] if isinstance(options, dict) else []
    return step.get("call") == "connect" and re.search(
        r"[^\w.-]", "".join(name for name in named if isinstance(name, str))
    )


def _address_with_an_end(step: Step, seen: Seen, story: Story) -> object:
    """A `#`, which the reference's socket refuses."""
    return _odd_address(step, seen, story) and "expect_error" in step and "#" in json.dumps(step["args"])


def _since(happened: Callable[[Mapping[str, Any]], bool], told: Callable[[Story], bool]) -> Applies:
    """The server says it in this step, or has said it before: what was free by then shows at the next request."""
    return lambda step, seen, story: told(story) or any(map(happened, server_events(step)))


def _asked_at_a_strange_end(step: Step, seen: Seen, story: Story) -> object:
    """A listener asks for a response in the end of one that nobody announced: to the reference it is the answer."""
    ends = [event.get("response") for event in server_events(step) if event.get("type") == "response.done"]
    return any(asks_for_response(method, args) for method, args in seen.called_in_listener) and any(
        str(response.get("id")) not in story.talk.running for response in ends if isinstance(response, dict)
    )


def _ended(step: Step, seen: Seen, story: Story) -> object:
    return "server_close" in step or "server_abort" in step or story.greeted


def _ended_unheard(step: Step, seen: Seen, story: Story) -> object:
    """No listener of the scenario's own was called by the error: one for once would be spent."""
    return _ended(step, seen, story) and not any(label and name == "error" for label, name, _ in seen.emitted)


def _never(step: Step) -> bool:
    return False


def _touches_state(step: Step) -> bool:
    return any(_STATEFUL.match(str(event.get("type"))) for event in server_events(step))


_EMITTED, _WIRE, _ERROR = frozenset({"emitted"}), frozenset({"wire"}), frozenset({"error"})
_STATE, _ADDRESS = frozenset({"state"}), frozenset({"connections"})

DELIBERATE: tuple[Deliberate, ...] = (
    Deliberate(
        "contained",
        _EMITTED | _WIRE | _STATE | _ERROR,
        _crashed,
        more,
        lambda step: "expect_uncaught" in step,
    ),
    Deliberate(
        "listener raised",
        _EMITTED | _ERROR | _WIRE | _STATE,
        lambda step, seen, story: seen.raised_in_listener,
        went_on,
    ),
    Deliberate(
        "listener closed",
        _EMITTED | _ERROR | _WIRE,
        lambda step, seen, story: seen.called_in_listener and seen.state["status"] == "disconnected",
        stopped,
    ),
    Deliberate("unused fields", _EMITTED | _WIRE | _STATE, _read_as_generic, more, _touches_state),
    Deliberate(
        "model stays", _STATE | _ERROR, lambda step, seen, story: "currentModel" in step.get("set", ()), refused
    ),
    Deliberate("close before the dial", _ADDRESS, _calls_in_listener("close"), nothing_dialled, _never),
    Deliberate("one clear error", _EMITTED | _ERROR, _without_connection, refused, _never),
    Deliberate("failing hook", _EMITTED, _hooked, more, _never),
    Deliberate("percent-encoding", _ADDRESS, _odd_address, in_the_address, _never),
    Deliberate("percent-encoding", _ADDRESS | _EMITTED | _ERROR | _WIRE | _STATE, _address_with_an_end, in_the_address),
    Deliberate("abnormal end", _EMITTED, _ended_unheard, same_but(without="error"), _never),
    Deliberate("abnormal end", _EMITTED, _ended, same_but(without="error")),
    Deliberate("greeting", _WIRE, lambda step, seen, story: story.greeted, same_set, _never),
    Deliberate("tracing as it is", _WIRE, _of_type("session.created"), same_but_tracing, _never),
    Deliberate(
        "tracing off", _WIRE, _calls("_updateTracingConfig", lambda args: args == [None]), same_but_tracing, _never
    ),
    Deliberate("update merges", _WIRE, _calls("updateSessionConfig"), merged, _never),
    Deliberate("either spelling", _WIRE | {"result"}, _spelled_otherwise, as_named, _never),
    Deliberate("reconnect keeps", _WIRE, connects, merged, _never),
    Deliberate("newer tools", _WIRE | {"result"}, _has_newer_tools, same_but_newer_tools, _never),
    Deliberate("no empty audio", _WIRE, _calls("sendAudio"), same_but_frames("input_audio_buffer.append"), _never),
    Deliberate("image by address", _WIRE, _calls("sendMessage", _has_wire_image), images_have_an_address, _never),
    Deliberate("unfit output", _WIRE | _ERROR | _EMITTED, _calls("sendFunctionCallOutput", _no_answer), refused),
    Deliberate("unfit approval", _WIRE | _ERROR, _calls("sendMcpResponse", _no_request), refused),
    Deliberate("no reason", _WIRE, _calls("sendMcpResponse", lambda args: None in args), anything, _never),
    Deliberate("call again", _WIRE, _calls("resetHistory", _has_calls), messages_as_recorded),
    Deliberate(
        "compared by value",
        _WIRE,
        _calls("resetHistory", _moves_alone),
        same_but_frames("conversation.item.delete", "conversation.item.create"),
    ),
    Deliberate("nothing to repeat", _WIRE | _ERROR, _moved_audio_is_refused, moved_is_left_alone),
    Deliberate("twins", _WIRE | _ERROR, _calls("resetHistory", _has_twins), refused),
    Deliberate("whole milliseconds", _WIRE, lambda step, seen, story: True, one_millisecond_more, _never),
    Deliberate(
        "clock back",
        _WIRE | _EMITTED,
        lambda step, seen, story: story.clock_went_back,
        same_but_frames("conversation.item.truncate", "response.cancel"),
    ),
    Deliberate(
        "cut once",
        _WIRE,
        lambda step, seen, story: story.talk.arriving in story.talk.cut,
        same_but_frames("conversation.item.truncate"),
        _never,
    ),
    Deliberate(
        "goes on",
        _WIRE,
        lambda step, seen, story: story.talk.returned,
        same_but_frames("conversation.item.truncate"),
        _never,
    ),
    Deliberate(
        "first session",
        _WIRE,
        lambda step, seen, story: story.talk.created,
        same_but_frames("conversation.item.truncate", "response.cancel"),
        _never,
    ),
    Deliberate(
        "no conversation",
        _WIRE | _EMITTED | _STATE,
        lambda step, seen, story: story.talk.no_conversation,
        left_alone,
    ),
    Deliberate(
        "old session",
        _WIRE,
        lambda step, seen, story: story.updated_before and not story.talk.updated,
        same_but_frames("conversation.item.truncate", "response.cancel"),
        _never,
    ),
    Deliberate(
        "done of another",
        _WIRE,
        lambda step, seen, story: story.talk.another_done,
        same_but_frames("conversation.item.truncate"),
        _never,
    ),
    Deliberate(
        "refused cancel",
        _WIRE,
        _since(refused_cancel, lambda story: story.talk.cancel_refused),
        same_but_frames("response.create", "response.cancel"),
    ),
    Deliberate(
        "refused without a name",
        _WIRE,
        _since(refused_without_a_name, lambda story: story.talk.refused_unnamed),
        same_but_frames("response.create", "response.cancel"),
    ),
    Deliberate(
        "early create",
        _WIRE,
        lambda step, seen, story: story.talk.came_early,
        same_but_frames("response.create", "response.cancel"),
    ),
    Deliberate(
        "responses apart",
        _WIRE,
        lambda step, seen, story: story.talk.mixed_up or _asked_at_a_strange_end(step, seen, story),
        same_but_turns,
    ),
    Deliberate("call once", _EMITTED, _reported_before, same_but(without="function_call"), _never),
    Deliberate("call once", _EMITTED | _WIRE, _reported_before, not_again, lambda step: "expect_wire" in step),
    Deliberate("placed again", _EMITTED, _of_type("conversation.item.retrieved"), same_but("previous_item_id"), _never),
    Deliberate("how it ended", _EMITTED, _of_item("mcp_call", "mcp_tool_call"), same_but("status"), _never),
)
