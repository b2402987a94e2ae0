"""Commands that measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.commands.metrics import farewell
from rtcli.views import Notice, SpeechDone, Table
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, answers, fake_server, reply_to
from tests.kit.sessions import live_session, session_on


async def test_nothing_measured_says_so() -> None:
    """Without a turn and without a connection."""
    async with live_session() as live:
        await live.session.lifecycle.disconnect()

        assert await live.run("/stats") == [Notice("nothing has been measured yet")]
        assert await live.run("/usage") == [Notice("no response has finished yet")]


async def test_leaving_says_what_the_session_came_to(tmp_path: Path) -> None:
    """Turns, tokens, the price, and where the recording lies; nothing where nothing was said."""
    file = tmp_path / "a session.ndjson"
    async with live_session() as live:
        assert farewell(live.context) == []
        live.session.recorder.start(file)
        for line in ("hello", "again"):
            await live.run(line)
            await live.idle()
        _, estimate = await live.run("/usage")
        used = live.session.state.metrics.total
    said, recorded = farewell(live.context)

    assert isinstance(said, Notice) and isinstance(recorded, Notice) and isinstance(estimate, Notice)
    assert said.what == f"2 turns, {used.input + used.output:,} tokens, {estimate.what}"
    assert recorded.what == f"recorded in {file}" and recorded.hint == f"rtcli replay '{file}'"
    file.unlink()
    assert len(farewell(live.context)) == 1


async def test_tokens_are_summed_by_modality_and_priced() -> None:
    """Input, of it cached, output; the estimate names the date of its prices."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        table, estimate = await live.run("/usage")
        used = live.session.state.metrics.total

        assert isinstance(table, Table) and isinstance(estimate, Notice)
        assert table.rows[0] == ("text", f"{used.input_text:,}", f"{used.cached_text:,}", f"{used.output_text:,}")
        assert estimate.what.startswith("about $") and "estimate" in estimate.why


async def test_reasoning_and_transcription_are_told_apart() -> None:
    """Reasoning is within the output; transcription is billed by its own model, by tokens or by time."""
    details = {"text_tokens": 5, "audio_tokens": 0, "reasoning_tokens": 3}
    usage = {"input_tokens": 7, "output_tokens": 5, "output_token_details": details}
    heard = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "content_index": 0}

    async def thinks(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        await talk.send({"type": "response.done", "response": {"id": "r", "status": "completed", "usage": usage}})
        await talk.send({**heard, "transcript": "hm", "usage": {"type": "duration", "seconds": 2}})
        await talk.receive_all()

    async with fake_server(thinks) as server, session_on(server.url) as live:
        await live.until(lambda: live.shown(SpeechDone))
        _, reasoning, transcription, estimate = await live.run("/usage")

        assert isinstance(reasoning, Notice) and reasoning.what.startswith("3 of the output tokens")
        assert isinstance(transcription, Notice) and transcription.what.endswith("2 s")
        model = transcription.why.removeprefix("by ")
        live.context.prices = {model: {"minute": 30.0}}
        *_, dearer = await live.run("/usage")
        cost = [float(view.what.removeprefix("about $")) for view in (estimate, dearer) if isinstance(view, Notice)]
        assert cost[1] - cost[0] == pytest.approx(1.0, abs=0.01)  # two seconds at 30 dollars a minute


async def test_prices_of_ones_own_count() -> None:
    """The settings override the table; a model without a price is named."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        live.context.prices = {"gpt-realtime-2.1": {"input_text": 1e6, "output_text": 0.0, "cached_text": 0.0}}
        *_, estimate = await live.run("/usage")
        used = live.session.state.metrics.total

        assert isinstance(estimate, Notice)
        assert estimate.what == f"about ${used.input_text - used.cached_text:.4f}"

    async with fake_server(answers) as server, session_on(server.url, model="mystery") as other:
        await other.run("hello")
        await other.idle()
        *_, unknown = await other.run("/usage")
        assert isinstance(unknown, Notice) and "no price is known for mystery" in unknown.what


async def test_limits_are_those_of_the_server() -> None:
    """None before it named them."""
    async with live_session() as live:
        (none,) = await live.run("/limits")
        await live.run("hello")
        await live.until(lambda: live.records("rate_limits.updated"))
        (table,) = await live.run("/limits")

        assert isinstance(none, Notice) and isinstance(table, Table)
        assert table.rows[0][0] == "tokens"
