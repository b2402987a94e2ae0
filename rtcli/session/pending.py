"""Waiting for what the server says to something we sent: its success reply, or an error that names our event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from rtcli.errors import ConnectionLostError, ExpectationError, ServerError
from rtcli.protocol.catalog import EVENT_TYPES
from rtcli.protocol.record import Direction, Frame
from rtcli.session import hints


def item_id_of(event: Mapping[str, Any]) -> str | None:
    """The item that an event is about: `item_id`, or the id of the `item` in it."""
    item = event.get("item")
    inner = item.get("id") if isinstance(item, Mapping) else None
    value = event.get("item_id", inner)
    return value if isinstance(value, str) else None


class Requests:
    """Futures for replies, resolved by the records of the wire."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[Frame], bool], asyncio.Future[Frame]]] = []
        self._asking: set[object] = set()

    def saw(self, record: Frame) -> bool:
        """Take in one frame; whether it is an error that `ask` raises, so that nobody else has to tell it."""
        for entry in tuple(self._waiting):
            wanted, future = entry
            if wanted(record):
                self._waiting.remove(entry)
                if not future.done():
                    future.set_result(record)
        error = record.event is not None and record.event.get("type") == "error"
        return error and _guilty(record.event or {}) in self._asking

    def lost(self, error: ConnectionLostError) -> None:
        """The connection ended: no reply will come."""
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            if not future.done():
                future.set_exception(error)

    async def reply(
        self, send: Callable[[], None], wanted: Callable[[Frame], bool], *, seconds: float, what: str
    ) -> Frame:
        """Listen, then `send`, then wait for the first record that is `wanted`.

        Raises ExpectationError after that many `seconds` and ConnectionLostError where the connection ends.
        """
        with self.expecting(wanted) as future:
            send()
            try:
                async with asyncio.timeout(seconds):
                    return await future
            except TimeoutError as error:
                raise ExpectationError(f"no answer to {what}", why=f"{seconds:g} s have passed") from error

    @contextmanager
    def expecting(self, wanted: Callable[[Frame], bool]) -> Iterator[asyncio.Future[Frame]]:
        """Listen for the first record that is `wanted`; inside, await the future."""
        entry = (wanted, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            yield entry[1]
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
            entry[1].cancel()

    async def ask(
        self, send: Callable[[dict[str, Any]], None], event: dict[str, Any], *, seconds: float, ahead: int = 0
    ) -> Frame:
        """Send a client event (which needs an `event_id`) and wait for the reply that the catalog names for it.

        `ahead` is how many events of this type were sent before and not answered: their replies come first. Raises
        ServerError with what to do about it where the server refuses.
        """
        row = EVENT_TYPES[event["type"]]
        about = item_id_of(event)
        replies = count()

        def wanted(record: Frame) -> bool:
            if record.direction is Direction.SENT or record.event is None:
                return False
            if record.event.get("type") == "error":
                return bool(_guilty(record.event) == event["event_id"])
            if record.event.get("type") != row.reply or about not in (None, item_id_of(record.event)):
                return False
            return about is not None or next(replies) >= ahead

        self._asking.add(event["event_id"])
        try:
            record = await self.reply(lambda: send(event), wanted, seconds=seconds, what=row.name)
        finally:
            self._asking.discard(event["event_id"])
        if record.event and record.event.get("type") == "error":
            error = record.event.get("error")
            raise ServerError(record.event, hint=hints.of_error(error if isinstance(error, Mapping) else {}))
        return record


def _guilty(event: Mapping[str, Any]) -> object:
    error = event.get("error")
    return error.get("event_id") if isinstance(error, Mapping) else None
