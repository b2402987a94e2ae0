"""From a key and an address to an open socket, and how to give that up on the way."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from rtcli.errors import RtcliError, UsageError
from rtcli.masking import add_header, add_secret, add_url, mask_exception
from rtcli.request_head import ApiKey, check_headers, check_host, checked_key
from rtcli.transports import connection_errors
from rtcli.transports.connect import call_url, default_url, to_connect_error
from rtcli.transports.connection import WebSocketConnection
from rtcli.transports.sockets import Dial, OpenSocket


class Connector:
    """Finds the key and the address, and dials (`create_websocket`). `url` is dialed as it is."""

    def __init__(
        self,
        create_websocket: Dial,
        *,
        api_key: ApiKey | None,
        url: str | None,
        headers: Mapping[str, str] | None,
    ) -> None:
        self.url = url
        self._create_websocket = create_websocket
        self._api_key = api_key
        self._headers = headers

    def address(self, model: str, url: str | None = None, call_id: str | None = None) -> str:
        """`url` wins over `call_id`, that over the own url, that over OpenAI's endpoint with the model."""
        return url or (call_url(call_id) if call_id else self.url) or default_url(model)

    async def open(
        self, address: str, api_key: ApiKey | None, *, dialing: Callable[[], object] = lambda: None
    ) -> OpenSocket:
        """An open socket; `dialing` is called when the key is known.

        Raises UsageError without a key, and for an address, a key or a header that cannot be sent; ConnectError.
        """
        add_url(address)
        key = await self._resolve(api_key if api_key is not None else self._api_key)
        headers = dict(self._headers or {})
        for name, value in headers.items():
            add_header(name, value)
        check_headers(headers)
        if key and not any(name.lower() == "authorization" for name in headers):
            add_secret(key)
            headers["Authorization"] = f"Bearer {checked_key(key, 'api_key')}"
        check_host(address)
        dialing()
        try:
            return await self._create_websocket(address, headers)
        except RtcliError:
            raise
        except Exception as error:
            mask_exception(error)
            raise to_connect_error(address, error) from error

    async def _resolve(self, key: ApiKey | Awaitable[str] | None) -> str | None:
        if callable(key):
            key = key()
        if inspect.isawaitable(key):
            key = await key
        if not key and self._headers is None:
            hint = "give api_key, or headers if the endpoint wants another kind of authentication"
            raise UsageError("no API key", hint=hint)
        return key or None


class Attempt:
    """One connect() under way.

    `abandoned`: it was canceled before it was done. `late`: what was opened nevertheless, and is closing.
    """

    def __init__(self, previous_model: str) -> None:
        self.previous_model = previous_model
        self.abandoned = False
        self.late: WebSocketConnection | None = None
        self._task: asyncio.Future[OpenSocket] | None = None

    def cancel(self) -> None:
        """Give up, whatever has been reached."""
        self.abandoned = True
        if self._task is not None:
            self._task.cancel()

    async def run(
        self, opening: Coroutine[Any, Any, OpenSocket], own: Callable[[OpenSocket], WebSocketConnection]
    ) -> WebSocketConnection:
        """Owns the socket that `opening` opens. Raises what that raises, and ConnectError after `cancel`."""
        task = self._task = asyncio.ensure_future(opening)
        try:
            socket = await task
        except asyncio.CancelledError:
            if task.done() and not task.cancelled() and task.exception() is None:
                self._discard(own(task.result()))  # it came in the moment in which we were canceled
            if self.abandoned and not _is_canceled():
                raise connection_errors.closed_early() from None
            raise
        connection = own(socket)
        if self.abandoned:
            self._discard(connection)
            raise connection_errors.closed_early()
        return connection

    def _discard(self, connection: WebSocketConnection) -> None:
        self.late = connection
        connection.close()


def _is_canceled() -> bool:
    """Whether it is the caller's task that is being canceled, and not our own alone."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
