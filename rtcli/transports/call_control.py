"""Control of calls by their id: what a webhook's receiver does with one that rings, and later with one that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rtcli.errors import ConnectError
from rtcli.http.client import stream
from rtcli.transports.calling import CALLS_URL, message_in
from rtcli.transports.connect import hint_for_status

_SECONDS = 30.0


class CallControl:
    """The four requests. `url` is the address for calls (see `calls_url`), `headers` bring the key.

    Each raises ConnectError where the server refuses it, 404 for a call that neither rings nor runs.
    """

    def __init__(self, url: str = CALLS_URL, *, headers: Mapping[str, str] | None = None) -> None:
        self._url = url
        self._headers = dict(headers or {})

    async def accept(self, call_id: str, session: Mapping[str, Any]) -> None:
        """Accept a call that rings; `session` is what `OpenAIRealtimeSIP.build_accept_payload` makes."""
        await self._post(call_id, "accept", dict(session))

    async def reject(self, call_id: str, status_code: int | None = None) -> None:
        """Reject a call that rings; without a SIP status the API's own (603)."""
        await self._post(call_id, "reject", {} if status_code is None else {"status_code": status_code})

    async def refer(self, call_id: str, target_uri: str) -> None:
        """Send the caller elsewhere: a URI like `tel:+14155550123` or `sip:agent@example.com`."""
        await self._post(call_id, "refer", {"target_uri": target_uri})

    async def hangup(self, call_id: str) -> None:
        """End a call, also one from a browser."""
        await self._post(call_id, "hangup", {})

    async def _post(self, call_id: str, verb: str, body: Mapping[str, Any]) -> None:
        base, mark, query = self._url.partition("?")
        url = f"{base}/{quote(call_id, safe='')}/{verb}{mark}{query}"
        try:
            async with stream("POST", url, headers=self._headers, json=body, timeout=_SECONDS, total=_SECONDS) as reply:
                await reply.aread()
        except ConnectError as error:
            if error.status is None:
                raise
            raise ConnectError(
                f"cannot {_WORDS.get(verb, verb)} the call {call_id}: status {error.status}",
                why=message_in(error.body) or error.why,
                hint=_HINTS[error.status] if error.status in _HINTS else hint_for_status(error.status, error.body),
                url=error.url,
                status=error.status,
                body=error.body,
            ) from None


_WORDS = {"hangup": "end"}  # of verbs that are no English
_HINTS: Mapping[int, str] = {
    400: "",  # the server says what is wrong with what was asked
    404: "the id is in the webhook realtime.call.incoming; a call that is over is forgotten",
}
