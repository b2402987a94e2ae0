"""What the steps of a recorded scenario told so far, as far as later steps are judged by it."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rtcli.errors import RtcliError
from rtcli.protocol.error_attribution import possible_event_types
from rtcli.protocol.responses import ALREADY_ACTIVE, CANCEL_NOT_ACTIVE
from rtcli.protocol.session_config import build_payload
from tests.kit.golden_player import Seen
from tests.kit.golden_values import UNDEFINED, to_python

OTHER_SPELLING = re.compile(r'"(?:format|\w+AudioFormat)": "(audio/pcm[ua])"|"type": "g711_\wlaw"')
"""A format by its GA name as text, or by its beta name as an object."""

Step: TypeAlias = Mapping[str, Any]


@dataclass
class Talk:
    """What was told on one connection."""

    cut: set[str] = field(default_factory=set)  # items that were interrupted
    running: set[str] = field(default_factory=set)  # responses that were created and are not done
    apart: set[str] = field(default_factory=set)  # responses outside of the conversation
    asked_apart: bool = False  # one of them was asked for
    mixed_up: bool = False  # responses side by side: the reference knows one at a time
    came_early: bool = False  # a create was refused because a response ran already
    refused_unnamed: bool = False  # a create was refused by an error that the reference cannot read so
    cancel_refused: bool = False
    arriving: str = ""  # the item whose audio came last
    arriving_apart: bool = False  # and its response is outside of the conversation
    returned: bool = False  # and it had come before that of another one
    another_done: bool = False  # since then the audio of another one was said to be complete
    parts: list[Any] = field(default_factory=list)  # whose audio has come, the last one last
    no_conversation: bool = False  # the session only transcribes or translates
    created: bool = False  # the session was told by a session.created last
    updated: bool = False  # there was a session.updated


@dataclass
class Story:
    """What the steps of a scenario told so far."""

    talk: Talk = field(default_factory=Talk)
    sessions: list[Any] = field(default_factory=list)  # what ours sent in session.update
    calls: set[str] = field(default_factory=set)  # completed function calls that were reported
    clock: float = 1_000_000.0
    clock_went_back: bool = False
    greeted: bool = False  # the server says something in the packet of its answer
    spelled_otherwise: bool = False  # a format had the name that belongs to the other API's shape
    updated_before: bool = False  # there was a session.updated on an earlier connection

    def tell(self, step: Step, seen: Seen) -> None:
        """One more step is over."""
        self.sessions += [frame["session"] for frame in seen.wire if frame.get("type") == "session.update"]
        self.sessions += configured(step)
        if "clock_ms" in step:
            self.clock_went_back |= step["clock_ms"] < self.clock
            self.clock = step["clock_ms"]
        frames, talk = step.get("expect_wire", ()), self.talk
        talk.asked_apart |= any((frame.get("response") or {}).get("conversation") == "none" for frame in frames)
        talk.mixed_up |= talk.asked_apart
        if any(entry["event"] == "audio_interrupted" for entry in step.get("expect_emitted", ())):
            talk.cut.add(talk.arriving)
        talk.cut |= {
            frame["item_id"] for frame in frames if frame["type"] == "conversation.item.truncate" and "item_id" in frame
        }
        if "server_mode" in step:
            self.greeted = isinstance(step["server_mode"], dict) and "accept" in step["server_mode"]
        self.spelled_otherwise |= bool(OTHER_SPELLING.search(json.dumps(server_events(step))))
        for event in server_events(step):
            self._hear(event)
        if seen.state["status"] == "disconnected":
            self.updated_before |= self.talk.updated
            self.talk = Talk()

    def _hear(self, event: Mapping[str, Any]) -> None:
        talk, response = self.talk, event.get("response")
        talk.refused_unnamed |= refused_without_a_name(event)
        talk.cancel_refused |= refused_cancel(event)
        if event.get("type") in ("session.created", "session.updated") and isinstance(event.get("session"), dict):
            talk.no_conversation = event["session"].get("type") in ("transcription", "translation")
        match event.get("type"):
            case "session.created":
                talk.created = True
            case "session.updated":
                talk.created, talk.updated = False, True
            case "response.created" if isinstance(response, dict):
                is_apart = response.get("conversation_id", None if talk.asked_apart else "") is None
                talk.asked_apart = False
                talk.apart |= {str(response.get("id"))} if is_apart else set()
                talk.mixed_up |= bool(talk.running) or is_apart
                talk.running.add(str(response.get("id")))
            case "response.done" if isinstance(response, dict):
                talk.mixed_up |= {str(response.get("id"))} != talk.running and bool(talk.running)
                talk.running.discard(str(response.get("id")))
            case "response.output_audio.delta":
                self._hear_audio(event)
            case "response.output_item.added" | "response.output_item.done" if isinstance(event.get("item"), dict):
                item = event["item"]
                if (item.get("type"), item.get("status")) == ("function_call", "completed"):
                    self.calls.add(str(item.get("call_id") or item.get("id")))
            case "error" if isinstance(event.get("error"), dict):
                talk.came_early |= event["error"].get("code") == ALREADY_ACTIVE
            case "response.output_audio.done":
                talk.another_done = True

    def _hear_audio(self, event: Mapping[str, Any]) -> None:
        talk, part = self.talk, (str(event.get("item_id")), event.get("content_index"))
        talk.another_done = talk.another_done and talk.arriving == part[0]
        talk.returned = part in talk.parts[:-1] or (talk.returned and part == talk.parts[-1])
        talk.parts = [*(other for other in talk.parts if other != part), part]
        talk.arriving, talk.arriving_apart = part[0], str(event.get("response_id")) in talk.apart


def configured(step: Step) -> list[Any]:
    """The session that a step asks for, also where nothing of it came to be sent."""
    options = argument(step.get("args", []), 0)
    is_connect = "connect" in (step.get("call"), step.get("start"))
    given = (options or {}).get("initialSessionConfig") if is_connect else options
    config = to_python(given, ours=True) if is_connect or step.get("call") == "updateSessionConfig" else None
    with contextlib.suppress(RtcliError):
        return [build_payload(config, "any")] if isinstance(config, dict) else []
    return []


def server_events(step: Step) -> list[Mapping[str, Any]]:
    """What the server sends in a step, as far as it is events."""
    events = step.get("server_batch") or ([step["server"]] if "server" in step else [])
    if frame := step.get("server_text") or base64.b64decode(step.get("server_binary", "")):
        with contextlib.suppress(ValueError):
            events = [json.loads(frame)]
    return [event for event in events if isinstance(event, dict)]


def argument(args: list[Any], index: int) -> Any:
    """An argument of a call; None where it is not given."""
    return args[index] if index < len(args) and args[index] != UNDEFINED else None


def asks_for_response(method: str, args: list[Any]) -> bool:
    """A call that asks for a response, as far as its arguments let it."""
    match method:
        case "requestResponse":
            return True
        case "sendEvent":
            return bool(args) and isinstance(args[0], dict) and args[0].get("type") == "response.create"
        case "sendMessage" | "addImage":
            options = argument(args, 2 if method == "sendMessage" else 1)
            return not (isinstance(options, dict) and options.get("triggerResponse") is False)
        case "sendFunctionCallOutput":
            return argument(args, 2) is not False
    return False


def refused_without_a_name(event: Mapping[str, Any]) -> bool:
    """An error without an event_id is about a response.create, and the reference cannot tell."""
    error = event.get("error")
    return (
        event.get("type") == "error"
        and isinstance(error, dict)
        and not error.get("event_id")
        and "response.create" in possible_event_types(error)
        and "response_create" not in str(error.get("code"))
        and "response.create" not in str(error.get("message"))
    )


def refused_cancel(event: Mapping[str, Any]) -> bool:
    """An error says that nothing was there to cancel."""
    error = event.get("error")
    return event.get("type") == "error" and isinstance(error, dict) and error.get("code") == CANCEL_NOT_ACTIVE
