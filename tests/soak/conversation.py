"""One session of a long run: numbered messages out, their echoes in, and an account of every event."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Any

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.record import Direction, Frame
from rtcli.session.session import RealtimeSession
from rtcli.views import View
from tests.kit.sessions import session_at

TURN_SECONDS = 30
_APPEND = json.dumps({"type": "input_audio_buffer.append", "audio": encode_base64(bytes(4800))})  # 100 ms of silence
_REMEMBERED = 20_000  # event ids: an event that comes twice comes soon


@dataclass
class Account:
    """What has come, and what of it is wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)  # the first few, in words

    def wrong(self, kind: str, what: str) -> None:
        """Count a problem: lost, reordered or doubled."""
        self.counts[kind] += 1
        if len(self.problems) < 20:
            self.problems.append(f"{kind}: {what}")


class Conversation:
    """Text turns, now and then with sound appended or an interruption, over one connection after another."""

    def __init__(self, url: str, name: str, account: Account) -> None:
        self._url, self._name, self._account = url, name, account
        self._pick = random.Random(name)
        self._seen: OrderedDict[str, None] = OrderedDict()  # the event ids of the last events
        self._frame = 0  # the number of the last one
        self._text = ""  # what the deltas of the answer under way amount to
        self._answers: list[str] = []  # whole texts of this turn

    async def run(self, turns: int) -> None:
        """One connection, with so many turns."""
        session = session_at(f"{self._url}?model=gpt-realtime-2.1", config={"output_modalities": ["text"]})
        session.subscribe(self.watch)
        self._frame = 0
        self._seen.clear()
        try:
            await session.start(TURN_SECONDS)
            for number in range(turns):
                await self._turn(session, f"{self._name} {number} " + "word " * self._pick.randrange(40))
        except TimeoutError:
            pass  # it is in the account: another connection goes on
        finally:
            await session.close()
        self._account.counts["sessions"] += 1

    async def _turn(self, session: RealtimeSession, said: str) -> None:
        said = said.strip()
        self._answers.clear()
        for _ in range(self._pick.randrange(4)):
            session.talk.send(_APPEND)
        session.talk.say(said)
        interrupted = self._pick.random() < 0.1
        if interrupted:
            await asyncio.sleep(0)
            session.talk.interrupt()
            self._account.counts["interruptions"] += 1
        try:
            await session.idle(TURN_SECONDS)
        except TimeoutError:
            last = [f"{f.direction} {(f.event or {}).get('type')}" for f in session.state.log.records[-8:]]
            self._account.wrong("lost", f"no end of {said[:40]!r}, interrupted: {interrupted}; {', '.join(last)}")
            raise
        self._account.counts["turns"] += 1
        # the echo of what was interrupted, which nobody has answered, stands before it
        if not interrupted and not (len(self._answers) == 1 and self._answers[0].endswith(said)):
            self._account.wrong("lost", f"{said[:40]!r} was answered with {str(self._answers)[:80]}")

    def watch(self, view: View) -> None:
        """A view of the session: frames are accounted for."""
        if not isinstance(view, Frame):
            return
        self._account.counts["events"] += 1
        if self._frame and view.number != self._frame + 1:
            self._account.wrong("reordered", f"#{view.number} after #{self._frame}")
        self._frame = view.number
        event = view.event or {}
        if view.direction is Direction.RECEIVED:
            self._received(event)

    def _received(self, event: Any) -> None:
        event_id = str(event.get("event_id"))
        if event_id in self._seen:
            self._account.wrong("doubled", f"{event_id} {event.get('type')}")
        self._seen[event_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        match event.get("type"):
            case "response.created":
                self._text = ""
            case "response.output_text.delta":
                self._text += event["delta"]
            case "response.output_text.done":
                if not event["text"].startswith(self._text) or len(self._text) < len(event["text"]):
                    self._account.wrong("lost", f"deltas {self._text[:40]!r} of {event['text'][:40]!r}")
                self._answers.append(event["text"])
