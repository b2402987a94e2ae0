"""`rtcli chat` at addresses that are no conversation, on calls that it only watches, and with an ephemeral key."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from rtcli.dsp.wav import write_wav
from rtcli.server import RealtimeServer
from tests.kit.events import CREATED, error
from tests.kit.fake_server import fake_server, greeting, refuses
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.sessions import session_on
from tests.kit.waiting import DEADLINE
from tests.server.playbook import silence, voice
from tests.server.test_engines import with_engines


@pytest.fixture
def speech(tmp_path: Path) -> str:
    """A file in which somebody speaks."""
    write_wav(file := tmp_path / "speech.wav", silence(0.3) + voice(0.6) + silence(0.3))
    return str(file)


async def test_a_dictation_writes_what_was_said_to_stdout(speech: str) -> None:
    """It is the product here; the rest goes to stderr."""
    async with RealtimeServer(engines=with_engines("Count to 3."), pace=0) as server:
        ended = await rtcli("chat", "--url", f"{server.url}?intent=transcription", "--audio-in", speech)

    assert (ended.out, ended.code) == ("Count to 3.\n", 0), ended.err
    assert "transcription" in ended.err.splitlines()[0]


async def test_a_translation_writes_the_other_language_to_stdout(speech: str) -> None:
    """And what it heard to stderr; its end is asked for, so that nothing is cut off."""
    async with RealtimeServer(engines=with_engines("Count to 3."), pace=0) as server:
        ended = await rtcli("chat", "--url", f"{server.url}/translations", "--language", "de", "--audio-in", speech)

    assert (ended.out, ended.code) == ("[de] Count to 3.\n", 0), ended.err
    assert "user: Count to 3." in ended.err


async def test_an_ephemeral_key_is_minted_with_the_real_one() -> None:
    """The real one goes into that request alone; the secret is never shown."""
    async with RealtimeServer(voice="tone", pace=0, key="sk-real-0123456789") as server:
        environ = {"MY_KEY": "sk-real-0123456789"}
        keyed = ("--url", server.url, "--api-key-env", "MY_KEY", "--secret", "--text")
        ended = await rtcli("chat", *keyed, text="hello\n", environ=environ)
        refused = await rtcli("chat", *keyed, text="hello\n", environ={"MY_KEY": "sk-wrong-0123456789"})

    assert ended.code == 0 and ended.out.strip(), ended.err
    assert "ephemeral key: POST /v1/realtime/client_secrets: 200" in ended.err
    assert "ek_" not in ended.err + ended.out
    one_clear_line(refused, 3, "client_secrets", "401")


async def test_an_answer_without_a_key_is_told() -> None:
    """Some servers have no such endpoint."""
    async with fake_server(greeting(CREATED)) as server:
        ended = await rtcli("chat", "--url", server.url, "--secret", text="hello\n")

    one_clear_line(ended, 3, "client_secrets")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "ws://127.0.0.1:1/v1/live/sessions", "--secret"], "GPT-Live"),
        (["--url", "ws://127.0.0.1:1", "--call-id", "rtc_1", "--secret"], "a call"),
        (["--url", "ws://127.0.0.1:1/v1/live/sessions", "--language", "de"], "--language"),
        (["--local", "--watch"], "--watch needs a call"),
        (["--url", "ws://127.0.0.1:1/v1/live/sessions", "--watch"], "--watch needs a call"),
        (["--url", "ws://127.0.0.1:1", "--call-id", "rtc_1", "--watch", "--mic"], "--mic"),
    ],
)
async def test_what_does_not_go_together_is_told_before_anything_is_dialed(arguments: list[str], said: str) -> None:
    """One line, and the code of a usage error."""
    one_clear_line(await rtcli("chat", *arguments, text="hello\n"), 2, said)


async def test_a_watched_call_is_shown_and_cannot_be_changed() -> None:
    """Lines of input are refused; it ends with the call, whatever the input does."""
    async with RealtimeServer(voice="tone", pace=0) as server:
        async with session_on(f"{server.url}?model=gpt-realtime-2.1") as live:
            (call_id,) = server.calls
            before = dict(live.session.settings.confirmed)
            watching = await start("chat", "--url", server.url, "--call-id", call_id, "--watch")
            assert watching.stdin is not None and watching.stderr is not None
            watching.stdin.write(b"hello\n/set audio.output.speed=1.2\n")
            watching.stdin.close()
            told = b""
            async with asyncio.timeout(DEADLINE):
                while told.count(b"watching: nothing is sent (") < 2:
                    told += await watching.stderr.readline()
            live.session.talk.say("hello")
            await live.idle()
            assert dict(live.session.settings.confirmed) == before
            assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]
        with contextlib.suppress(ProcessLookupError):
            out, _ = await asyncio.wait_for(watching.communicate(), DEADLINE)

    assert b"I am the test server" in out


async def test_an_empty_account_is_told_as_such() -> None:
    """The error, the close code that follows it, and what helps; it is dialed once."""
    quota = error("insufficient_quota", "You exceeded your current quota")
    async with fake_server(refuses(quota, 1013, "insufficient_quota")) as server:
        ended = await rtcli("chat", "--url", server.url, text="hello\n")
        assert len(server.requests) == 1

    assert ended.code == 3 and "quota" in ended.err and "1013" in ended.err
