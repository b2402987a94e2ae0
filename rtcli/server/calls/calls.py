"""The calls of one server: from browsers, answered at once, and from telephones, which ring before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeAlias

from rtcli.protocol.events import WireObject
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.rtc.peer import load
from rtcli.rtc.playout import Playout
from rtcli.server.calls.call import CallLine, ServedCall
from rtcli.server.calls.life import CallMove, CallStage
from rtcli.server.calls.offers import invalid_offer
from rtcli.server.calls.phone import Phone
from rtcli.server.calls.webhook import SipHeader
from rtcli.server.calls.webrtc import WebRtcLine
from rtcli.server.ids import random_text
from rtcli.server.runtime.live_session import LiveSession
from rtcli.server.runtime.sessions import Sessions, call_id_of
from rtcli.server.validation.api_errors import too_many_calls

logger = logging.getLogger("rtcli.server")

_Recorded: TypeAlias = Callable[[], object]  # ends the recording of a call

MAX_RINGING = 1_000
"""Calls that may ring at the same time."""

MAX_CALLS = 64
"""Calls that may run at the same time: each takes a tenth of a processor."""


class Calls:
    """Those that ring or run, by id. `loopback` says that the server listens there alone, so its peers do as well.

    `recorded` is called with each call's connection, and its model, before anything travels over it; what it returns
    is called at the end, and `ended` besides.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        pace: float,
        loopback: bool,
        faults: Callable[[], Sequence[str]],
        recorded: Callable[[object, str], _Recorded],
        ended: Callable[[], object],
    ) -> None:
        self._sessions = sessions
        self._pace = pace
        self._loopback = loopback
        self._faults = faults
        self._recorded = recorded
        self._answering = 0  # offers that are being answered
        self._calls: dict[str, ServedCall] = {}
        self._phones: dict[str, Phone] = {}  # those that ring, by call id
        self.serving: set[asyncio.Task[None]] = set()  # one for each call that runs
        self._ringing: set[asyncio.Task[None]] = set()  # one for each that rings
        self._ended = ended

    def __iter__(self) -> Iterator[ServedCall]:
        return iter(tuple(self._calls.values()))

    def find(self, call_id: str) -> ServedCall | None:
        """The call that rings or runs under this id."""
        call = self._calls.get(call_id)
        return call if call is not None and not call.stage.over else None

    async def answer(self, offer: str, model: str, config: WireObject | None) -> tuple[str, str]:
        """Take a call from a browser: its id, and the answer to the offer.

        Raises ApiError for an offer that cannot be used and beyond MAX_CALLS, UsageError where WebRTC is not installed.
        """
        self._check_room()
        create_peer = await load()
        session = self._sessions.make("realtime", model, config, playout=Playout())
        line = WebRtcLine(session, create_peer, loopback=self._loopback, faults=self._faults())
        call = ServedCall(call_id_of(session.id), by_telephone=False)
        self._answering += 1
        try:
            answer = await line.answer(offer)
        except BaseException as problem:  # also where the client has left
            await line.end()
            if isinstance(problem, ValueError):
                raise invalid_offer() from problem
            raise
        finally:
            self._answering -= 1
        await self._start(call, session, line, self._recorded(line.connection, model))
        return call.id, answer

    def ring(self, headers: Sequence[SipHeader]) -> Phone:
        """A telephone that rings here until somebody accepts, rejects, or it gives up."""
        if len(self._phones) >= MAX_RINGING:
            raise ValueError(f"more than {MAX_RINGING} calls ring already")
        call = ServedCall(f"rtc_{random_text(21)}", by_telephone=True)
        phone = Phone(call, headers=headers, pace=self._pace, faults=self._faults())
        self._calls[call.id], self._phones[call.id] = call, phone
        _spawn(self._forget_unanswered(call), f"{call.id} rings", self._ringing)
        return phone

    async def accept(self, call: ServedCall, config: WireObject) -> None:
        """Accept a call that rings. Raises ApiError beyond MAX_CALLS."""
        self._check_room()
        call.move(CallMove.ACCEPT)
        phone = self._phones.pop(call.id)
        session_id = f"sess_{call.id.partition('_')[2]}"
        session = self._sessions.make("realtime", DEFAULT_MODEL, config, session_id=session_id, playout=Playout())
        await self._start(call, session, phone, lambda: None)

    async def close(self) -> None:
        """The server ends: every call does."""
        for call in self:
            if not call.stage.over:
                ringing = call.stage is CallStage.RINGING
                await call.end(CallMove.LEAVE if ringing else CallMove.HANG_UP, 1001)
        if tasks := self.serving | self._ringing:
            _done, left = await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _check_room(self) -> None:
        if len(self.serving) + self._answering >= MAX_CALLS:
            raise too_many_calls(MAX_CALLS)

    async def _start(
        self, call: ServedCall, session: LiveSession, line: CallLine, recorded: Callable[[], object]
    ) -> None:
        self._calls[call.id] = call
        _spawn(self._run(call, session, line, recorded), call.id, self.serving)
        await asyncio.sleep(0)  # from then on it can be joined

    async def _run(
        self, call: ServedCall, session: LiveSession, line: CallLine, recorded: Callable[[], object]
    ) -> None:
        try:
            await call.run(self._sessions, session, line)
        except Exception:  # a defect of ours ends this call, and nothing else
            logger.exception("a call has failed")
        finally:
            del self._calls[call.id]
            recorded()
            self._ended()

    async def _forget_unanswered(self, call: ServedCall) -> None:
        stage = await call.until(lambda stage: stage is not CallStage.RINGING)
        if stage.over:
            del self._calls[call.id], self._phones[call.id]


def _spawn(work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


_CLOSE_SECONDS = 1.5  # for the caller to get what waits, before the call is cut
