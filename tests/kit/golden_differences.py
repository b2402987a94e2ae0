"""Where ours differs from the reference on purpose: which steps, what of them, and what ours does there instead."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from rtcli.errors import RtcliError
from rtcli.protocol.catalog import event_types
from rtcli.protocol.record import Direction
from rtcli.protocol.session_config import default_payload
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
from tests.kit.golden_values import UNDEFINED, same

if TYPE_CHECKING:
    from tests.kit.golden_judge import Judge

_NEWER_MCP_FIELDS = ("tunnel_id", "allowed_callers", "defer_loading")
_SERVER_TYPES = {row.name for row in event_types(Direction.RECEIVED)}


_STATEFUL = re.compile(
    r"response\.(created|done)|response\.output_audio\.|session\.|conversation\.item\.|error|.*speech_started"
)


Applies: TypeAlias = Callable[[Step, Seen, Story], object]
Accepts: TypeAlias = "Callable[[Step, Seen, Story, Judge], bool]"


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


# -- what ours may do instead ---------------------------------------------------------------------


def _anything(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    return True


def _same_but(*ignored: str, without: str = "") -> Accepts:
    """What is emitted is as recorded but for some fields, or without one kind of event on both sides."""

    def accepts(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
        want = [entry for entry in step.get("expect_emitted", ()) if entry["event"] != without]
        got = [entry for entry in seen.emitted if entry[1] != without]
        return judge.same_emitted(want, got, seen.sent, ignored=frozenset(ignored))

    return accepts


def _more(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """All that was recorded is emitted, in order."""
    return judge.same_emitted(step.get("expect_emitted", []), seen.emitted, seen.sent, more=True)


def _same_but_frames(*types: str) -> Accepts:
    """The wire is as recorded, apart from frames of these types."""

    def accepts(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
        want = [frame for frame in step.get("expect_wire", ()) if frame["type"] not in types]
        return judge.same_wire(want, [frame for frame in seen.wire if frame["type"] not in types])

    return accepts


def _same_but_turns(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """Creates and cancels go out at another time; where the item was cut before, it is not cut again."""
    cut = ["conversation.item.truncate"] if story.arriving in story.cut else []
    return _same_but_frames("response.create", "response.cancel", *cut)(step, seen, story, judge)


def _went_on(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded, with more in between; a connect that the exception ended there goes on."""
    want = step.get("expect_emitted", [])
    until = [index for index, entry in enumerate(want) if "listener" in entry]
    connects = _connects(step, seen, story) and seen.state["status"] != "disconnected"
    want = want[: until[0] + 1] if connects and until else want
    return judge.same_emitted(want, seen.emitted, seen.sent, more=True)


def _refused(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    return isinstance(seen.error, RtcliError) and not seen.wire


def _stopped(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """What was emitted is the beginning of what was recorded: a listener closed the connection."""
    want = step.get("expect_emitted", [])
    return any(judge.same_emitted(want[:count], seen.emitted, seen.sent) for count in range(len(want) + 1))


def _same_set(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    want, got = step.get("expect_wire", []), list(seen.wire)
    return len(want) == len(got) and all(any(same(frame, other) for other in got) for frame in want)


def _nothing_dialled(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    return not seen.connections and seen.state["status"] == "disconnected"


def _nothing_sent(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    return not seen.wire


def _same_but_tracing(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    want, got = ([f for f in frames if not _is_tracing(f)] for frames in (step.get("expect_wire", []), seen.wire))
    return judge.same_wire(want, got)


def _is_tracing(frame: Mapping[str, Any]) -> bool:
    return bool(frame["type"] == "session.update" and frame["session"].keys() == {"type", "tracing"})


def _merged(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """One update; where it is not as recorded, the reference fell back to a default and ours keeps what was asked."""
    want, got = step.get("expect_wire", []), seen.wire
    if any(event.get("type") == "session.created" for event in server_events(step)):  # tracing is a matter of its own
        want, got = ([frame for frame in frames if not _is_tracing(frame)] for frames in (want, got))
    if len(want) != len(got) or seen.error or not want or got[0]["type"] != "session.update":
        return False
    sent, sessions = _known(got[0]["session"]), [_known(session) for session in story.sessions]
    recorded, ours = _leaves(want[0]["session"]), _leaves(sent)
    earlier = [_leaves(session) for session in sessions]
    for path in recorded.keys() | ours.keys():
        if path in recorded and path in ours and same(recorded[path], ours[path]):
            continue
        is_default = path not in recorded or path == "model" or same(recorded[path], _DEFAULTS.get(path, UNDEFINED))
        top = path.partition(".")[0]
        is_kept = any(
            (path in ours and path in before and same(before[path], ours[path]))
            or (top in session and top in sent and same(session[top], sent[top]))
            for session, before in zip(sessions, earlier, strict=True)
        )
        if not (is_default and (is_kept or (path, ours.get(path)) == ("tools", []))):
            return False
    return True


def _leaves(session: Mapping[str, Any]) -> dict[str, Any]:
    audio = session.get("audio")
    if not isinstance(audio, dict):
        return dict(session)
    nested = {f"audio.{side}.{key}": value for side, part in audio.items() for key, value in (part or {}).items()}
    return {key: value for key, value in session.items() if key != "audio"} | nested


_DEFAULTS = _leaves(default_payload("any"))


def _as_named(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """A format that the config names in the other spelling is the one of that name, and cuts are elsewhere."""
    given = OTHER_SPELLING.findall(json.dumps([step.get("args"), step.get("accept_payload")]))

    def named(session: Any, ours: Any) -> Any:
        """What was recorded, but for such a format."""
        if not isinstance(session, dict) or not isinstance(ours, dict):
            return session
        audio = {
            side: part | {"format": form} if (form := (ours["audio"].get(side) or {}).get("format")) in given else part
            for side, part in (session.get("audio") or {}).items()
        }
        return {**session, "audio": audio}

    given = [{"type": name} for name in given]
    frames = step.get("expect_wire", [])
    if len(frames) == len(seen.wire):
        frames = [
            {**one, "session": named(one["session"], other.get("session"))} if "session" in one else one
            for one, other in zip(frames, seen.wire, strict=True)
        ]
    renamed = {**step, "expect_wire": frames}
    as_sent = _same_but_frames("conversation.item.truncate")(renamed, seen, story, judge)
    as_returned = "expect_return" not in step or same(named(step["expect_return"], seen.result), seen.result)
    return as_returned and (as_sent or _merged(renamed, seen, story, judge))


def _messages_as_recorded(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """The deletes, and the creates of messages, in the recorded order: behind a call that ours creates again."""

    def short(frames: list[Any]) -> list[Any]:
        return [
            (frame["type"], frame.get("item_id"), frame.get("item"))
            for frame in frames
            if (frame.get("item") or {}).get("type") != "function_call"
        ]

    return short(seen.wire) == short(step.get("expect_wire", []))


def _known(session: Any) -> Any:
    """A session without the fields of MCP servers that the reference does not know."""
    tools = session.get("tools") if isinstance(session, dict) else None
    if not isinstance(tools, list):
        return session
    known = [{key: tool[key] for key in tool if key not in _NEWER_MCP_FIELDS} for tool in tools]
    return {**session, "tools": known}


def _same_but_newer_tools(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    if "expect_return" in step:
        return same(step["expect_return"], _known(seen.result))
    frames = [{**frame, "session": _known(frame.get("session"))} for frame in seen.wire]
    return judge.same_wire(step.get("expect_wire", []), frames)


def _images_have_an_address(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded, but that an image that was given by `image_url` has it."""

    def bare(frame: Mapping[str, Any]) -> Mapping[str, Any]:
        item = frame.get("item")
        if not isinstance(item, dict) or not isinstance(item.get("content"), list):
            return frame
        content = [{key: part[key] for key in part if key != "image_url"} for part in item["content"]]
        return {**frame, "item": {**item, "content": content}}

    return judge.same_wire([bare(frame) for frame in step.get("expect_wire", [])], [bare(frame) for frame in seen.wire])


def _one_millisecond_more(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    want, got = step.get("expect_wire", []), seen.wire
    return len(want) == len(got) and all(
        same({**one, "audio_end_ms": 0}, {**other, "audio_end_ms": 0})
        and other.get("audio_end_ms", 0) - one.get("audio_end_ms", 0) in (0, 1)
        for one, other in zip(want, got, strict=True)
    )


def _in_the_address(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    options = step["args"][0]
    want = {"call_id": [options["callId"]]} if "callId" in options else {"model": [options["model"]]}
    return [parse_qs(urlsplit(url).query) for url, _ in seen.connections] == [want]


# -- where ------------------------------------------------------------------------------------------


def _crashed(step: Step, seen: Seen, story: Story) -> object:
    return "expect_uncaught" in step or ("expect_error" in step and any(key.startswith("server") for key in step))


def _connects(step: Step, seen: Seen, story: Story) -> bool:
    let_go = step.keys() & {"await", "release", "server_release"}
    return "connect" in (step.get("call"), step.get("start")) or bool(let_go) or seen.started_in_listener


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


def _asked_while_connecting(step: Step, seen: Seen, story: Story) -> object:
    return seen.state["status"] == "connecting" and asks_for_response(step.get("call", ""), step.get("args", []))


def _hooked(step: Step, seen: Seen, story: Story) -> object:
    return seen.error and any(call["function"] == "createWebSocket" for call in seen.calls)


def _has_newer_tools(step: Step, seen: Seen, story: Story) -> object:
    given = json.dumps([step.get("args"), step.get("accept_payload")])
    return re.search("|".join(_NEWER_MCP_FIELDS), given)


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


def _has_places(args: list[Any]) -> bool:
    return any("previousItemId" in item for history in args for item in history)


def _odd_address(step: Step, seen: Seen, story: Story) -> object:
    options = (step.get("args") or [None])[0]
    named = [options.get(key) for key in ("model", "callId")] if isinstance(options, dict) else []
    return step.get("call") == "connect" and re.search(
        r"[^\w.-]", "".join(name for name in named if isinstance(name, str))
    )


def _since(happened: Callable[[Mapping[str, Any]], bool], told: Callable[[Story], bool]) -> Applies:
    """The server says it in this step, or has said it before: what was free by then shows at the next request."""
    return lambda step, seen, story: told(story) or any(map(happened, server_events(step)))


def _asked_at_a_strange_end(step: Step, seen: Seen, story: Story) -> object:
    """A listener asks for a response in the end of one that nobody announced: to the reference it is the answer."""
    ends = [event.get("response") for event in server_events(step) if event.get("type") == "response.done"]
    return any(asks_for_response(method, args) for method, args in seen.called_in_listener) and any(
        str(response.get("id")) not in story.running for response in ends if isinstance(response, dict)
    )


def _ended(step: Step, seen: Seen, story: Story) -> object:
    return "server_close" in step or "server_abort" in step or story.greeted


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
        _more,
        lambda step: "expect_uncaught" in step,
    ),
    Deliberate(
        "listener raised",
        _EMITTED | _ERROR | _WIRE | _STATE,
        lambda step, seen, story: seen.raised_in_listener,
        _went_on,
    ),
    Deliberate(
        "listener closed",
        _EMITTED | _ERROR | _WIRE,
        lambda step, seen, story: seen.called_in_listener and seen.state["status"] == "disconnected",
        _stopped,
    ),
    Deliberate("unused fields", _EMITTED | _WIRE | _STATE, _read_as_generic, _more, _touches_state),
    Deliberate(
        "model stays", _STATE | _ERROR, lambda step, seen, story: "currentModel" in step.get("set", ()), _refused
    ),
    Deliberate("close before the dial", _ADDRESS, _calls_in_listener("close"), _nothing_dialled, _never),
    Deliberate("one clear error", _EMITTED | _ERROR, _asked_while_connecting, _refused, _never),
    Deliberate("failing hook", _EMITTED, _hooked, _more, _never),
    Deliberate("percent-encoding", _ADDRESS, _odd_address, _in_the_address, _never),
    Deliberate("abnormal end", _EMITTED, _ended, _same_but(without="error"), _never),
    Deliberate("greeting", _WIRE, lambda step, seen, story: story.greeted, _same_set, _never),
    Deliberate("tracing as it is", _WIRE, _of_type("session.created"), _same_but_tracing, _never),
    Deliberate(
        "tracing off", _WIRE, _calls("_updateTracingConfig", lambda args: args == [None]), _same_but_tracing, _never
    ),
    Deliberate("update merges", _WIRE, _calls("updateSessionConfig"), _merged, _never),
    Deliberate("either spelling", _WIRE | {"result"}, _spelled_otherwise, _as_named, _never),
    Deliberate("reconnect keeps", _WIRE, _connects, _merged, _never),
    Deliberate("newer tools", _WIRE | {"result"}, _has_newer_tools, _same_but_newer_tools, _never),
    Deliberate("no empty audio", _WIRE, _calls("sendAudio"), _same_but_frames("input_audio_buffer.append"), _never),
    Deliberate("image by address", _WIRE, _calls("sendMessage", _has_wire_image), _images_have_an_address, _never),
    Deliberate("unfit output", _WIRE | _ERROR | _EMITTED, _calls("sendFunctionCallOutput", _no_answer), _refused),
    Deliberate("unfit approval", _WIRE | _ERROR, _calls("sendMcpResponse", _no_request), _refused),
    Deliberate("no reason", _WIRE, _calls("sendMcpResponse", lambda args: None in args), _anything, _never),
    Deliberate("call again", _WIRE, _calls("resetHistory", _has_calls), _messages_as_recorded),
    Deliberate(
        "compared by value",
        _WIRE,
        _calls("resetHistory", _has_places),
        _same_but_frames("conversation.item.delete", "conversation.item.create"),
    ),
    Deliberate("twins", _WIRE | _ERROR, _calls("resetHistory", _has_twins), _refused),
    Deliberate("whole milliseconds", _WIRE, lambda step, seen, story: True, _one_millisecond_more, _never),
    Deliberate(
        "clock back",
        _WIRE | _EMITTED,
        lambda step, seen, story: story.clock_went_back,
        _same_but_frames("conversation.item.truncate", "response.cancel"),
    ),
    Deliberate(
        "cut once",
        _WIRE,
        lambda step, seen, story: story.arriving in story.cut,
        _same_but_frames("conversation.item.truncate"),
        _never,
    ),
    Deliberate(
        "goes on",
        _WIRE,
        lambda step, seen, story: story.returned,
        _same_but_frames("conversation.item.truncate"),
        _never,
    ),
    Deliberate(
        "done of another",
        _WIRE,
        lambda step, seen, story: story.another_done,
        _same_but_frames("conversation.item.truncate"),
        _never,
    ),
    Deliberate(
        "refused cancel",
        _WIRE,
        _since(refused_cancel, lambda story: story.cancel_refused),
        _same_but_frames("response.create", "response.cancel"),
    ),
    Deliberate(
        "refused without a name",
        _WIRE,
        _since(refused_without_a_name, lambda story: story.refused_unnamed),
        _same_but_frames("response.create", "response.cancel"),
    ),
    Deliberate(
        "early create",
        _WIRE,
        lambda step, seen, story: story.came_early,
        _same_but_frames("response.create", "response.cancel"),
    ),
    Deliberate(
        "responses apart",
        _WIRE,
        lambda step, seen, story: story.mixed_up or _asked_at_a_strange_end(step, seen, story),
        _same_but_turns,
    ),
    Deliberate("call once", _EMITTED, _reported_before, _same_but(without="function_call"), _never),
    Deliberate(
        "placed again", _EMITTED, _of_type("conversation.item.retrieved"), _same_but("previous_item_id"), _never
    ),
    Deliberate("how it ended", _EMITTED, _of_item("mcp_call", "mcp_tool_call"), _same_but("status"), _never),
)
