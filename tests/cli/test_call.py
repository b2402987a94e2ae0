"""`rtcli call`, and the telephone of `rtcli serve --ring`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rtcli.dsp.wav import write_wav
from rtcli.server import RealtimeServer
from rtcli.server.calls.life import CallStage
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE
from tests.kit.webhooks import application
from tests.server.playbook import voice


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(pace=0, voice="tone") as running:
        yield running


async def test_a_call_is_accepted_with_a_session(server: RealtimeServer, tmp_path: Path) -> None:
    """The settings of the command line over those of a file; what comes next is said on stderr."""
    config = tmp_path / "session.json"
    config.write_text(json.dumps({"type": "realtime", "audio": {"output": {"voice": "cedar"}}}))
    phone = await server.ring()
    ended = await rtcli(
        "call", "accept", phone.call_id, "--url", server.url, "--instructions", "Be brief.", "--session", str(config)
    )
    (session,) = server.sessions
    state = session.core.state.config  # type: ignore[union-attr]

    assert (ended.code, ended.out) == (0, ""), ended.err
    assert f"rtcli chat --call-id {phone.call_id} --url {server.url}" in ended.err
    assert phone.stage is CallStage.ACCEPTED
    assert (state["instructions"], state["audio"]["output"]["voice"]) == ("Be brief.", "cedar")
    await phone.hang_up()


async def test_a_call_is_rejected_referred_and_ended(server: RealtimeServer) -> None:
    """Each by its own command."""
    rejected, referred, hung = [await server.ring() for _ in range(3)]
    where = ("--url", server.url)
    codes = [(await rtcli("call", "reject", rejected.call_id, "--status", "486", *where)).code]
    for phone in (referred, hung):
        codes.append((await rtcli("call", "accept", phone.call_id, *where)).code)
    codes.append((await rtcli("call", "refer", referred.call_id, "tel:+14155550123", *where)).code)
    codes.append((await rtcli("call", "hangup", hung.call_id, *where)).code)

    assert codes == [0] * 5
    assert (rejected.stage, rejected.call.status_code) == (CallStage.REJECTED, 486)
    assert (referred.stage, referred.call.target) == (CallStage.REFERRED, "tel:+14155550123")
    assert hung.stage is CallStage.HUNG_UP


async def test_what_the_server_refuses_is_one_line(server: RealtimeServer) -> None:
    """Exit code 3, the server's reason, and where an id comes from."""
    phone = await server.ring()
    where = ("--url", server.url)

    one_clear_line(await rtcli("call", "hangup", phone.call_id, *where), 3, "end the call", "is ringing")
    one_clear_line(await rtcli("call", "accept", "rtc_nobody", *where), 3, "rtc_nobody", "404", "webhook")
    one_clear_line(await rtcli("call", "hangup", "../x", *where), 3, "404")
    one_clear_line(await rtcli("call", "hangup", "rtc_1", "--url", "ws://127.0.0.1:1"), 3, "127.0.0.1:1")
    await phone.hang_up()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("reject", "rtc_1", "--status", "200", "--url", "ws://127.0.0.1:1"), "--status 200"),
        (("refer", "rtc_1", "bob", "--url", "ws://127.0.0.1:1"), "'bob'"),
        (("hangup", "rtc_1"), "--url"),
        (("hangup", "rtc_1", "--url", "ws://127.0.0.1:1/v1/realtime/translations"), "translation"),
        (("accept", "rtc_1", "--url", "ws://127.0.0.1:1", "--session", "missing.json"), "missing.json"),
        (("accept",), "ID"),
    ],
)
async def test_what_cannot_be_asked_for_is_said_before_anything_is_sent(words: tuple[str, ...], says: str) -> None:
    """Exit code 2."""
    one_clear_line(await rtcli("call", *words), 2, says)


async def test_a_session_with_settings_that_a_telephone_refuses(server: RealtimeServer, tmp_path: Path) -> None:
    """The API would refuse them: the line names the field."""
    config = tmp_path / "session.json"
    detection = {"type": "server_vad", "silence_duration_ms": 300}
    config.write_text(json.dumps({"audio": {"input": {"turn_detection": detection}}}))
    ended = await rtcli("call", "accept", "rtc_1", "--url", server.url, "--session", str(config))

    one_clear_line(ended, 2, "silence_duration_ms")


# -- serve --ring --------------------------------------------------------------------------------


async def test_serve_has_a_telephone_call(tmp_path: Path) -> None:
    """The webhook is signed; accepted by a command, the caller speaks, hears the answer, and ends the call."""
    write_wav(tmp_path / "hello.wav", voice(1.0))
    async with application() as app:
        process = await start(
            *("serve", "--port", "0", "--voice", "tone", "--pace", "8", "--ring", str(tmp_path / "hello.wav")),
            *("--webhook", app.url),
            environ={"RTCLI_WEBHOOK_SECRET": "a secret of the webhook"},
        )
        assert process.stdout is not None
        assert process.stderr is not None
        url = (await asyncio.wait_for(process.stdout.readline(), DEADLINE)).decode().strip()
        rings = await _line(process.stderr, lambda line: "rings" in line)
        call_id = json.loads(app.received[0].body)["data"]["call_id"]
        accepted = await rtcli("call", "accept", call_id, "--url", url)
        end = await _line(process.stderr, lambda line: "the caller heard" in line)
        process.terminate()
        await asyncio.wait_for(process.communicate(), DEADLINE)

    assert accepted.code == 0, accepted.err
    assert f"rtcli call accept {call_id} --url http://127.0.0.1:" in rings
    assert app.received[0].headers["webhook-signature"].startswith("v1,")
    assert "ended by the caller" in end
    assert "heard 0.0 s" not in end


async def test_a_call_that_nobody_could_be_told_of_is_said(tmp_path: Path) -> None:
    """The server goes on."""
    write_wav(tmp_path / "hello.wav", voice(0.2))
    process = await start(
        *("serve", "--port", "0", "--voice", "tone", "--ring", str(tmp_path / "hello.wav")),
        *("--webhook", "http://127.0.0.1:1/webhook"),
    )
    assert process.stderr is not None
    said = await _line(process.stderr, lambda line: "call" in line)
    process.terminate()
    await asyncio.wait_for(process.communicate(), DEADLINE)

    assert "not announced" in said
    assert "127.0.0.1:1" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--ring", "missing.wav"), "missing.wav"),
        (("--ring", "missing.wav", "--from", "talk.ndjson"), "--ring and --from"),
        (("--webhook", "http://example.com/hook"), "example.com"),
        (("--webhook", "hook"), "hook"),
    ],
)
async def test_a_call_that_cannot_be_made_is_refused_at_once(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """Exit code 2, before anything is served."""
    (tmp_path / "talk.ndjson").write_text('{"type": "session.created"}\n')
    given = [str(tmp_path / word) if word == "talk.ndjson" else word for word in words]

    one_clear_line(await rtcli("serve", "--port", "0", *given), 2, says)


async def _line(stream: asyncio.StreamReader, fits: Callable[[str], bool]) -> str:
    async with asyncio.timeout(DEADLINE):
        while line := (await stream.readline()).decode():
            if fits(line):
                return line
    raise AssertionError("the program has ended")
