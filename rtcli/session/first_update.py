"""The first session.update of a connection: how much it says, and what it says less where the server refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from rtcli.errors import ConnectionLostError, ExitCode, NotConnectedError, ServerError, error_of
from rtcli.protocol.events import value_at
from rtcli.protocol.record import Frame
from rtcli.protocol.refused_settings import refused_setting, without
from rtcli.protocol.requests import Request
from rtcli.protocol.session_config import given_part, merge
from rtcli.session.link import Link
from rtcli.views import CONNECTING, Level, Notice


class SessionUpdate(StrEnum):
    """How much the first session.update says: our defaults too, only what the user asked for, or it is not sent."""

    FULL = "full"
    MINIMAL = "minimal"
    NONE = "none"


class FirstUpdate:
    """Has the server confirm the settings of each new connection, and sends them once more where it refuses them.

    `defaults` is what the program asks for beside what the user does, in any shape that the transport takes.
    """

    def __init__(self, link: Link, defaults: Mapping[str, Any], mode: SessionUpdate = SessionUpdate.FULL) -> None:
        self.mode = mode
        self._link = link
        self._asked: Mapping[str, Any] = {}  # by the user, in the wire's shape
        self._defaults = given_part(defaults)
        if mode is not SessionUpdate.FULL:
            link.transport.omissions.defaults = True

    def __repr__(self) -> str:
        return f"<FirstUpdate {self.mode}>"

    def config(self, asked: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
        """The config to begin with: what is `asked`, over `ours` and the program's other defaults if those are said."""
        self._asked = given_part(asked)
        if self.mode is not SessionUpdate.FULL:
            return dict(asked)
        self._defaults = merge(self._defaults, ours)
        return merge(self._defaults, asked)

    async def confirmed(
        self,
        connect: Callable[[], Awaitable[None]],
        seconds: float,
        *,
        settle: float,
        update: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        """Connect, and wait until the session stands: `seconds` for it, and `settle` for an answer to each update.

        `connect` sends the first one; `update` sends another session, where the transport does not make it.
        Raises what connecting and `wait_ready` raise.
        """
        link = self._link
        with link.requests.expecting(_is_update) as answer:
            with link.waits.on(CONNECTING):
                await connect()
            ready = asyncio.ensure_future(link.transport.wait_ready(seconds))
            try:
                with link.waits.on("waiting for the session"):
                    await asyncio.wait((ready, answer), return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    await ready
                try:
                    if (refusal := await self._refusal(answer, settle)) is not None:
                        await self._send_less(refusal, settle, update)
                except (ConnectionLostError, NotConnectedError):
                    await ready  # where there was no session yet, this says more of why
                    raise
                with link.waits.on("waiting for the session"):
                    await ready
            finally:
                ready.cancel()
                await asyncio.gather(ready, return_exceptions=True)

    async def begun(self, connect: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Connect, and wait for the server to begin. One that does not is lived with: it may wait for us."""
        link = self._link
        with link.waits.on(CONNECTING):
            await connect()
        try:
            with link.waits.on("waiting for the session"):
                async with asyncio.timeout(seconds):
                    await link.transport.wait_ready(2 * seconds)
        except TimeoutError:
            link.show(Notice(f"the server began no session within {seconds:g} s", level=Level.WARNING))

    async def _refusal(self, answer: asyncio.Future[Frame], seconds: float) -> Mapping[str, Any] | None:
        """The error event that refuses the update. A server that never answers is lived with, on its own settings."""
        try:
            with self._link.waits.on("session.update sent, no reply for"):
                async with asyncio.timeout(seconds):
                    event = (await answer).event or {}
        except TimeoutError:
            self._link.show(Notice("the server has not confirmed the session's settings", level=Level.WARNING))
            return None
        return event if event.get("type") == "error" else None

    async def _send_less(
        self, refusal: Mapping[str, Any], settle: float, update: Callable[[Mapping[str, Any]], None] | None
    ) -> None:
        """Send the update once more, without what the error names, or else without all that is not asked for."""
        number, sent = self._sent
        path = refused_setting(error_of(refusal), sent)
        if path is None and (update or self.mode is SessionUpdate.MINIMAL):
            self._report(number, refusal)
            return
        omissions = self._link.transport.omissions
        omissions.settings.update((path,) if path else self._ours())
        omissions.defaults = omissions.defaults or path is None
        with self._link.requests.expecting(_is_update) as answer:
            if update and path:
                update(without(sent, path))
            else:
                self._link.transport.update_session_config({})
            number_again, sent_again = self._sent
            left_out = tuple(_missing(sent, sent_again))
            again = await self._refusal(answer, settle)
        if again is not None:
            self._report(number_again, again)
            return
        of_the_user = [each for each in left_out if value_at(self._asked, each) is not None]
        if of_the_user:
            self._link.codes.add(ExitCode.SERVER_ERROR)
        why = ServerError(refusal).why
        self._link.show(
            Notice(
                f"the server refused settings (#{number} session.update), left out: {', '.join(left_out)}",
                why,
                level=Level.ERROR if of_the_user else Level.WARNING,
            )
        )

    def _ours(self) -> Iterator[str]:
        """The settings that nobody but the program asks for."""
        return (path for path in _leaves(self._defaults) if value_at(self._asked, path) is None)

    @property
    def _sent(self) -> tuple[int, Mapping[str, Any]]:
        """The number of the update that was sent last, and its session."""
        frame = self._link.state.log.last("session.update")
        session = frame.event.get("session") if frame and frame.event else None
        return frame.number if frame else 0, session if isinstance(session, Mapping) else {}

    def _report(self, number: int, refusal: Mapping[str, Any]) -> None:
        """The server takes none of it: it stays with its own settings."""
        error = ServerError(refusal)
        level = Level.WARNING
        if self._asked:  # what the program asks for by itself does not count against the user
            self._link.codes.add(error.exit_code)
            level = Level.ERROR
        hint = "" if self.mode is SessionUpdate.MINIMAL else "--session-update minimal asks for less"
        what = f"the server refused the session's settings (#{number} session.update): {error.what}"
        self._link.show(Notice(what, error.why, hint, level))


def _is_update(request: Request) -> bool:
    return request.type == "session.update"


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted paths of what a session says: `audio.input.transcription`, `output_modalities`."""
    for name, value in settings.items():
        if prefix + name in ("audio", "audio.input", "audio.output") and isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _missing(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted paths of what `before` says and `after` does not."""
    for name, value in before.items():
        if name not in after:
            yield prefix + name
        elif isinstance(value, Mapping) and isinstance(after[name], Mapping):
            yield from _missing(value, after[name], f"{prefix}{name}.")
