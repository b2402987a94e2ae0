"""What ours may do where it differs from the reference on purpose: each looks at a step, and accepts it or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from rtcli.errors import RtcliError
from rtcli.protocol.session_config import default_payload
from tests.kit.golden_player import Seen
from tests.kit.golden_story import OTHER_SPELLING, Step, Story, server_events
from tests.kit.golden_values import UNDEFINED, same

if TYPE_CHECKING:
    from tests.kit.golden_judge import Judge

Accepts: TypeAlias = "Callable[[Step, Seen, Story, Judge], bool]"
NEWER_MCP_FIELDS = ("tunnel_id", "allowed_callers", "defer_loading")


def connects(step: Step, seen: Seen, story: Story) -> bool:
    """A connection is made in this step, or goes on being made."""
    let_go = step.keys() & {"await", "release", "server_release"}
    return "connect" in (step.get("call"), step.get("start")) or bool(let_go) or seen.started_in_listener


def anything(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """Whatever it is."""
    return True


def same_but(*ignored: str, without: str = "") -> Accepts:
    """What is emitted is as recorded but for some fields, or without one kind of event on both sides."""

    def accepts(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
        want = [entry for entry in step.get("expect_emitted", ()) if entry["event"] != without]
        got = [entry for entry in seen.emitted if entry[1] != without]
        return judge.same_emitted(want, got, seen.sent, ignored=frozenset(ignored))

    return accepts


def more(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """All that was recorded is emitted, in order."""
    return judge.same_emitted(step.get("expect_emitted", []), seen.emitted, seen.sent, more=True)


def same_but_frames(*types: str) -> Accepts:
    """The wire is as recorded, apart from frames of these types."""

    def accepts(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
        want = [frame for frame in step.get("expect_wire", ()) if frame["type"] not in types]
        return judge.same_wire(want, [frame for frame in seen.wire if frame["type"] not in types])

    return accepts


def moved_alone(histories: list[Any]) -> set[Any]:
    """The ids of items that differ between two histories in their place, and in nothing else."""
    old, new = ({item.get("itemId"): item for item in history} for history in histories)
    return {
        name
        for name in old.keys() & new.keys()
        if old[name] != new[name] and {**old[name], "previousItemId": 0} == {**new[name], "previousItemId": 0}
    }


def moved_is_left_alone(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """No error, and nothing is sent about items that are as they were."""
    told = {frame.get("item_id") or frame.get("item", {}).get("id") for frame in seen.wire}
    return seen.error is None and not told & moved_alone(step["args"])


def same_but_turns(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """Creates and cancels go out at another time; an item that was cut before, or is nowhere, is not cut."""
    talk = story.talk
    cut = ["conversation.item.truncate"] if talk.arriving in talk.cut or talk.arriving_apart else []
    return same_but_frames("response.create", "response.cancel", *cut)(step, seen, story, judge)


def went_on(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded, with more in between; a connect that the exception ended there goes on."""
    want = step.get("expect_emitted", [])
    until = [index for index, entry in enumerate(want) if "listener" in entry]
    goes_on = connects(step, seen, story) and seen.state["status"] != "disconnected"
    want = want[: until[0] + 1] if goes_on and until else want
    return judge.same_emitted(want, seen.emitted, seen.sent, more=True)


def refused(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """An error of ours, and nothing is sent."""
    return isinstance(seen.error, RtcliError) and not seen.wire


def stopped(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """What was emitted is the beginning of what was recorded: a listener closed the connection."""
    want = step.get("expect_emitted", [])
    return any(judge.same_emitted(want[:count], seen.emitted, seen.sent) for count in range(len(want) + 1))


def left_alone(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded, but that nothing is asked for or cut that nobody asked for."""
    types = ("conversation.item.retrieve", "conversation.item.truncate", "response.cancel")
    return same_but_frames(*types)(step, seen, story, judge) and same_but(without="audio_interrupted")(
        step, seen, story, judge
    )


def not_again(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded up to the function call that is reported again: nobody hears of it, or answers."""
    names = [entry["event"] for entry in step.get("expect_emitted", ())]
    until = names.index("function_call") if "function_call" in names else len(names)
    return not seen.wire and judge.same_emitted(step.get("expect_emitted", [])[:until], seen.emitted, seen.sent)


def same_set(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """The frames as recorded, in any order."""
    want, got = step.get("expect_wire", []), list(seen.wire)
    return len(want) == len(got) and all(any(same(frame, other) for other in got) for frame in want)


def nothing_dialled(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """The transport has come to rest without a dial."""
    return not seen.connections and seen.state["status"] == "disconnected"


def same_but_tracing(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """The wire is as recorded, apart from what concerns tracing."""
    want, got = ([f for f in frames if not _is_tracing(f)] for frames in (step.get("expect_wire", []), seen.wire))
    return judge.same_wire(want, got)


def _is_tracing(frame: Mapping[str, Any]) -> bool:
    return bool(frame["type"] == "session.update" and frame["session"].keys() == {"type", "tracing"})


def merged(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
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


def as_named(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
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
    as_sent = same_but_frames("conversation.item.truncate")(renamed, seen, story, judge)
    result = _known(seen.result)
    as_returned = "expect_return" not in step or same(named(step["expect_return"], result), result)
    return as_returned and (as_sent or merged(renamed, seen, story, judge))


def messages_as_recorded(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
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
    known = [{key: tool[key] for key in tool if key not in NEWER_MCP_FIELDS} for tool in tools]
    return {**session, "tools": known}


def same_but_newer_tools(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded, apart from fields of MCP servers that the reference does not know."""
    if "expect_return" in step:
        return same(step["expect_return"], _known(seen.result))
    frames = [{**frame, "session": _known(frame.get("session"))} for frame in seen.wire]
    return judge.same_wire(step.get("expect_wire", []), frames)


def images_have_an_address(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """As recorded, but that an image that was given by `image_url` has it."""

    def bare(frame: Mapping[str, Any]) -> Mapping[str, Any]:
        item = frame.get("item")
        if not isinstance(item, dict) or not isinstance(item.get("content"), list):
            return frame
        content = [{key: part[key] for key in part if key != "image_url"} for part in item["content"]]
        return {**frame, "item": {**item, "content": content}}

    return judge.same_wire([bare(frame) for frame in step.get("expect_wire", [])], [bare(frame) for frame in seen.wire])


def one_millisecond_more(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """Cuts are a millisecond later at most."""
    want, got = step.get("expect_wire", []), seen.wire
    return len(want) == len(got) and all(
        same({**one, "audio_end_ms": 0}, {**other, "audio_end_ms": 0})
        and other.get("audio_end_ms", 0) - one.get("audio_end_ms", 0) in (0, 1)
        for one, other in zip(want, got, strict=True)
    )


def in_the_address(step: Step, seen: Seen, story: Story, judge: Judge) -> bool:
    """What was asked for is in the query, whatever is in it."""
    options = step["args"][0]
    want = {"call_id": [options["callId"]]} if "callId" in options else {"model": [options["model"]]}
    return [parse_qs(urlsplit(url).query) for url, _ in seen.connections] == [want]
