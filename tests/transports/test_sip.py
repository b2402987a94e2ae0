"""A SIP call that is joined by its call_id: no audio passes through here."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.client import ClientConnection

from rtcli.errors import UnsupportedError, UsageError
from rtcli.transports import OpenAIRealtimeSIP
from tests.kit.events import audio_delta, response_event
from tests.kit.fake_server import fake_server, greets
from tests.kit.linked import linked
from tests.kit.waiting import DEADLINE


async def test_it_needs_a_call_id() -> None:
    """Without one there is no call to join."""
    with pytest.raises(UsageError, match="call_id"):
        await OpenAIRealtimeSIP(api_key="sk").connect()


async def test_the_call_id_goes_into_the_address() -> None:
    """And no model does."""
    asked: list[str] = []
    async with fake_server(greets) as server:
        from websockets.asyncio.client import connect

        async def hook(url: str, headers: dict[str, str]) -> ClientConnection:
            asked.append(url)
            return await connect(server.url)

        t = OpenAIRealtimeSIP(api_key="sk", create_websocket=hook)
        await t.connect(call_id="rtc_1")
        await t.wait_ready(DEADLINE)
        t.close()
        await t.wait_closed()

    assert parse_qs(urlsplit(asked[0]).query) == {"call_id": ["rtc_1"]}


async def test_it_sends_no_audio() -> None:
    """The caller's voice reaches the API by telephone."""
    async with linked(transport=OpenAIRealtimeSIP, connect={"call_id": "rtc_1"}) as link:
        with pytest.raises(UnsupportedError, match="audio"):
            link.t.send_audio(b"\0\0")


async def test_it_interrupts_by_cancel_and_clear() -> None:
    """What the API still plays into the call is cleared; a response is cancelled only if one runs."""
    async with linked(transport=OpenAIRealtimeSIP, connect={"call_id": "rtc_1"}) as link:
        link.t.interrupt()
        await link.settle()
        assert link.sent_types == ["output_audio_buffer.clear"]

        link.forget()
        await link.say(response_event("created"), audio_delta(b"\0\0"))
        link.t.interrupt()
        link.t.interrupt(False)
        await link.settle()
        assert link.sent_types == ["response.cancel", "output_audio_buffer.clear", "output_audio_buffer.clear"]


async def test_an_interruption_without_a_connection_is_nothing() -> None:
    """As in the reference: there is no call to be quiet in, before it and after it."""
    OpenAIRealtimeSIP(api_key="sk").interrupt()

    async with linked(transport=OpenAIRealtimeSIP, connect={"call_id": "rtc_1"}) as link:
        link.t.close()
        link.t.interrupt()
        await link.t.wait_closed()
        assert link.sent_types == []


def test_a_call_is_accepted_with_the_payload_of_a_session() -> None:
    """The same one that session.update would carry; the caller's config is not changed."""
    sip = OpenAIRealtimeSIP(api_key="sk", model="gpt-realtime-2")
    config = {"instructions": "Be brief.", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}

    assert sip.build_accept_payload(config) == sip.build_session_payload(config)
    assert sip.build_accept_payload({})["model"] == "gpt-realtime-2"


@pytest.mark.parametrize(
    "config",
    [
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.5}}}},
        {"turn_detection": {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": None}},
        {"provider_data": {"audio": {"input": {"turn_detection": {"silence_duration_ms": 500}}}}},
    ],
)
def test_a_turn_detection_that_calls_do_not_have_is_refused(config: dict[str, Any]) -> None:
    """The API would not accept the call; the error names the fields."""
    with pytest.raises(UsageError, match=r"threshold|silence_duration_ms"):
        OpenAIRealtimeSIP(api_key="sk").build_accept_payload(config)


@pytest.mark.parametrize("audio", [None, {}, {"input": None}, {"input": {"turn_detection": None}}])
def test_a_payload_without_a_turn_detection_is_accepted(audio: object) -> None:
    """Whatever the caller put into its place."""
    payload = OpenAIRealtimeSIP(api_key="sk").build_accept_payload({"provider_data": {"audio": audio}})

    assert payload["audio"] == audio
