"""Responses: the order of their events, their objects, and every way to end."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.audio_formats import encode_base64
from rtcli.server.ids import new_id
from tests.server.playbook import Playbook, only, started, types, user, voice

TEXT: dict[str, Any] = {"output_modalities": ["text"]}
CREATED_KEYS = [
    "object", "id", "status", "status_details", "output", "conversation_id", "output_modalities", "max_output_tokens",
    "audio", "usage", "metadata",
]  # fmt: skip


def test_a_written_answer_has_the_recorded_order() -> None:
    """From response.created to rate_limits.updated."""
    book = Playbook(**TEXT)
    book.say("hi")
    response = book.start()
    events = [*response.say("Hello "), *response.say("there."), *book.core.response_ended(response)]

    assert types(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]


def test_a_spoken_answer_has_the_recorded_order() -> None:
    """Sound and transcript between, and their ends in this order."""
    book = Playbook()
    response = book.start()
    events = [*response.say("Hello."), *response.add_audio(voice(0.1)), *book.core.response_ended(response)]

    assert types(events)[2:] == [
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]


def test_parts_have_short_names_and_items_long_ones() -> None:
    """`text` and `audio` in events about parts, `output_text` and `output_audio` in items; no audio in either."""
    spoken, written = Playbook(), Playbook(**TEXT)
    for book, short, long in ((spoken, "audio", "output_audio"), (written, "text", "output_text")):
        response = book.start()
        key = "transcript" if short == "audio" else "text"
        events = [*response.say("Hi."), *response.finish()]

        assert only(events, "response.content_part.added")["part"] == {"type": short, key: ""}
        assert only(events, "response.content_part.done")["part"] == {"type": short, key: "Hi."}
        assert only(events, "response.output_item.added")["item"]["content"] == []
        assert only(events, "response.output_item.done")["item"]["content"] == [{"type": long, key: "Hi."}]


def test_items_and_parts_are_named_alike_in_every_event() -> None:
    """response_id, item_id, output_index and content_index; text deltas are padded, audio is not."""
    book = Playbook()
    response = book.start()
    events = [*response.say("Hi."), *response.add_audio(voice(0.1)), *response.finish()]
    item = only(events, "response.output_item.added")["item"]
    about_part = [e for e in events if e["type"].startswith("response.") and "content_index" in e]

    assert len(about_part) == 6
    for event in about_part:
        assert (event["response_id"], event["item_id"]) == (response.id, item["id"])
        assert (event["output_index"], event["content_index"]) == (0, 0)
    assert only(events, "response.output_audio_transcript.delta")["obfuscation"]
    assert "obfuscation" not in only(events, "response.output_audio.delta")
    assert only(events, "response.output_audio.delta")["delta"] == encode_base64(voice(0.1))


def test_a_response_object_has_the_keys_of_the_wire() -> None:
    """At its start nothing is known but what it was asked to be."""
    book = Playbook()
    response = only(book.send("response.create", response={"metadata": {"topic": "x"}}), "response.created")["response"]

    assert list(response) == CREATED_KEYS
    assert response["object"] == "realtime.response"
    assert (response["status"], response["output"], response["usage"]) == ("in_progress", [], None)
    assert response["audio"] == {"output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy"}}
    assert response["metadata"] == {"topic": "x"}
    assert response["conversation_id"].startswith("conv_")


def test_a_finished_response_counts_its_tokens() -> None:
    """Input and output by kind; the sums are sums."""
    book = Playbook(instructions="")
    book.say("x" * 40)
    response = book.start()
    events = [*response.say("y" * 20), *response.add_audio(voice(1)), *book.core.response_ended(response)]
    usage = only(events, "response.done")["response"]["usage"]

    assert usage["input_token_details"] == {
        "text_tokens": 10,
        "audio_tokens": 0,
        "image_tokens": 0,
        "cached_tokens": 0,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
    }
    assert usage["output_token_details"] == {"text_tokens": 5, "audio_tokens": 20}
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (10, 25, 35)
    assert only(events, "rate_limits.updated")["rate_limits"][0]["remaining"] == 15_000_000 - 35


def test_items_chain_and_the_first_items_successor_is_done_without_a_predecessor() -> None:
    """As recorded: `added` names the first item of the conversation, `done` says null; later ones name it twice."""
    book = Playbook(**TEXT)
    first = book.say("hi")
    response = book.start()
    events = [*response.say("Hello."), *book.core.response_ended(response)]
    later = book.say("again")
    again = book.start()
    more = [*again.say("Hello."), *book.core.response_ended(again)]

    assert only(events, "conversation.item.added")["previous_item_id"] == first
    assert only(events, "conversation.item.done")["previous_item_id"] is None
    assert only(more, "conversation.item.added")["previous_item_id"] == later
    assert only(more, "conversation.item.done")["previous_item_id"] == later


# calls ----------------------------------------------------------------------------------------------------------------


def call(response: Any, name: str, arguments: str) -> list[Any]:
    return [*response.open_call(name), *response.call_arguments(arguments), *response.close_item()]


def test_a_call_has_no_content_parts() -> None:
    """Arguments stream, end with the name, and the item is complete."""
    book = Playbook()
    response = book.start()
    events = [*call(response, "get_weather", '{"city":\n "Paris"}'), *book.core.response_ended(response)]
    added, done = only(events, "response.output_item.added")["item"], only(events, "response.output_item.done")["item"]

    assert types(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert list(added) == ["id", "type", "status", "name", "call_id", "arguments"]
    assert (added["status"], added["arguments"]) == ("in_progress", "")
    assert (done["status"], done["arguments"]) == ("completed", '{"city":\n "Paris"}')
    finished = only(events, "response.function_call_arguments.done")
    assert (finished["name"], finished["call_id"]) == ("get_weather", added["call_id"])


def test_a_call_after_words_streams_before_the_words_are_closed() -> None:
    """Output indices 0 and 1, chained; the message is done last."""
    book = Playbook(**TEXT)
    response = book.start()
    events = [*response.say("Let me look."), *call(response, "f", "{}"), *book.core.response_ended(response)]
    order = types(events)

    assert order.index("response.function_call_arguments.done") < order.index("response.output_text.done")
    assert [e["output_index"] for e in events if e["type"] == "response.output_item.added"] == [0, 1]
    output = only(events, "response.done")["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]


def test_an_output_that_comes_early_is_added_after_the_response() -> None:
    """The client may answer a call at once; its item follows response.done."""
    book = Playbook()
    response = book.start()
    added = only(call(response, "f", "{}"), "response.output_item.added")["item"]
    output = {"type": "function_call_output", "call_id": added["call_id"], "output": "1"}
    early = book.send("conversation.item.create", item=output)
    events = types(book.core.response_ended(response))

    assert early == []
    assert events == ["response.done", "rate_limits.updated", "conversation.item.added", "conversation.item.done"]


# ends -----------------------------------------------------------------------------------------------------------------


def test_cancelling_closes_what_is_open() -> None:
    """The same tail as at speech, by client_cancelled; and nothing can be cancelled twice."""
    book = Playbook()
    response = book.start()
    response.say("One, two")
    response.add_audio(voice(0.1))
    effects = book.send("response.cancel")
    done = only(effects, "response.done")["response"]

    assert types(effects)[:2] == ["response.output_audio.done", "response.output_audio_transcript.done"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert only(effects, "response.output_item.done")["item"]["status"] == "incomplete"
    assert book.core.response_ended(response) == []
    assert book.refused("response.cancel")["code"] == "response_cancel_not_active"


def test_cancelling_before_any_output() -> None:
    """Only response.done, with no output."""
    book = Playbook()
    book.start()
    effects = book.send("response.cancel")

    assert types(effects) == ["response.done", "rate_limits.updated"]
    assert only(effects, "response.done")["response"]["output"] == []


def test_nothing_to_cancel_has_the_words_clients_know() -> None:
    """They match on both."""
    error = Playbook().refused("response.cancel")

    assert (error["code"], error["param"]) == ("response_cancel_not_active", None)
    assert error["message"] == "Cancellation failed: no active response found"
    assert Playbook().refused("response.cancel", response_id="resp_x")["code"] == "response_cancel_not_active"


def test_one_response_at_a_time() -> None:
    """The second is refused by name of the first, which goes on."""
    book = Playbook()
    running = book.start()
    error = book.refused("response.create")

    assert error["code"] == "conversation_already_has_active_response"
    assert error["message"] == (
        f"Conversation already has an active response in progress: {running.id}. "
        "Wait until the response is finished before creating a new one."
    )
    assert not running.finished


@pytest.mark.parametrize(
    ("status", "details"),
    [
        ("incomplete", {"reason": "max_output_tokens"}),
        ("failed", {"error": {"type": "server_error", "code": "x", "message": "y"}}),
    ],
)
def test_other_ends_say_why(status: str, details: dict[str, Any]) -> None:
    """The details carry the status as their type, and open items are incomplete."""
    book = Playbook(**TEXT)
    response = book.start()
    response.say("Well")
    done = only(book.core.response_ended(response, status, details), "response.done")["response"]

    assert done["status_details"] == {"type": status, **details}
    assert done["output"][0]["status"] == "incomplete"


def test_a_limit_of_tokens_is_noticed() -> None:
    """As soon as what was written reaches it."""
    book = Playbook(**TEXT)
    response = book.start(max_output_tokens=3)
    response.say("12345678")
    before = response.exhausted
    response.say("9")

    assert (before, response.exhausted) == (False, True)


# beside the conversation ----------------------------------------------------------------------------------------------


def test_an_out_of_band_response_leaves_the_conversation_alone() -> None:
    """No conversation events, no conversation id, metadata echoed; it runs beside another, and has its own end."""
    book = Playbook(**TEXT)
    book.start()
    effects = book.send("response.create", response={"conversation": "none", "metadata": {"client_event_id": "e1"}})
    aside = started(effects)
    created = only(effects, "response.created")["response"]
    events = [*aside.say("Hi."), *book.send("response.cancel", response_id=aside.id)]

    assert (created["conversation_id"], created["metadata"]) == (None, {"client_event_id": "e1"})
    assert [name for name in types(events) if name.startswith("conversation.")] == []
    assert only(events, "response.done")["response"]["id"] == aside.id
    assert book.items() == []
    assert book.core.active is not None


def test_responses_beside_the_conversation_are_bounded() -> None:
    """A client that asks without end is refused; when one ends there is room again."""
    book = Playbook()
    running = [book.start(conversation="none") for _ in range(64)]
    error = book.refused("response.create", response={"conversation": "none"})
    book.core.response_ended(running[0])

    assert error["code"] == "rate_limit_exceeded"
    assert book.start(conversation="none")


def test_input_replaces_the_context() -> None:
    """Items, references, or nothing at all."""
    book = Playbook()
    known = book.say("known")
    referring = book.start(conversation="none", input=[{"type": "item_reference", "id": known}, user("new")])
    empty = book.start(conversation="none", input=[])
    usual = book.start(conversation="none")

    assert [item.wire["content"][0]["text"] for item in referring.context] == ["known", "new"]
    assert (len(empty.context), len(usual.context)) == (0, 1)
    assert book.items() == [known]


def test_a_reference_to_nothing_is_refused() -> None:
    """By its place."""
    wanted = {"input": [{"type": "item_reference", "id": "gone"}]}

    assert Playbook().refused("response.create", response=wanted)["param"] == "response.input[0].id"


def test_a_response_has_its_own_settings() -> None:
    """Modality, format, voice, tools, limit and instructions hold for it alone."""
    book = Playbook()
    own = {
        "output_modalities": ["audio"],
        "audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": {"id": "voice_1"}}},
        "tools": [{"type": "function", "name": "f"}],
        "tool_choice": "required",
        "max_output_tokens": 7,
        "instructions": "Be brief.",
    }
    created = only(book.send("response.create", response=own), "response.created")["response"]
    assert book.core.active is not None
    options = book.core.active.options

    assert created["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "voice_1"}
    assert created["max_output_tokens"] == 7
    assert (options.tool_choice, options.own_instructions) == ("required", "Be brief.")
    assert book.core.state.config["tools"] == []


def test_a_transcription_session_makes_no_responses() -> None:
    """response.create is refused, and speech is committed without one."""
    book = Playbook.transcription()

    assert book.refused("response.create")["type"] == "invalid_request_error"
    assert "response.created" not in types(book.append_audio(bytes(48_000) + voice(0.5) + bytes(48_000)))


def test_ids_have_the_length_of_the_api() -> None:
    """21 characters, or 16 for calls."""
    assert [len(new_id(kind)) for kind in ("event", "item", "resp", "sess", "call")] == [27, 26, 26, 26, 21]
