"""The links of frames, held against the built-in server, which knows what it answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Direction
from rtcli.server.session.effects import FeedAudio, ServerEffect, StartResponse
from rtcli.server.session.response import Response
from tests.server.playbook import Playbook, silence, user, voice

Json: TypeAlias = dict[str, Any]

APPEND = "input_audio_buffer.append"
TURN = [voice(0.4)[at : at + 4_800] for at in range(0, 19_200, 4_800)] + [silence(0.1)] * 8


class Pair:
    """A client that only correlates, and the server's core, joined in memory.

    What the client sends is on its way until the server is told to `work`; what the server says arrives at once.
    """

    def __init__(self) -> None:
        self.core = Playbook().core
        self.pending = PendingRequests()
        self.frames: dict[int, tuple[Direction, Json, int | None]] = {}
        self.on_its_way: deque[int] = deque()
        self.running: list[Response] = []
        self.asked_by: dict[str, int | None] = {}  # response -> its response.create, None: the server's own
        self.calls: list[str] = []
        self.created: dict[str, int] = {}  # text of a message, or call_id of an output -> its create
        self.arrive(self.core.opened(), None)

    def _take_in(self, direction: Direction, event: Json) -> int:
        number = len(self.frames) + 1
        self.frames[number] = (direction, event, self.pending.observe(number, direction, event))
        return number

    def send(self, kind: str, **fields: Any) -> None:
        number = self._take_in(Direction.SENT, {"type": kind, **fields})
        self.on_its_way.append(number)
        item = fields.get("item", {})
        if kind == "conversation.item.create":
            name = item["call_id"] if item["type"] == "function_call_output" else item["content"][0]["text"]
            self.created.setdefault(name, number)

    def work(self) -> None:
        """The server carries out the next frame."""
        if not self.on_its_way:
            return
        number = self.on_its_way.popleft()
        effects = self.core.receive(self.frames[number][1])
        self.arrive(effects, number)
        for feed in [effect for effect in effects if isinstance(effect, FeedAudio)]:
            for piece in feed.pieces:
                self.arrive(self.core.audio_appended(piece), None)

    def arrive(self, effects: Iterable[ServerEffect], cause: int | None) -> None:
        """The client gets what the server did because of frame `cause` (None: by itself), and is held against it."""
        effects = list(effects)
        for started in [effect.response for effect in effects if isinstance(effect, StartResponse)]:
            self.asked_by[started.id] = cause
            self.running.append(started)
        for event in [effect for effect in effects if isinstance(effect, dict)]:
            number = self._take_in(Direction.RECEIVED, event)
            self._judge(number, event, cause)
        self.running = [response for response in self.running if not response.finished]

    def _judge(self, number: int, event: Json, cause: int | None) -> None:
        kind, parent = event["type"], self.frames[number][2]
        response_id = event.get("response_id")
        if kind == "error" and cause is not None and self.frames[cause][1]["type"] == APPEND:
            assert parent in (cause, None), "of several pieces of audio none is named"
        elif kind in ("conversation.item.added", "conversation.item.done"):
            self._judge_item(number, event["item"])
        elif kind == "response.created":
            asked_by = self.asked_by[event["response"]["id"]]
            assert parent == asked_by or (asked_by is None and self._type(parent) == "input_audio_buffer.committed")
        elif kind == "response.done" and self._reason(event) == "client_cancelled":
            assert parent in self._alike(cause)
        elif kind == "response.done" and self._reason(event) == "turn_detected":
            assert self._type(parent) == "input_audio_buffer.speech_started"
        elif kind == "rate_limits.updated":
            assert parent == max(n for n, (_, earlier, _) in self.frames.items() if earlier["type"] == "response.done")
        elif response_id or kind == "response.done":
            response_id = response_id or event["response"]["id"]
            assert self._sent_before(number) == self.asked_by[response_id] or self.asked_by[response_id] is None
        elif kind.startswith("input_audio_buffer.speech_"):
            assert self._type(self._sent_before(number)) == APPEND
        elif cause is not None:
            why = f"{kind} answers {self.frames[cause][1]}, linked to {self.frames.get(parent or 0)}"
            assert parent in self._alike(cause), why

    def _alike(self, cause: int | None) -> set[int | None]:
        """The frame itself; for a cancel without an event_id all of those: one that came too late is like the next."""
        event = self.frames[cause or 0][1]
        if event["type"] != "response.cancel" or "event_id" in event:
            return {cause}
        return {n for n, (_, sent, _) in self.frames.items() if sent["type"] == "response.cancel"}

    def _judge_item(self, number: int, item: Json) -> None:
        parent = self.frames[number][2]
        text = item["content"][0].get("text") if item.get("role") == "user" else item.get("call_id")
        if item["type"] == "function_call_output" or (item.get("role") == "user" and text):
            assert parent == self.created[str(text)], f"{item} is linked to {self.frames.get(parent or 0)}"
        elif item.get("role") == "user":
            assert self._type(parent) == "input_audio_buffer.committed"
        else:
            assert self._type(parent) == "response.output_item.added"

    @staticmethod
    def _reason(event: Json) -> str | None:
        details = event["response"]["status_details"]
        return details["reason"] if details else None

    def _type(self, number: int | None) -> str | None:
        return self.frames[number][1]["type"] if number else None

    def _sent_before(self, number: int) -> int | None:
        """The frame of ours that the chain of a frame leads to first."""
        link: int | None = number
        while link and self.frames[link][0] is Direction.RECEIVED:
            link = self.frames[link][2]
        return link

    # -- what the server does by itself ----------------------------------------------------------

    def respond(self, what: str, which: int) -> None:
        if not self.running:
            return
        response = self.running[which % len(self.running)]
        if what == "say":
            self.arrive(response.say("word "), None)
        elif what == "call":
            call_id = f"call_{len(self.calls)}"
            self.calls.append(call_id)
            self.arrive([*response.open_call("tool", call_id), *response.close_item()], None)
        else:
            self.arrive(self.core.response_ended(response), None)


def act(pair: Pair, action: str, which: int, named: bool) -> None:
    """One step of the client or of the server; `which` chooses among what there is."""
    number = len(pair.frames) + 1
    ids = [item.id for item in pair.core.conversation] or ["nope"]
    users = [item.id for item in pair.core.conversation if item.wire.get("role") == "user"] or ["mine"]
    item_id = "nope" if which == 0 else ids[which % len(ids)]
    running = pair.running[which % len(pair.running)].id if pair.running else "nope"
    name = {"event_id": f"mine_{number}"} if named else {}
    match action:
        case "work":
            for _ in range(which + 1):
                pair.work()
        case "say" | "call" | "finish":
            pair.respond(action, which)
        case "speak":
            for pcm in TURN:
                pair.send(APPEND, audio=encode_base64(pcm), **name)
        case "message":
            own = {"id": f"item_{number}" if which % 2 else users[-1]} if which else {}
            pair.send("conversation.item.create", item=user(f"m{number}", **own), **name)
        case "output":
            call_id = pair.calls[which % len(pair.calls)] if pair.calls and which else f"none_{number}"
            if call_id not in pair.created:  # a second output of a call would be like the first, and be refused
                item = {"type": "function_call_output", "call_id": call_id, "output": "1"}
                pair.send("conversation.item.create", item=item, **name)
        case "append":
            pair.send(APPEND, audio=encode_base64(silence(0.2)) if which else "!", **name)
        case "update":
            pair.send("session.update", session={"type": "realtime", **({} if which else {"odd": 1})}, **name)
        case "create":
            wanted = [
                {},
                {"odd": 1},
                {"conversation": "none"},
                {"conversation": "none", "metadata": {"n": str(number)}},
            ]
            pair.send("response.create", response=wanted[which % len(wanted)], **name)
        case "cancel":
            pair.send("response.cancel", **({"response_id": running} if which else {}), **name)
        case "truncate":
            pair.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0, **name)
        case "retrieve" | "delete":
            pair.send(f"conversation.item.{action}", item_id=item_id, **name)
        case "commit" | "clear":
            pair.send(f"input_audio_buffer.{action}", **name)
        case _:
            pair.send(f"no.such.event_{number}", **name)


CLIENT = "message output append update create cancel truncate retrieve delete commit clear unknown speak".split()  # noqa: SIM905
SERVER = ["work"] * 6 + ["say", "call", "finish"]
STEPS = st.tuples(st.sampled_from([*CLIENT, *SERVER]), st.integers(0, 4), st.booleans())


@settings(deadline=None)
@example([("speak", 0, False), ("cancel", 1, False), ("unknown", 0, False), ("work", 4, False), ("work", 0, False),
          ("cancel", 0, False), ("finish", 0, False)])  # fmt: skip  # two cancels that come too late
@given(st.lists(STEPS, max_size=40))
def test_every_reply_is_linked_to_what_the_server_answers(steps: list[tuple[str, int, bool]]) -> None:
    """However far the server lags behind, with and without ids: and in the end nothing waits any more."""
    pair = Pair()
    for step in steps:
        act(pair, *step)
    while pair.on_its_way:
        pair.work()
    while pair.running:
        pair.respond("finish", 0)

    assert pair.pending.waiting == ()
