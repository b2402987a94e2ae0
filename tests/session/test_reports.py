"""What went wrong is told once, with its reason, its cause and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import (
    ExitCode,
)
from rtcli.protocol.provenance import caused_by
from rtcli.views import Level, Notice, SpeechDone
from tests.kit.events import CREATED, error, text_response
from tests.kit.fake_server import Conversation, answers, fake_server, reply_to
from tests.kit.sessions import live_session, session_on

SOUND = {"output_modalities": ["audio"]}


async def test_a_failed_response_is_one_notice_with_reason_and_hint() -> None:
    """Nothing fails silently, and the exit code says so."""
    details = {
        "type": "failed",
        "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "No."},
    }

    async def fails(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            failed = event["type"] == "response.create"
            await talk.send(*(text_response("resp_1", "", "failed", details) if failed else reply_to(event)))

    async with fake_server(fails) as server, session_on(server.url) as live:
        live.session.talk.respond()
        await live.until(lambda: live.records("response.done"))

        (notice,) = [n for n in live.shown(Notice) if n.level is Level.ERROR]
        assert notice.what == "response resp_1 failed"
        assert "insufficient_quota" in notice.why and "credit" in notice.hint
        assert live.session.exit_code is ExitCode.RESPONSE_FAILED


@pytest.mark.parametrize(("streamed", "told"), [((), True), (("response.output_text.delta",), False)])
async def test_a_response_that_holds_nothing_is_told(streamed: tuple[str, ...], told: bool) -> None:
    """A user would wait for it; not of a server that streams an answer and lists no output at its end."""
    place = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": "hello"}
    begun = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
    ended = {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": []}}

    async def answers_nothing(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.confirm_until("response.create")
        await talk.send(begun, *({"type": name, **place} for name in streamed), {"type": "rate_limits.updated"}, ended)
        await talk.receive_all()

    async with fake_server(answers_nothing) as server, session_on(server.url) as live:
        live.session.talk.respond()
        await live.until(lambda: live.records("response.done"))

        assert ("response resp_1 has no output" in [n.what for n in live.shown(Notice)]) is told
        assert live.session.exit_code is ExitCode.OK


async def test_an_error_names_the_event_and_the_command_that_caused_it() -> None:
    """The guilty frame by number and type, the command that sent it, and what to do."""
    async with live_session() as live:
        with caused_by("/send"):
            (record,) = live.session.talk.send('{"type": "response.cancel", "event_id": "mine"}')
        await live.until(lambda: live.records("error"))

        (notice,) = [n for n in live.notices if "response_cancel_not_active" in n]
        assert f"#{record.number} response.cancel, from /send" in notice and "harmless" in notice
        assert live.session.exit_code is ExitCode.SERVER_ERROR


async def test_an_error_that_comes_again_and_again_is_told_once_and_counted() -> None:
    """One about nothing that was sent; the count follows with the answer."""

    async def complains(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.confirm_until("response.create")
        await talk.send(*[error("busy", "hold the line")] * 4, *text_response("r", "hello"))
        await talk.receive_all()

    async with fake_server(complains) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.until(lambda: live.records("response.done"))

        assert [n.what for n in live.shown(Notice) if "busy" in n.what] == ["busy", "busy, 3 more times"]
        assert live.session.exit_code is ExitCode.SERVER_ERROR


async def test_a_frame_that_is_no_event_is_shown_and_survived() -> None:
    """A server that sends nonsense does not end a session."""

    async def stammers(talk: Conversation) -> None:
        await talk.send(CREATED, "{nonsense")
        await answers(talk)

    async with fake_server(stammers) as server, session_on(server.url) as live:
        live.session.talk.say("still there?")
        await live.until(lambda: live.shown(SpeechDone))

        assert any("is not a valid event" in notice for notice in live.notices)


@pytest.mark.parametrize(
    ("event", "what", "hint"),
    [
        (
            {
                "type": "conversation.item.input_audio_transcription.failed",
                "item_id": "item_1",
                "error": {"type": "server_error", "code": "DeploymentNotFound", "message": "No such deployment."},
            },
            "your speech was not transcribed (item_1)",
            "transcription.model",
        ),
        ({"type": "mcp_list_tools.failed", "item_id": "item_2"}, "could not be listed (item_2)", "authorization"),
        ({"type": "response.done", "response": {"id": "r", "status": "incomplete"}}, "r incomplete", ""),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_what_went_wrong_beside_errors_is_told_too(event: dict[str, Any], what: str, hint: str) -> None:
    """Nothing that the server reports as failed passes in silence."""

    async def fails(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()), event)
        await talk.receive_all()

    async with fake_server(fails) as server, session_on(server.url) as live:
        (notice,) = await live.until(lambda: [n for n in live.shown(Notice) if what in n.what])

        assert hint in notice.hint
        assert notice.level is not Level.INFO
