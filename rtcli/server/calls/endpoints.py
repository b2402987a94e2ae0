"""What is posted about calls: `/v1/realtime/calls`, and the four verbs for a call that is named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from rtcli.errors import UsageError
from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.installation import install_command
from rtcli.protocol.events import WireObject, value_at
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.rtc.peer import EXTRA, is_available
from rtcli.server.calls.call import ServedCall
from rtcli.server.calls.calls import Calls
from rtcli.server.calls.life import CallMove
from rtcli.server.calls.offers import read_offer
from rtcli.server.session.requested import requested_session
from rtcli.server.validation import api_errors
from rtcli.server.validation.api_errors import ApiError
from rtcli.server.validation.bodies import json_of
from rtcli.server.validation.validators import fields, number, text

DECLINE = 603
"""The SIP status of a call that is rejected without naming one."""

# The API refuses these for a call by telephone, whatever their value.
_NOT_BY_TELEPHONE = ("threshold", "prefix_padding_ms", "silence_duration_ms")
_REJECT = fields({"status_code": number(300, 699)})
_REFER = fields({"target_uri": text(2_048)}, ["target_uri"])
_HANG_UP = fields({})


class CallEndpoints:
    """Answers requests of clients that may post; raises ApiError for what is refused with 400.

    `check_model` raises it for a model that makes no realtime sessions.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create(
        self,
        request: HttpRequest,
        *,
        model: str | None,
        secret: WireObject | None,
        check_model: Callable[[str], object],
    ) -> HttpResponse:
        """A call from a browser. What the request itself asks for comes before what its client secret carries.

        `model` is that of the query.
        """
        offer = read_offer(request.headers.get("content-type", ""), request.body)
        config = secret
        if offer.session is not None:
            named = str(model or (secret or {}).get("model") or DEFAULT_MODEL)
            config = requested_session({"type": "realtime", **offer.session}, model=named)
            check_model(config.get("model", named))
        if config is not None and config["type"] == "translation":
            raise ApiError("A translation session cannot be a call.", "invalid_value", "session.type")  # inferred
        if not is_available():
            return _not_installed()
        try:
            call_id, answer = await self._calls.answer(offer.sdp, model or DEFAULT_MODEL, config)
        except UsageError:  # its library is there and cannot be imported
            return _not_installed()
        headers = {"Content-Type": "application/sdp", "Location": f"/v1/realtime/calls/{call_id}"}
        return HttpResponse(201, headers, answer.encode())

    async def control(
        self, call_id: str, verb: str, body: bytes, *, check_model: Callable[[str], object]
    ) -> HttpResponse:
        """Do what one of VERBS says to a call. The answer is empty."""
        call = self._calls.find(call_id)
        if call is None:
            return HttpResponse.of_json(404, api_errors.call_not_found().http_body())
        asked = _parse(body)
        if isinstance(model := asked.get("model"), str):
            check_model(model)
        carry_out, move = VERBS[verb]
        if not call.allows(move):
            text = f"Cannot {verb} the call: it {call.stage.value}."  # inferred
            raise ApiError(text, "invalid_call_state", "call_id")
        await carry_out(self, call, asked)
        return HttpResponse(200)

    async def _accept(self, call: ServedCall, asked: WireObject) -> None:
        detection = value_at(asked, "audio.input.turn_detection")
        for name in _NOT_BY_TELEPHONE:
            if isinstance(detection, Mapping) and name in detection:
                raise api_errors.unknown_parameter(f"session.audio.input.turn_detection.{name}")
        if asked.get("type") != "realtime":
            raise api_errors.invalid_value("session.type", asked.get("type"), ["realtime"])
        await self._calls.accept(call, requested_session(asked))

    async def _reject(self, call: ServedCall, asked: WireObject) -> None:
        _REJECT(asked, "")
        await call.end(CallMove.REJECT)
        call.status_code = asked.get("status_code", DECLINE)

    async def _refer(self, call: ServedCall, asked: WireObject) -> None:
        _REFER(asked, "")
        if not call.by_telephone:
            raise ApiError("Only a call by telephone can be referred.", "invalid_value", "call_id")  # inferred
        await call.end(CallMove.REFER)
        call.target = asked["target_uri"]

    async def _hang_up(self, call: ServedCall, asked: WireObject) -> None:
        _HANG_UP(asked, "")
        await call.end(CallMove.HANG_UP)


_Verb: TypeAlias = Callable[[CallEndpoints, ServedCall, WireObject], Awaitable[None]]

VERBS: Mapping[str, tuple[_Verb, CallMove]] = {
    "accept": (CallEndpoints._accept, CallMove.ACCEPT),
    "reject": (CallEndpoints._reject, CallMove.REJECT),
    "refer": (CallEndpoints._refer, CallMove.REFER),
    "hangup": (CallEndpoints._hang_up, CallMove.HANG_UP),
}
"""What can be posted to `/v1/realtime/calls/{call_id}/VERB`, and what has to be possible for it."""


def _parse(body: bytes) -> WireObject:
    value: Any = json_of(body)
    if not isinstance(value, dict):
        raise api_errors.not_an_object("something else")
    return value


def _not_installed() -> HttpResponse:
    message = f"This server was installed without WebRTC: {install_command(EXTRA)}"
    error = ApiError(message, "webrtc_not_installed", None, "server_error")
    return HttpResponse.of_json(501, error.http_body())
