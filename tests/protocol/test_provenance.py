"""Where an event came from, on real conversations with the local server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtcli.dsp.wav import write_wav
from rtcli.protocol.record import Direction
from rtcli.protocol.responses import ALREADY_ACTIVE
from rtcli.session.tools.tool import Tool
from tests.kit.events import CREATED, error, text_response
from tests.kit.fake_server import Conversation, Step, fake_server, reply_to, steps
from tests.kit.sessions import Live, ManualSpeaker, live_session, session_on

WEATHER = Tool(
    {
        "type": "function",
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    lambda city: f"sunny in {city}",
)


def chain(live: Live, event_type: str) -> list[str]:
    """The types that led to the last event of a type, and the cause of the first of them."""
    record = live.records(event_type)[-1]
    links = live.session.state.log.why(record.number)
    return [*(str(link.event["type"]) for link in links if link.event), *([links[-1].cause] if links else [])]


async def test_an_answer_leads_back_to_the_command_that_asked_for_it() -> None:
    """response.done -> response.created -> response.create -> /respond."""
    async with live_session() as live:
        await live.run("/respond")
        await live.idle()

        assert chain(live, "response.done") == ["response.created", "response.create", "/respond"]
        assert chain(live, "response.output_text.delta") == ["response.created", "response.create", "/respond"]
        assert chain(live, "rate_limits.updated")[0] == "response.done"


async def test_an_item_leads_back_to_the_line_that_was_typed() -> None:
    """conversation.item.added -> conversation.item.create -> typed text."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        added = live.records("conversation.item.added")[0]

        (link,) = live.session.state.log.why(added.number)
        assert (link.event or {})["type"] == "conversation.item.create"
        assert link.cause == "typed text"


async def test_a_queued_answer_keeps_the_cause_of_its_request() -> None:
    """It is sent when another response is done, but it was asked for by the user."""
    async with live_session(server={"pace": 0.2}) as live:
        live.session.talk.barge_in = False
        await live.run("count to 5")
        await live.run("/respond")
        await live.until(lambda: len(live.records("response.done")) == 2)

        assert [record.cause for record in live.records("response.create")] == ["typed text", "/respond"]


async def test_a_refused_create_leads_to_its_own_command_and_so_does_the_next_one() -> None:
    """The server began a response of its own first: the create that lost the race is refused, and sent again later."""
    theirs, *rest = text_response("theirs", "mine first")
    creates: list[dict[str, Any]] = []

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        while len(creates) < 3:
            event = await talk.receive()
            if event["type"] != "response.create":
                await talk.send(*reply_to(event))
                continue
            creates.append(event)
            if len(creates) > 1:
                await talk.send(*text_response(f"r{len(creates)}", "yes"))
                continue
            await talk.send(theirs, error(ALREADY_ACTIVE, "busy", event["event_id"]))
            while (event := await talk.receive())["type"] != "conversation.item.create":
                pass  # the second request is queued in the session meanwhile
            await talk.send(*reply_to(event), *rest)
        await talk.receive_all()

    async with fake_server(script) as server, session_on(server.url) as live:
        await live.run("/respond")
        await live.until(lambda: live.records("error"))
        await live.run('/send {"type": "response.create", "response": {"instructions": "be brief"}}')
        await live.run("/system go on")
        await live.until(lambda: len(live.records("response.done")) == 3)

        assert chain(live, "error") == ["response.create", "/respond"]
        assert [record.cause for record in live.records("response.create")] == ["/respond", "/respond", "/send"]


async def test_a_refusal_leads_back_to_the_guilty_event_and_its_command() -> None:
    """error -> conversation.item.delete -> /send."""
    async with live_session() as live:
        await live.run('/send {"type": "conversation.item.delete", "item_id": "nothing", "event_id": "e1"}')
        await live.until(lambda: live.records("error"))

        assert chain(live, "error") == ["conversation.item.delete", "/send"]


SLIPS = [
    '{"type": "response.cancel"}',
    '{"type": "conversation.item.retrieve", "item_id": "nope"}',
    '{"type": "conversation.item.delete", "item_id": "nope"}',
    '{"type": "conversation.item.truncate", "item_id": "nope", "content_index": 0, "audio_end_ms": 1}',
    '{"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "no", "output": ""}}',
    '{"type": "conversation.item.create", "item": {"type": "message"}}',
    '{"type": "input_audio_buffer.commit"}',
    '{"type": "input_audio_buffer.append", "audio": "!"}',
    '{"type": "session.update", "session": {"type": "realtime", "voice": "x"}}',
    '{"type": "no.such.event"}',
]


@pytest.mark.parametrize("line", SLIPS)
async def test_a_refusal_without_event_id_is_traced_by_what_it_says(line: str) -> None:
    """After a whole turn, and with another event sent right before, the one that was refused is named."""
    async with live_session() as live:
        await live.run("hello")
        await live.idle()
        await live.run('/send {"type": "input_audio_buffer.clear"}')
        await live.run(f"/send {line}")
        await live.until(lambda: live.records("error"))

        (link,) = live.session.state.log.why(live.records("error")[0].number)
        assert (link.event or {})["type"] == json.loads(line)["type"]
        assert link.cause == "/send"


async def test_a_refusal_that_says_nothing_of_its_event_is_put_down_to_none() -> None:
    """A wrong cause would send the user looking in the wrong place."""
    sorry = {"type": "error", "error": {"type": "server_error", "code": None, "message": "Sorry."}}
    async with (
        fake_server(steps(Step("conversation.item.retrieve", [sorry]))) as server,
        session_on(server.url) as live,
    ):
        await live.run('/send {"type": "conversation.item.retrieve", "item_id": "x"}')
        await live.until(lambda: live.records("error"))

        assert live.session.state.log.why(live.records("error")[0].number) == []
        assert any(notice.startswith("server_error | Sorry.") for notice in live.notices)


async def test_every_message_and_every_turn_of_ours_can_be_named_by_an_error() -> None:
    """What the session makes carries an event_id; what a user wrote stays as it was written."""
    async with live_session() as live:
        await live.run("hello")
        await live.run("/system be brief")
        await live.run("/discard")
        await live.run('{"type": "input_audio_buffer.clear"}')
        await live.idle()

        named = [
            "event_id" in r.event for r in live.session.state.log.records if r.event and r.direction is Direction.SENT
        ]
        assert named[1:] == [True, True, True, True, False]  # the first is the transport's own session.update


async def test_what_the_transport_sends_by_itself_is_blamed_on_what_it_answers() -> None:
    """The retrieve after a truncation names the frame that it reacts to, and that the truncation."""
    async with live_session(speaker=ManualSpeaker(), config={"output_modalities": ["audio"]}) as live:
        await live.run("count to 30")
        await live.until(lambda: live.records("response.output_audio.done"))
        await live.run("/interrupt")
        await live.until(lambda: live.records("conversation.item.retrieved"))

        assert chain(live, "conversation.item.retrieved") == [
            "conversation.item.retrieve",
            "conversation.item.truncated",
            "conversation.item.truncate",
            "/interrupt",
        ]


async def test_a_spoken_turn_leads_back_to_its_sound(tmp_path: Path) -> None:
    """response.created -> committed -> speech_stopped or commit, by the server's own order."""
    write_wav(tmp_path / "a.wav", bytes(48_000))
    async with live_session() as live:
        await live.run("/ptt on")
        await live.run(f"/play {tmp_path / 'a.wav'} --commit")
        await live.idle()

        assert chain(live, "input_audio_buffer.committed") == ["input_audio_buffer.commit", "/play"]
        assert chain(live, "response.created") == ["response.create", "/play"]


async def test_a_tools_output_leads_back_to_its_call() -> None:
    """And the answer after it to the line that was typed: a tool runs because of its call."""
    async with live_session(tools=[WEATHER]) as live:
        await live.run("What is the weather in Paris?")
        await live.until(lambda: len(live.records("response.done")) == 2)
        output = next(r for r in live.records("conversation.item.create") if (r.event or {})["item"].get("output"))

        first = live.session.state.log.why(output.number)[0]
        assert (first.event or {})["type"] == "response.output_item.done"
        answer = chain(live, "response.done")
        assert answer[:2] == ["response.created", "response.create"]
        assert answer[-2:] == ["response.create", "typed text"] and answer.count("response.created") == 2
