"""A conversation over a real WebSocket: turns, speech and where it is cut, configuration, tools, history."""

from __future__ import annotations

import inspect
import time
from typing import Any

import pytest

from rtcli.errors import OutboxFullError, UnsupportedError, UsageError
from rtcli.protocol.items import FunctionCallItem, McpApprovalRequestItem, MessageItem
from rtcli.protocol.payloads import FunctionCall
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.events import SESSION, audio_delta, error, response_event
from tests.kit.fake_server import fake_server, greets
from tests.kit.linked import Link, linked
from tests.kit.waiting import DEADLINE

SECOND = b"\0" * 48_000  # 24 kHz PCM16
FORMAT = {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 24_000}}}}
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {}}


class Clock:
    """A clock that a test moves."""

    now = 64.0

    def __call__(self) -> float:
        return self.now


def truncations(link: Link) -> list[tuple[str, int, int]]:
    """item_id, content_index and audio_end_ms of each."""
    return [
        (event["item_id"], event["content_index"], event["audio_end_ms"])
        for event in link.sent
        if event["type"] == "conversation.item.truncate"
    ]


# -- response.create in turn ---------------------------------------------------------------------


async def test_parallel_and_out_of_band_responses_do_not_confuse_the_sequencer() -> None:
    """A response beside the conversation comes and goes: the queue waits for the conversation's own."""
    async with linked() as link:
        link.t.request_response()
        await link.say(response_event("created", "main"), response_event("created", "aside", conversation_id=None))
        link.t.request_response({"instructions": "next"})
        await link.say(response_event("done", "aside", conversation_id=None))
        assert link.sent_types == ["response.create"]

        await link.say(response_event("done", "main"))
        assert link.sent_types == ["response.create"] * 2
        assert link.sent[1]["response"] == {"instructions": "next"}


@pytest.mark.parametrize("linked_by_id", [True, False])
async def test_a_refused_create_never_blocks_the_queue(linked_by_id: bool) -> None:
    """By its event_id, or by what the refusal says."""
    async with linked() as link:
        link.t.request_response({"n": 1})
        link.t.request_response({"n": 2})
        await link.settle()
        event_id = link.sent[0]["event_id"] if linked_by_id else None
        await link.say(error("unknown_parameter", "no such field: n", event_id, param="response.n"))

        assert [event["response"] for event in link.sent] == [{"n": 1}, {"n": 2}]


async def test_a_refused_cancel_never_blocks_the_queue() -> None:
    """Whatever was missed: the server says that nothing runs."""
    async with linked() as link:
        link.t.request_response()
        await link.say(response_event("created"))
        link.t.send_event({"type": "response.cancel"})
        link.t.request_response()
        await link.settle()
        assert link.sent_types == ["response.create", "response.cancel"]

        await link.say(error("response_cancel_not_active", "Cancellation failed"))
        assert link.sent_types == ["response.create", "response.cancel", "response.create"]
        assert link.t.responding


async def test_responding_says_whether_an_answer_is_on_its_way() -> None:
    """From the request to the end."""
    async with linked() as link:
        seen = [link.t.responding]
        link.t.request_response()
        seen.append(link.t.responding)
        for stage in ("created", "done"):
            await link.say(response_event(stage))
            seen.append(link.t.responding)

        assert seen == [False, True, True, False]


async def test_a_create_that_finds_no_room_does_not_block_the_queue() -> None:
    """It raises; the next one goes out when there is room again."""
    async with linked(max_outbox_bytes=100_000) as link:
        link.t.send_event({"type": "test.event", "data": "x" * 99_900})
        with pytest.raises(OutboxFullError):
            link.t.request_response({"instructions": "y" * 200})
        await link.t.flush()
        link.t.request_response({"instructions": "z"})
        await link.settle()

        assert [event["response"]["instructions"] for event in link.sent if "response" in event] == ["z"]


# -- speech, and where it is cut -----------------------------------------------------------------


async def test_audio_comes_as_bytes_with_its_place() -> None:
    """Decoded, with item and content part; current_item_id says whose it is."""
    async with linked() as link:
        before = link.t.current_item_id
        await link.say(audio_delta(b"\1\2\3\4"))

        (audio,) = link.payloads("audio")
        assert (audio.data, audio.item_id, audio.content_index, audio.response_id) == (
            b"\1\2\3\4",
            "item_a",
            0,
            "resp_1",
        )
        assert not audio.interrupted
        assert (before, link.t.current_item_id) == (None, "item_a")
        assert link.t.playback.current == ("item_a", 0, 0)


async def test_an_interruption_cancels_tells_and_truncates_where_it_was_heard() -> None:
    """In this order; the position is an integer in milliseconds."""
    clock = Clock()
    async with linked(clock=clock) as link:
        link.t.request_response()
        await link.say(response_event("created"), audio_delta(SECOND))
        link.forget()
        clock.now += 0.25
        link.t.interrupt()
        await link.settle()

        assert link.sent_types == ["response.cancel", "conversation.item.truncate"]
        assert truncations(link) == [("item_a", 0, 250)]
        assert [name for name, _ in link.emitted] == ["audio_interrupted"]
        assert link.t.current_item_id is None
        assert [cut.audio_end_ms for cut in link.t.last_interruption] == [250]


async def test_speech_beside_the_conversation_is_cancelled_by_its_id() -> None:
    """A cancel without an id would stop the conversation's own response."""
    async with linked() as link:
        await link.say(
            response_event("created", "aside", conversation_id=None), audio_delta(SECOND, response_id="aside")
        )
        link.t.interrupt()
        await link.settle()

        assert link.sent == [{"type": "response.cancel", "response_id": "aside"}]


async def test_speech_beside_the_conversation_has_no_item_to_truncate() -> None:
    """The server keeps no item of it: also after its response is done it is stopped here, and nothing is sent."""
    async with linked() as link:
        await link.say(
            response_event("created", "aside", conversation_id=None), audio_delta(SECOND, response_id="aside")
        )
        await link.say(response_event("done", "aside", conversation_id=None))
        link.t.interrupt()
        await link.settle()

        assert link.sent == []
        assert len(link.payloads("audio_interrupted")) == 1


async def test_the_default_clock_is_monotonic() -> None:
    """The wall clock may be set back, and would then cut nothing or everything."""
    assert inspect.signature(OpenAIRealtimeWebSocket).parameters["clock"].default is time.monotonic


async def test_the_clock_may_even_go_back() -> None:
    """Then the speech is cut at its beginning, and interrupted all the same."""
    clock = Clock()
    async with linked(clock=clock) as link:
        await link.say(audio_delta(SECOND))
        clock.now -= 1000
        link.t.interrupt()
        await link.settle()

        assert truncations(link) == [("item_a", 0, 0)]
        assert len(link.payloads("audio_interrupted")) == 1


async def test_late_deltas_of_an_interrupted_item_are_neither_played_nor_measured() -> None:
    """They say that they are late, and no second truncation cuts too early."""
    clock = Clock()
    async with linked(clock=clock) as link:
        await link.say(audio_delta(SECOND))
        clock.now += 0.5
        link.t.interrupt()
        await link.say(audio_delta(SECOND))
        clock.now += 0.1
        link.t.interrupt()
        await link.settle()

        assert [audio.interrupted for audio in link.payloads("audio")] == [False, True]
        assert truncations(link) == [("item_a", 0, 500)]


async def test_a_done_of_another_item_does_not_cancel_the_truncation() -> None:
    """The first item's audio.done may come after the second's first deltas."""
    clock = Clock()
    done = {"type": "response.output_audio.done", "item_id": "item_a", "content_index": 0, "response_id": "resp_1"}
    async with linked(clock=clock) as link:
        await link.say(audio_delta(SECOND), audio_delta(SECOND, "item_b"), done)
        clock.now += 5
        link.t.interrupt()
        await link.settle()

        assert truncations(link) == [("item_b", 0, 1000)]


async def test_audio_lengths_are_integer_arithmetic() -> None:
    """48,048 bytes are 1001 ms."""
    clock = Clock()
    async with linked(clock=clock) as link:
        await link.say(audio_delta(b"\0" * 48_048))
        clock.now += 60
        link.t.interrupt()
        await link.settle()

        assert truncations(link) == [("item_a", 0, 1001)]


async def test_several_parts_are_cut_where_they_were_heard() -> None:
    """With a player attached, each part is cut at what left the device; what was heard to the end is left alone."""
    heard = {("item_a", 0): 1000, ("item_a", 1): 400, ("item_b", 0): 0}
    done = {"type": "response.output_audio.done", "item_id": "item_a", "content_index": 0, "response_id": "resp_1"}
    async with linked() as link:
        link.t.attach_playback(lambda item_id, content_index: heard.get((item_id, content_index)))
        await link.say(audio_delta(SECOND), done, audio_delta(SECOND, content_index=1), audio_delta(SECOND, "item_b"))
        link.t.interrupt()
        await link.settle()

        assert truncations(link) == [("item_a", 1, 400), ("item_b", 0, 0)]


async def test_speech_that_is_still_heard_is_interrupted_after_the_response_is_done() -> None:
    """Audio arrives faster than it plays: nothing is cancelled then, but the item is truncated."""
    async with linked() as link:
        link.t.attach_playback(lambda *_: 300)
        await link.say(response_event("created"), audio_delta(SECOND), response_event("done"))
        link.forget()
        await link.say({"type": "input_audio_buffer.speech_started"})

        assert link.sent_types == ["conversation.item.truncate"]
        assert truncations(link) == [("item_a", 0, 300)]


@pytest.mark.parametrize(("server_interrupts", "cancels"), [(True, False), (False, True), (None, True)])
async def test_speech_of_the_person_interrupts(server_interrupts: bool | None, cancels: bool) -> None:
    """We cancel the response unless the server does."""
    detection = {} if server_interrupts is None else {"interrupt_response": server_interrupts}
    session = {**SESSION, "audio": {"input": {"turn_detection": {"type": "server_vad", **detection}}}}
    async with linked(created={"type": "session.created", "session": session}) as link:
        link.t.request_response()
        await link.say(response_event("created"), audio_delta(SECOND))
        link.forget()
        await link.say({"type": "input_audio_buffer.speech_started"})

        assert link.sent_types == ["response.cancel"] * cancels + ["conversation.item.truncate"]


async def test_g711_is_measured_by_its_own_bytes() -> None:
    """As response.created says, or else the session."""
    clock = Clock()
    pcmu: dict[str, Any] = {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}
    async with linked(clock=clock) as link:
        await link.say(response_event("created", **pcmu), audio_delta(b"\0" * 8000))
        clock.now += 9
        link.t.interrupt()
        await link.settle()

        assert truncations(link) == [("item_a", 0, 1000)]


async def test_a_new_connection_measures_by_its_own_session() -> None:
    """What the old one's session said is over with it: format, and who interrupts."""
    clock = Clock()
    detection = {"type": "server_vad", "interrupt_response": True}
    session = {"audio": {"input": {"turn_detection": detection}, "output": {"format": {"type": "audio/pcmu"}}}}
    async with linked(clock=clock) as link:
        await link.say({"type": "session.updated", "session": session})
        link.t.close()
        await link.t.connect()
        await link.t.wait_ready(DEADLINE)
        await link.say(response_event("created"), audio_delta(b"\0" * 8000))
        link.forget()
        clock.now += 9
        await link.say({"type": "input_audio_buffer.speech_started"})

        assert link.sent_types == ["response.cancel", "conversation.item.truncate"]
        assert truncations(link) == [("item_a", 0, 166)]


# -- input ---------------------------------------------------------------------------------------


async def test_muting_needs_an_input() -> None:
    """On a bare WebSocket there is nothing to mute; with a microphone attached it is told."""
    told: list[bool] = []
    async with linked() as link:
        seen = [link.t.muted]
        with pytest.raises(UnsupportedError, match="no microphone"):
            link.t.mute(True)
        link.t.attach_input(told.append)
        seen.append(link.t.muted)
        link.t.mute(True)
        seen.append(link.t.muted)

        assert seen == [None, False, True]
        assert told == [True]


async def test_audio_is_appended_and_committed() -> None:
    """Empty audio sends no append: the server would only refuse it."""
    async with linked() as link:
        link.t.send_audio(b"\1\2")
        link.t.send_audio(b"", commit=True)
        link.t.send_audio(b"\3\4", commit=True)
        await link.settle()

        assert link.sent == [
            {"type": "input_audio_buffer.append", "audio": "AQI="},
            {"type": "input_audio_buffer.commit"},
            {"type": "input_audio_buffer.append", "audio": "AwQ="},
            {"type": "input_audio_buffer.commit"},
        ]


# -- configuration -------------------------------------------------------------------------------


async def test_update_session_config_keeps_what_was_configured_before() -> None:
    """defaults < earlier < new, from connect on; tools=[] clears them."""
    async with linked(connect={"initial_session_config": {"voice": "cedar", "tools": [TOOL]}}) as link:
        link.t.update_session_config({"instructions": "be brief"})
        link.t.update_session_config({"tools": []})
        await link.settle()

        first, second = (event["session"] for event in link.sent)
        assert first["audio"]["output"]["voice"] == "cedar"
        assert first["tools"] == [TOOL]
        assert second["instructions"] == "be brief"
        assert second["tools"] == []


async def test_an_update_that_cannot_be_sent_does_not_spoil_the_next() -> None:
    """The mistake is raised once."""
    async with linked() as link:
        with pytest.raises(ValueError, match="JSON"):
            link.t.update_session_config({"instructions": {1, 2}})
        link.t.update_session_config({"voice": "ash"})
        await link.settle()

        assert "instructions" not in link.sent[0]["session"]


async def test_a_session_update_sent_by_hand_is_folded_into_what_is_configured() -> None:
    """It goes out as it is, and the next update_session_config does not undo it."""
    partial = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}}
    async with linked() as link:
        link.t.send_event(partial)
        link.t.update_session_config({"instructions": "x"})
        await link.settle()

        assert link.sent[0] == partial
        assert link.sent[1]["session"]["audio"]["output"]["voice"] == "cedar"
        assert link.t.requested_session["audio"]["output"]["voice"] == "cedar"


async def test_the_session_is_what_the_server_confirmed_last() -> None:
    """session.created, then every session.updated."""
    async with linked() as link:
        assert link.t.session == SESSION
        await link.say({"type": "session.updated", "session": {**SESSION, "instructions": "x"}})
        assert link.t.session == {**SESSION, "instructions": "x"}


@pytest.mark.parametrize(
    ("options", "config", "sent"),
    [
        ({}, {}, ["auto"]),
        ({}, {"tracing": None}, [None]),
        ({}, {"tracing": {"workflow_name": "w"}}, [{"workflow_name": "w"}]),
        ({"auto_tracing": False}, {}, []),
        ({"auto_tracing": False}, {"tracing": "auto"}, ["auto"]),
        ({"manual": True}, {"tracing": "auto"}, []),
    ],
)
async def test_tracing_is_an_update_of_its_own(
    options: dict[str, Any], config: dict[str, Any], sent: list[Any]
) -> None:
    """After session.created; with auto_tracing=False only where the config names it."""
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, **options)
        link = Link(t, server)
        await t.connect(initial_session_config=config)
        await t.wait_ready(DEADLINE)
        await link.settle()
        t.close()
        await t.wait_closed()

    assert [event["session"]["tracing"] for event in server.received if "tracing" in event["session"]] == sent


async def test_manual_sends_nothing_that_the_caller_did_not_send() -> None:
    """No first update, no tracing, no retrieve, no waiting, no cancel, no truncate when the user speaks."""
    create = {"type": "response.create", "event_id": "mine"}
    async with linked(manual=True) as link:
        assert link.server.received == []
        for _ in range(2):
            link.t.send_event(create)
        link.t.request_response()
        await link.say(
            response_event("created"),
            audio_delta(SECOND),
            {"type": "input_audio_buffer.speech_started"},
            {"type": "conversation.item.truncated", "item_id": "item_a"},
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": "item_a"},
        )

        assert link.sent == [create, create, {"type": "response.create"}]
        assert [audio.data for audio in link.payloads("audio")] == [SECOND]


# -- messages, tools, history --------------------------------------------------------------------


async def test_messages_and_images() -> None:
    """Each asks for a response unless told otherwise."""
    async with linked() as link:
        link.t.send_message("hi", {"event_id": "e1"})
        await link.say(response_event("created"), response_event("done"))
        link.t.send_message(
            {"role": "user", "content": [{"type": "input_image", "image": "data:x"}]}, trigger_response=False
        )
        link.t.add_image("data:image/png;base64,AA==", trigger_response=False)
        await link.settle()

        items = [event["item"]["content"] for event in link.sent if "item" in event]
        assert link.sent[0]["event_id"] == "e1"
        assert link.sent_types == ["conversation.item.create", "response.create", *["conversation.item.create"] * 2]
        assert items == [
            [{"type": "input_text", "text": "hi"}],
            [{"type": "input_image", "image_url": "data:x"}],
            [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}],
        ]


async def test_a_function_call_is_answered() -> None:
    """Given as emitted or as a mapping; the item is shown as completed, with its output."""
    call = FunctionCall("item_f", "call_1", "f", "{}", "resp_1")
    async with linked() as link:
        link.t.send_function_call_output(call, "sunny")
        link.t.send_function_call_output({"call_id": "call_2"}, "rainy", start_response=False)
        await link.settle()

        outputs = [event["item"] for event in link.sent if "item" in event]
        assert outputs == [
            {"type": "function_call_output", "output": "sunny", "call_id": "call_1"},
            {"type": "function_call_output", "output": "rainy", "call_id": "call_2"},
        ]
        assert link.sent_types.count("response.create") == 1
        assert link.payloads("item_update") == [FunctionCallItem("item_f", "f", "{}", "completed", "sunny")]


@pytest.mark.parametrize(("call", "output"), [({"call_id": "c"}, {"a": 1}), ({"name": "f"}, "x")])
async def test_an_output_that_cannot_be_right_is_refused_before_it_is_sent(call: dict[str, Any], output: Any) -> None:
    """Not text, or nothing to answer to: the model would wait forever."""
    async with linked() as link:
        with pytest.raises(UsageError):
            link.t.send_function_call_output(call, output)
        await link.settle()

        assert link.sent == []


async def test_an_approval_is_answered() -> None:
    """With a reason, if there is one."""
    request = McpApprovalRequestItem("mcpr_1", "s", "f", {})
    async with linked() as link:
        link.t.send_mcp_response(request, True)
        link.t.send_mcp_response({"item_id": "mcpr_2"}, False, "too dear")
        await link.settle()

        assert [event["item"] for event in link.sent] == [
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_2", "approve": False, "reason": "too dear"},
        ]
        assert [event["previous_item_id"] for event in link.sent] == ["mcpr_1", "mcpr_2"]


async def test_reset_history_does_not_lose_a_changed_function_call() -> None:
    """It is created again with the call_id that came with it, though history items do not carry one."""
    wire = {"id": "item_f", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "f"}
    async with linked() as link:
        await link.say({"type": "response.output_item.done", "response_id": "r", "item": {**wire, "arguments": "{}"}})
        (old,) = link.payloads("item_update")
        link.t.reset_history([old], [FunctionCallItem("item_f", "f", '{"x":1}', "completed")])
        await link.settle()

        assert link.sent_types == ["conversation.item.delete", "conversation.item.create"]
        assert link.sent[1]["item"]["call_id"] == "call_1"
        assert link.sent[1]["item"]["arguments"] == '{"x":1}'


async def test_reset_history_refuses_duplicates_before_anything_is_sent() -> None:
    """One clear error instead of a broken conversation."""
    twice = [MessageItem("a", "user", "completed", [{"type": "input_text", "text": "x"}])] * 2
    async with linked() as link:
        with pytest.raises(UsageError, match="twice"):
            link.t.reset_history([], twice)
        await link.settle()

        assert link.sent == []
