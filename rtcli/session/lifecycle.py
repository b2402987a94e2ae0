"""How a session begins, begins again and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rtcli.config.endpoints import Endpoint
from rtcli.protocol.history import History
from rtcli.protocol.record import Frame
from rtcli.session import settings
from rtcli.session.core import SessionCore
from rtcli.session.tool_calls import merged_tools
from rtcli.views import Level, Notice

_SETTLE_SECONDS = 5.0
"""How long the first session.update may go without an answer; the reference's WebRTC transport waits as long."""


class ConnectingSession(SessionCore):
    """A session with its connections, one after the other."""

    async def start(self, timeout: float = 10) -> None:  # noqa: ASYNC109 - handed to wait_ready, which owns the deadline
        """Connect and wait until the server has confirmed the session.

        Raises ConnectError, ConnectionLostError or ServerError; nothing is left running then but the speaker.
        """
        await self._connect(self._first_config(), timeout)

    def _first_config(self) -> dict[str, Any]:
        config = dict(self.config)
        problem = self.sound.open_speaker()
        chosen = "output_modalities" in config or "modalities" in config
        if self.sound.speaker is None and not chosen:
            config["output_modalities"] = ["text"]
        if problem:
            end = "" if chosen else "; asking for text"
            self.show(Notice(f"{problem.what}{end}", problem.why, problem.hint, Level.WARNING))
        elif self.sound.speaker is None and not chosen:
            self.show(Notice("no sound output: asking for text"))
        if self.tools.schemas:
            config["tools"] = merged_tools(config, self.tools.schemas)
        return config

    async def _connect(self, config: Mapping[str, Any], seconds: float) -> None:
        endpoint = self.endpoint
        self._held.clear()
        self.reports.expired = False
        try:
            with self.requests.expecting(lambda request: request.type == "session.update") as settled:
                await self.transport.connect(
                    model=endpoint.model,
                    url=endpoint.url or None,
                    call_id=endpoint.call_id,
                    initial_session_config=config,
                )
                await self.transport.wait_ready(seconds)
                await self._settle(settled)
        except BaseException:
            self.transport.close()
            await self.transport.wait_closed()
            raise
        self._live, self._lost = True, None
        for notice in self._held:
            self.show(notice)

    async def _settle(self, settled: asyncio.Future[Frame]) -> None:
        """Until our first update is answered the server runs on its defaults: what we know of the session is wrong.

        A refusal is reported like any error; a server that never answers is lived with.
        """
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                await settled
        except TimeoutError:
            self.pending.give_up()
            self.show(Notice("the server has not confirmed the session's settings", level=Level.WARNING))

    async def connect_again(self, endpoint: Endpoint, *, seconds: float) -> None:
        """Another connection with the settings of this one and an empty conversation; raises like `start`."""
        wanted = self.transport.requested_session
        config = settings.restored(wanted, self._refused) if wanted else self._first_config()
        self.transport.forget_settings(
            path for path, refused in self._refused.items() if refused.confirmed is settings.MISSING
        )
        await self.disconnect()
        before = self.endpoint, self.history
        self.endpoint, self.history = endpoint, History()
        try:
            await self._connect(config, seconds)
        except BaseException:
            self.endpoint, self.history = before  # to carry over when the next attempt succeeds
            raise

    async def disconnect(self) -> None:
        """End the connection on purpose."""
        self._live = False
        self.transport.close()
        await self.transport.wait_closed()

    async def close(self) -> None:
        """End the connection, the devices and the tools."""
        await self.disconnect()
        await self.tools.close()
        self.sound.close()
