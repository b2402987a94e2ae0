"""Corners of the protocol where several rules meet."""

from __future__ import annotations

import pytest

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import WireObject
from rtcli.server.session.state import EffectiveSession, realtime_session
from tests.server.playbook import MODEL, Playbook, only, silence, started, types, user, voice

CREATE = "conversation.item.create"
CALL = {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"}
MESSAGE_KEYS = ["id", "type", "status", "role", "content"]
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw==", "detail": "low"}
SOUND = {"type": "input_audio", "audio": encode_base64(silence(0.1))}
SYSTEM = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]}
ASSISTANT = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "x"}


@pytest.mark.parametrize(
    ("item", "keys"),
    [
        (user("x"), MESSAGE_KEYS),
        (user("x") | {"content": [SOUND]}, MESSAGE_KEYS),
        (user("x") | {"content": [IMAGE]}, MESSAGE_KEYS),
        (SYSTEM, MESSAGE_KEYS),
        (ASSISTANT, MESSAGE_KEYS),
        (CALL, ["id", "type", "status", "name", "call_id", "arguments"]),
        (OUTPUT, ["id", "type", "call_id", "output"]),
    ],
)
@pytest.mark.parametrize("more", [{}, {"id": "mine", "object": "realtime.item", "status": "completed"}])
def test_an_item_of_each_kind_has_the_keys_of_the_wire_in_their_order(
    item: WireObject, keys: list[str], more: WireObject
) -> None:
    """With the client's id or one of the server's; its other optional keys change nothing."""
    book = Playbook()
    book.send(CREATE, item=CALL)
    sent = {**item, **more} | ({"call_id": "call_2"} if item is CALL else {})
    added = only(book.send(CREATE, item=sent), "conversation.item.added")

    assert list(added) == ["type", "event_id", "previous_item_id", "item"]
    assert list(added["item"]) == keys
    assert added["item"]["id"] == more.get("id", added["item"]["id"])
    assert all("audio" not in part for part in added["item"].get("content", ()))


@pytest.mark.parametrize("interrupt", [True, False])
@pytest.mark.parametrize("create", [True, False])
def test_each_pair_of_turn_detection_flags(create: bool, interrupt: bool) -> None:
    """Speech is reported in every case; the answer that runs is cut, and one is made, only where the flags say so."""
    flags = {"create_response": create, "interrupt_response": interrupt}
    book = Playbook(audio={"input": {"turn_detection": {"type": "server_vad", **flags}}})
    book.start().say("I was saying")
    found = types(book.append_audio(silence(1) + voice(1) + silence(1)))
    speech = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]

    assert [name for name in found if name.startswith("input_audio_buffer")] == speech
    assert ("response.done" in found) == interrupt
    assert ("response.created" in found) == (create and interrupt)
    assert ("error" in found) == (create and not interrupt)


def test_responses_beside_the_conversation_run_side_by_side() -> None:
    """Each known by its metadata; one is cancelled by its id, the others and the conversation's own go on."""
    book = Playbook()
    own = book.start()
    aside = [book.start(conversation="none", metadata={"n": str(n)}, input=[user("x")]) for n in range(3)]
    for response in (own, *aside):
        response.say("Some")
    done = only(book.send("response.cancel", response_id=aside[1].id), "response.done")["response"]
    running = [response.finished for response in (own, *aside)]
    others = [only(book.core.response_ended(response), "response.done")["response"] for response in (*aside[::2], own)]

    assert (done["status"], done["metadata"], done["conversation_id"]) == ("cancelled", {"n": "1"}, None)
    assert running == [False, False, True, False]
    assert [other["metadata"] for other in others] == [{"n": "0"}, {"n": "2"}, None]
    assert others[2]["conversation_id"].startswith("conv_")
    assert len(book.items()) == 1
    assert book.refused("response.cancel", response_id=own.id)["code"] == "response_cancel_not_active"


def test_input_may_mix_new_items_and_references() -> None:
    """In the order of the input; the new ones do not enter the conversation, an empty input is an empty context."""
    book = Playbook()
    old = book.say("Old")
    mixed = book.start(conversation="none", input=[user("New"), {"type": "item_reference", "id": old}, OUTPUT])
    empty = book.start(conversation="none", input=[])

    assert [item.wire["type"] for item in mixed.context] == ["message", "message", "function_call_output"]
    assert mixed.context[1].id == old
    assert empty.context == ()
    assert book.items() == [old]


def test_an_answer_whose_item_is_deleted_ends_all_the_same() -> None:
    """Deleted while it is made, as clients do that heard nothing of it."""
    book = Playbook()
    running = book.start()
    running.say("Some")
    (item,) = book.items()
    book.send("conversation.item.delete", item_id=item)
    running.say(" more")
    done = only(book.core.response_ended(running), "response.done")["response"]

    assert done["output"][0]["content"][0]["transcript"] == "Some more"
    assert book.items() == []
    assert book.say("Next") == book.items()[0]


def test_truncated_while_it_is_made_an_answer_keeps_what_was_heard() -> None:
    """Sound that is made afterwards is not added to it."""
    book = Playbook()
    running = book.start()
    running.say("Some")
    running.add_audio(voice(1))
    (item,) = book.items()
    book.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=300)
    running.add_audio(voice(1))
    book.send("response.cancel")
    retrieved = only(book.send("conversation.item.retrieve", item_id=item), "conversation.item.retrieved")["item"]

    assert retrieved["status"] == "incomplete"
    assert retrieved["content"] == [{"type": "output_audio", "audio": encode_base64(voice(1)[: 48 * 300])}]


def test_a_session_that_begins_with_another_format_hears_it() -> None:
    """As a client secret configures it: 8,000 bytes of mu-law are a second."""
    state = EffectiveSession(realtime_session("sess_1", MODEL))
    state.update({"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}})
    book = Playbook(state.config)
    book.send("input_audio_buffer.append", audio=encode_base64(b"\xff" * 8_000))
    item = only(book.send("input_audio_buffer.commit"), "conversation.item.added")["item"]

    assert len(b"".join(book.core.conversation.get(item["id"]).audio.values())) == 48_000  # type: ignore[union-attr]


def test_an_answer_that_is_started_by_hand_reads_the_settings_of_that_moment() -> None:
    """An update while it runs is for the next one."""
    book = Playbook(output_modalities=["text"], instructions="First.")
    running = book.start()
    book.send("session.update", session={"type": "realtime", "output_modalities": ["audio"], "instructions": "Second."})
    done = only(book.core.response_ended(running), "response.done")["response"]
    following = started(book.send("response.create"))

    assert done["output_modalities"] == ["text"]
    assert (running.options.instructions, following.options.instructions) == ("First.", "Second.")
