"""What goes out as it stands, what is not sent at all, and calls of several threads."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from rtcli.errors import ConnectionLostError, NotConnectedError
from rtcli.protocol.record import Frame
from rtcli.transports import OpenAIRealtimeSIP, OpenAIRealtimeWebSocket
from tests.kit.events import CREATED, response_event
from tests.kit.fake_server import Conversation, fake_server, greeting
from tests.kit.linked import linked
from tests.kit.waiting import DEADLINE, until

# -- a frame as it stands ------------------------------------------------------------------------


async def test_a_frame_goes_out_as_it_stands() -> None:
    """Spaces, the order of keys, how a number is written: what the observer is shown is what crosses the wire."""
    text = '{ "n": 1.50,  "type": "test.event" }'
    frames: list[Frame] = []
    async with linked() as link:
        link.t.attach_wire(frames.append)
        link.t.send_frame(text)
        await link.settle()

        (frame,) = [frame for frame in frames if frame.event and frame.event["type"] == "test.event"]
        assert (frame.raw, frame.size, frame.problem) == (text.encode(), len(text), "")
        assert link.sent == [{"n": 1.5, "type": "test.event"}]


@pytest.mark.parametrize("text", ["not JSON", "[1]", '{"no": "type"}'])
async def test_a_frame_need_not_be_an_event(text: str) -> None:
    """A server's way with bad input is seen by sending it some."""
    got: list[str | bytes] = []

    async def keep(talk: Conversation) -> None:
        await talk.send(CREATED)
        got.append(await talk.socket.recv())

    frames: list[Frame] = []
    async with fake_server(keep) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, manual=True)
        t.attach_wire(frames.append)
        await t.connect()
        await t.wait_ready(DEADLINE)
        t.send_frame(text)
        await until(lambda: got == [text])
        t.close()
        await t.wait_closed()

    assert [frame.problem != "" for frame in frames if frame.event is None] == [True]


async def test_a_text_that_has_no_utf8_is_refused_where_it_is_given() -> None:
    """A server would have to end the connection for it."""
    async with linked() as link:
        for text in ("\ud800", '{"type": "a", "b": "\udfff"}'):
            with pytest.raises(ValueError, match="surrogates not allowed"):
                link.t.send_frame(text)
        link.t.send_frame('{"type": "a", "b": "\\ud800 \U0001f600"}')
        await link.settle()

        assert link.sent_types == ["a"]
        assert link.t.status == "connected"


async def test_a_session_update_in_a_frame_counts_as_configured() -> None:
    """The transport reads a copy of what it sends."""
    async with linked() as link:
        link.t.send_frame('{"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}')

        assert link.t.requested_session["instructions"] == "Be brief."


async def test_a_response_create_in_a_frame_does_not_wait_but_others_wait_for_it() -> None:
    """It goes out at once although a response runs; the queue knows of one that has an event_id."""
    create = {"type": "response.create", "event_id": "mine"}
    async with linked() as link:
        link.t.send_frame(json.dumps(create))
        link.t.request_response({"instructions": "next"})
        link.t.send_frame(json.dumps({"type": "response.create"}))
        await link.settle()
        before = link.sent
        await link.say(response_event("created"), response_event("done"))

        assert before == [create, {"type": "response.create"}]
        assert [event.get("response") for event in link.sent[2:]] == [{"instructions": "next"}]


async def test_a_frame_without_a_connection_is_refused() -> None:
    """Like every send."""
    with pytest.raises(NotConnectedError):
        OpenAIRealtimeWebSocket(api_key="sk").send_frame("{}")


# -- a session taken as it is --------------------------------------------------------------------


async def test_a_session_can_be_taken_as_it_is() -> None:
    """Neither session.update nor tracing goes out, at session.created neither."""
    async with fake_server(greeting(CREATED)) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url)
        await t.connect(send_session=False, initial_session_config={"voice": "ash", "tracing": "auto"})
        await t.wait_ready(DEADLINE)
        t.send_event({"type": "test.event"})
        await until(lambda: server.received)
        t.close()
        await t.wait_closed()

    assert server.types == ["test.event"]
    assert t.requested_session == {}


async def test_a_session_that_the_server_does_not_send_is_empty() -> None:
    """session.created without one still says that the server is ready."""
    async with fake_server(greeting({"type": "session.created"})) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, auto_tracing=False)
        await t.connect()

        assert await t.wait_ready(DEADLINE) == {}
        t.close()
        await t.wait_closed()


# -- a message that is too large -----------------------------------------------------------------


async def test_a_message_that_is_too_large_ends_the_connection() -> None:
    """With 1009, and with the option to change in the error; smaller ones pass."""
    async with linked(max_message_bytes=10_000) as link:
        await link.say({"type": "test.event", "data": "x" * 9_000})
        await link.server.send({"type": "test.event", "data": "x" * 11_000})
        await until(lambda: link.t.status == "disconnected")

        (lost,) = link.errors
        assert isinstance(lost, ConnectionLostError)
        assert (lost.code, link.t.close_code) == (1009, 1009)
        assert "10,000 bytes" in str(lost)
        assert "max_message_bytes" in lost.hint


# -- what JSON cannot express --------------------------------------------------------------------


async def test_a_request_that_json_cannot_express_is_refused_at_once() -> None:
    """Also while a response runs: not when its turn has come, where nobody could catch it."""
    async with linked() as link:
        link.t.request_response()
        await link.say(response_event("created"))
        with pytest.raises(ValueError, match="JSON"):
            link.t.request_response({"metadata": {1, 2}})
        await link.say(response_event("done"))

        assert link.sent_types == ["response.create"]
        assert link.errors == []
        assert not link.t.responding


# -- several threads -----------------------------------------------------------------------------


async def test_messages_of_two_threads_do_not_interleave() -> None:
    """An item and the request for its answer are one: no other caller's comes between."""
    each = 50
    async with linked(manual=True) as link:
        together = threading.Barrier(2)

        def talk(name: str) -> None:
            together.wait(DEADLINE)
            for number in range(each):
                if number % 2:
                    link.t.add_image(f"data:image/png;base64,{name}")
                else:
                    link.t.send_message(name)

        await asyncio.gather(*(asyncio.to_thread(talk, name) for name in ("a", "b")))
        await link.settle()

        assert link.sent_types == ["conversation.item.create", "response.create"] * (2 * each)


async def test_a_call_is_interrupted_on_the_loop() -> None:
    """Whether a response runs is asked there, when the call is carried out, and not on the caller's thread."""
    async with linked(transport=OpenAIRealtimeSIP, connect={"call_id": "rtc_1"}) as link:
        thread = threading.Thread(target=link.t.interrupt)
        thread.start()
        # The loop stands still here: the call is made while no response runs, and carried out after one began.
        thread.join(DEADLINE)
        link.t._on_message(json.dumps(response_event("created")))
        await link.settle()

        assert link.sent_types == ["response.cancel", "output_audio_buffer.clear"]
