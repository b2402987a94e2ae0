"""Settings are confirmed or refused, and what was refused spoils nothing later."""

from __future__ import annotations

import pytest

from rtcli.errors import (
    ExitCode,
    ServerError,
)
from rtcli.views import Level, Notice
from tests.kit.sessions import live_session

SOUND = {"output_modalities": ["audio"]}


async def test_settings_are_confirmed_or_refused_in_the_servers_words() -> None:
    """set waits for session.updated; an error that names our event is raised."""
    async with live_session() as live:
        assert await live.session.settings.set("instructions", "be brief") == []
        assert live.session.transport.session and live.session.transport.session["instructions"] == "be brief"
        with pytest.raises(ServerError):
            await live.session.settings.set("audio.output.speed", 99)


async def test_a_refusal_that_a_command_raises_is_not_told_as_well() -> None:
    """One refusal, one line; a refusal that nobody waits for is still told."""
    async with live_session() as live:
        with pytest.raises(ServerError) as caught:
            await live.session.settings.set("audio.input.turn_detection.threshold", 0.7)
        assert "threshold belongs to server_vad" in caught.value.hint
        assert not [n for n in live.shown(Notice) if n.level is Level.ERROR]

        live.session.talk.send('{"type": "response.cancel"}')
        await live.until(lambda: [n for n in live.notices if "response_cancel_not_active" in n])
        assert live.session.exit_code is ExitCode.SERVER_ERROR


async def test_what_was_refused_does_not_spoil_the_next_connection() -> None:
    """The API refuses an update as a whole: one wrong value would take all settings with it."""
    async with live_session() as live:
        await live.session.settings.set("instructions", "be brief")
        await live.session.settings.set("audio.output.voice", "cedar")
        for path, wrong in (
            ("audio.input.turn_detection.threshold", 0.7),
            ("audio.output.voice", "nobody"),
            ("colour", "red"),
        ):
            with pytest.raises(ServerError):
                await live.session.settings.set(path, wrong)
        await live.session.lifecycle.reconnect()

        session = live.session.transport.session or {}
        assert (session["instructions"], session["audio"]["output"]["voice"]) == ("be brief", "cedar")
        assert not [n for n in live.shown(Notice) if n.level is Level.ERROR]


async def test_a_value_that_was_refused_once_can_be_set_later() -> None:
    """The threshold that semantic detection refused belongs to the server's detection, also after a reconnection."""
    async with live_session() as live:
        with pytest.raises(ServerError):
            await live.session.settings.set("audio.input.turn_detection.threshold", 0.7)
        await live.run("/vad server threshold=0.7")
        await live.session.lifecycle.reconnect()

        audio = (live.session.transport.session or {})["audio"]
        assert audio["input"]["turn_detection"]["threshold"] == 0.7
