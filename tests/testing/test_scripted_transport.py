"""ScriptedTransport: what is sent is what the script expects, or the test fails with the difference."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectionLostError, InputError
from rtcli.protocol.play import PlayStep
from rtcli.session.session import RealtimeSession
from rtcli.testing import (
    ScriptedTransport,
    ScriptError,
    audio_response,
    call_response,
    close,
    emit,
    expect,
    text_response,
)
from tests.kit.scenes import SCENES
from tests.kit.waiting import DEADLINE, until

CREATE = "conversation.item.create"
TURN: list[PlayStep] = [expect(CREATE), expect("response.create"), emit(text_response("Hello."))]


def heard(transport: ScriptedTransport, *names: str) -> list[tuple[str, Any]]:
    emitted: list[tuple[str, Any]] = []
    for name in names:
        transport.on(name, lambda *args, name=name: emitted.append((name, args[0] if args else None)))
    return emitted


async def test_a_turn_is_played_and_heard() -> None:
    """Semantic events as from any server; the session begins by itself."""
    async with ScriptedTransport(*TURN) as transport:
        emitted = heard(transport, "output_text_delta", "turn_done", "conversation.item.done")
        transport.send_message("hi")
        await transport.played()

        assert [name for name, _ in emitted] == ["output_text_delta", "conversation.item.done", "turn_done"]
        assert emitted[0][1].delta == "Hello."
        assert (transport.session or {})["id"] == "sess_1"
    assert [event["type"] for event in transport.sent] == ["session.update", CREATE, "response.create"]
    assert transport.status == "disconnected"


async def test_an_unexpected_send_fails_where_it_is_sent_and_at_the_end() -> None:
    """With the differences alone; a program that swallows the error does not pass."""
    with pytest.raises(ScriptError, match="event 1 of the client is not") as at_the_end:
        async with ScriptedTransport(expect(CREATE, item={"role": "user", "content": [{"text": "bye"}]})) as transport:
            with pytest.raises(ScriptError) as at_once:
                transport.send_message("hello")
    assert (
        str(at_once.value)
        == str(at_the_end.value)
        == ('event 1 of the client is not conversation.item.create\n  item.content.0.text\n    - "bye"\n    + "hello"')
    )
    with pytest.raises(ScriptError, match="event 1 of the client is not expected"):
        async with ScriptedTransport() as transport:
            transport.send_event({"type": "response.cancel"})


@pytest.mark.parametrize(("words", "told"), [("*ell*", True), ("/^b.*/", False), ("bye", False)])
async def test_a_star_in_words_is_said_to_be_a_star(words: str, told: bool) -> None:
    """The error says so, and how an expression is written."""
    with pytest.raises(ScriptError) as failed:
        async with ScriptedTransport(expect(CREATE, item={"content": [{"text": words}]})) as transport:
            transport.send_message("hello")

    assert ("* stands for itself" in str(failed.value)) is told


async def test_an_unexpected_send_of_a_listener_fails_the_test(caplog: pytest.LogCaptureFixture) -> None:
    """A listener's exception reaches nobody; the end of the script tells."""
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(ScriptError, match="event 3 of the client is not expected"):
        async with ScriptedTransport(*TURN) as transport:
            transport.on("turn_done", lambda _: transport.send_event({"type": "input_audio_buffer.clear"}))
            transport.send_message("hi")
            await transport.played()


async def test_what_was_never_sent_fails() -> None:
    with pytest.raises(ScriptError) as raised:
        async with ScriptedTransport(expect("response.cancel"), expect("response.create")):
            pass
    assert str(raised.value) == "the client never sent\n  response.cancel\n  response.create"
    transport = ScriptedTransport(expect("response.create"))
    await transport.connect()
    with pytest.raises(ScriptError, match="never sent"):
        await transport.played(0.01)
    transport.close()
    await transport.wait_closed()


async def test_an_error_of_the_test_itself_is_not_covered() -> None:
    with pytest.raises(ZeroDivisionError):
        async with ScriptedTransport(expect("response.create")):
            raise ZeroDivisionError


async def test_a_script_may_begin_the_session_itself() -> None:
    """With an update to be compared, or a session of its own."""
    update = expect("session.update", session={"audio.output.speed": ">=1"})
    created = emit({"type": "session.created", "session": {"id": "sess_x"}})
    orders: list[list[PlayStep]] = [[update, created], [created, update]]
    for steps in orders:
        async with ScriptedTransport(*steps) as transport:
            pass
        assert transport.session is None
    transport = ScriptedTransport(expect("session.update", session={"instructions": "Be*"}), created)
    await transport.connect(initial_session_config={"instructions": "Be brief."})
    await transport.played()
    assert (transport.session or {})["id"] == "sess_x"
    transport.close()
    await transport.wait_closed()


async def test_calls_audio_and_an_interruption() -> None:
    """The core is that of the WebSocket transport: it cancels, cuts, and looks at what was cut."""
    speech = audio_response(bytes(48_000), "one two")
    script: list[PlayStep] = [
        *TURN[:2],
        emit(speech[:6]),
        expect("response.cancel"),
        expect("conversation.item.truncate", item_id="item_resp_1", audio_end_ms="<1001"),
        emit({"type": "conversation.item.truncated", "item_id": "item_resp_1"}, speech[-1]),
        expect(CREATE, item={"type": "function_call_output", "call_id": "c7", "output": "7"}),
    ]
    async with ScriptedTransport(*script, emit(call_response("add", "{}", call_id="c7"))) as transport:
        emitted = heard(transport, "audio", "conversation.item.retrieved", "function_call")
        transport.send_message("count")
        await until(lambda: emitted)
        transport.interrupt()
        transport.send_event({"type": CREATE, "item": {"type": "function_call_output", "call_id": "c7", "output": "7"}})
        await transport.played()
    assert sorted(name for name, _ in emitted) == ["audio", "conversation.item.retrieved", "function_call"]


async def test_the_end_of_the_connection_is_a_step() -> None:
    for code, seen in ((1011, 1011), (None, 1006), (1000, 1000)):
        async with ScriptedTransport(*TURN, close(code, "bye")) as transport:
            emitted = heard(transport, "disconnected", "error")
            transport.send_message("hi")
            await until(lambda: transport.status == "disconnected")
            assert transport.close_code == seen
            assert ("disconnected", None) in emitted
    transport = ScriptedTransport(expect("session.update"), close(4000, "no"))
    await transport.connect()
    with pytest.raises(ConnectionLostError):
        await transport.wait_ready(1)


async def test_a_session_runs_on_it() -> None:
    """All of rtcli does, so all of it can be tested so."""
    transport = ScriptedTransport(*TURN)
    session = RealtimeSession(transport, endpoint=Endpoint(url="ws://script", model="m", label="script"))
    await session.start()
    session.talk.say("hi")
    await session.idle(DEADLINE)
    assert [item.item_id for item in session.state.history] == ["item_resp_1"]
    await session.close()
    transport.assert_complete()


async def test_frames_as_they_stand_and_audio_are_sent_and_expected() -> None:
    script: list[PlayStep] = [
        expect("input_audio_buffer.append", audio="AAAA"),
        emit("no JSON", b'{"type": "odd.event"}'),
    ]
    async with ScriptedTransport(*script) as transport:
        emitted = heard(transport, "*")
        transport.send_audio(b"\0\0\0")
        await transport.played()
        assert emitted[-1] == ("*", {"type": "odd.event"})


async def test_a_recording_is_a_script(tmp_path: Path) -> None:
    """A client that sends what was sent gets what was received; one that does not fails."""
    from rtcli.server import RealtimeServer
    from tests.kit.sessions import session_on

    path = tmp_path / "talk.ndjson"
    async with (
        RealtimeServer(pace=0, voice="tone") as server,
        session_on(f"{server.url}?model=gpt-realtime-2.1") as live,
    ):
        live.session.recorder.start(path)
        await SCENES["text"][0](live)
    config = next(iter(live.events("session.update")))["session"]
    for words in ("hello", "hallo"):
        transport = ScriptedTransport.from_recording(path, manual=True)
        texts = heard(transport, "response.output_text.done")
        await transport.connect()
        transport.send_event({"type": "session.update", "session": config})
        content = [{"type": "input_text", "text": words}]
        item = {"type": CREATE, "item": {"type": "message", "role": "user", "content": content}}
        if words == "hello":
            transport.send_event(item)
        else:
            with pytest.raises(ScriptError, match="hallo"):
                transport.send_event(item)
        transport.send_event({"type": "response.create"})
        await until(partial(bool, texts))
        transport.close()
        await transport.wait_closed()
        with pytest.raises(ScriptError, match="never sent" if words == "hello" else "hallo"):
            transport.assert_complete()
    with pytest.raises(InputError):
        ScriptedTransport.from_recording(tmp_path / "nowhere.ndjson")
