"""What a command ended is brought back, and what was not confirmed is not said to be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.errors import ConnectionLostError, UsageError
from rtcli.server import RealtimeServer
from rtcli.views import Level, Notice, View
from tests.kit.events import CREATED, error
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.sessions import Live, ManualSpeaker, live_session, session_on


def texts(live: Live) -> list[str]:
    """What the conversation says, item by item."""
    return [
        "".join(str(part.get("text") or part.get("transcript") or "") for part in item.content)
        for item in live.session.state.history
        if hasattr(item, "content")
    ]


def said(views: list[View]) -> str:
    return " | ".join(f"{view.level}: {view.what}" for view in views if isinstance(view, Notice))


@pytest.mark.parametrize("lines", [["/new"], ["/reset"], ["/model gpt-realtime-mini"], ["/reset", "/new"]])
async def test_what_ended_a_conversation_is_undone(live: Live, lines: list[str]) -> None:
    """The conversation is there again, in its order, with its model; and an undo can be undone."""
    before, model = texts(live), live.session.status.model
    for line in lines:
        await live.run(line)
    ended = texts(live), live.session.status.model
    for _ in lines:
        await live.run("/undo")

    assert (texts(live), live.session.status.model) == (before, model)
    for _ in lines:
        await live.run("/redo")
    assert (texts(live), live.session.status.model) == ended
    with pytest.raises(UsageError, match="nothing to redo"):
        await live.run("/redo")


async def test_a_deleted_item_comes_back_in_its_place(live: Live) -> None:
    """Not at the end, where it would answer another question."""
    before = texts(live)
    await live.run(f"/delete {next(iter(live.session.state.history)).item_id}")
    assert texts(live) == before[1:]

    assert "ok: /delete undone" in said(await live.run("/undo"))
    assert texts(live) == before


async def test_of_a_cut_answer_the_words_that_were_heard_come_back() -> None:
    """The model must not believe that it was heard to the end."""
    async with live_session(speaker=ManualSpeaker(), config={"output_modalities": ["audio"]}) as live:
        await live.run("count to 30")
        await live.until(lambda: live.records("response.done"))
        assert isinstance(live.session.audio.speaker, ManualSpeaker)
        live.session.audio.speaker.hear(3000)
        await live.run("/interrupt")
        await live.until(lambda: live.records("conversation.item.retrieved"))
        await live.run("/new")
        await live.run("/undo")

        assert texts(live)[1].startswith("1, 2") and not texts(live)[1].endswith("30.")


async def test_what_failed_leaves_nothing_to_undo(live: Live) -> None:
    """The last undo is still that of what really happened."""
    await live.run("/reset")
    with pytest.raises(UsageError):
        await live.run("/reset nothing_here")
    await live.run("/undo")

    assert len(texts(live)) == 2
    with pytest.raises(UsageError, match="nothing to undo"):
        await live.run("/undo")


async def test_a_typing_error_in_a_model_costs_one_undo() -> None:
    """The connection has ended by then: the old model is connected to again, with the conversation."""
    async with (
        RealtimeServer(pace=0, voice="tone") as server,
        session_on(f"{server.url}?model=gpt-realtime-2.1") as live,
    ):
        await live.run("hello")
        await live.idle()
        before, model = texts(live), live.session.status.model
        with pytest.raises(ConnectionLostError) as caught:
            await live.run("/model nosuch")
        assert any(f"/undo connects to {model} again" in notice for notice in live.notices), caught.value
        await live.run("/undo")

        assert live.session.status.model == model and texts(live) == before


async def test_success_is_said_when_the_server_has_confirmed_it(tmp_path: Path) -> None:
    """Items that it refuses are counted; nothing is claimed for them."""

    async def refuses_items(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            created = event["type"] == "conversation.item.create"
            refusal = error("invalid_value", "no such role", event_id=event.get("event_id"))
            await talk.send(*([refusal] if created and event["item"]["role"] == "user" else reply_to(event)))

    items = '[{"item_id": "a", "role": "user", "content": [{"type": "input_text", "text": "x"}]}]'
    (file := tmp_path / "c.json").write_text(items)
    async with fake_server(refuses_items) as server, session_on(server.url) as live:
        views = await live.run(f"/reset {file}")

        assert "warning: the conversation has 0 items" in said(views)
        assert "1 item that the server did not take" in said(views)
        assert not [view for view in views if isinstance(view, Notice) and view.level is Level.OK]
