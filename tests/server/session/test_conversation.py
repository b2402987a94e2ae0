"""Items: adding, ordering, deleting, retrieving, truncating."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rtcli.dsp.g711 import pcm_to_ulaw
from rtcli.protocol.audio_formats import encode_base64
from rtcli.server.session import conversation
from tests.server.playbook import Playbook, only, silence, to_transcribe, types, user, voice

CREATE = "conversation.item.create"
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


def test_an_item_is_added_and_done_at_once() -> None:
    """Both events carry the whole item and its predecessor."""
    book = Playbook()
    effects = book.send(CREATE, item=user("hi"))
    added, done = only(effects, "conversation.item.added"), only(effects, "conversation.item.done")

    assert types(effects) == ["conversation.item.added", "conversation.item.done"]
    assert added["item"] == done["item"]
    assert added["previous_item_id"] is None
    assert list(added["item"]) == ["id", "type", "status", "role", "content"]


@pytest.mark.parametrize(
    ("previous", "order", "named"),
    [
        (None, ["a", "b", "new"], "b"),
        ("", ["a", "b", "new"], "b"),
        ("root", ["new", "a", "b"], None),
        ("a", ["a", "new", "b"], "a"),
    ],
)
def test_previous_item_id_says_where_an_item_goes(previous: str | None, order: list[str], named: str | None) -> None:
    """Absent, null and "" append; root is the front; an id is the place behind it."""
    book = Playbook()
    for item_id in ("a", "b"):
        book.send(CREATE, item=user(item_id, id=item_id))
    effects = book.send(CREATE, item=user("x", id="new"), previous_item_id=previous)

    assert book.items() == order
    assert only(effects, "conversation.item.added")["previous_item_id"] == named


def test_an_unknown_predecessor_is_refused() -> None:
    """The item is not added."""
    book = Playbook()
    error = book.refused(CREATE, item=user("x"), previous_item_id="nowhere")

    assert error["code"] == "item_create_invalid_previous_item_id"
    assert error["message"] == "Error adding item: the previous item with id 'nowhere' does not exist."
    assert book.items() == []


def test_an_id_is_taken_until_its_item_is_deleted() -> None:
    """Twice is refused; delete and create with the same id is how clients replace."""
    book = Playbook()
    book.send(CREATE, item=user("one", id="same"))
    error = book.refused(CREATE, item=user("two", id="same"))
    book.send("conversation.item.delete", item_id="same")
    book.send(CREATE, item=user("three", id="same"))

    assert error["code"] == "item_create_duplicate_item_id"
    assert error["message"] == "Error adding item: an item with id 'same' already exists."
    assert book.items() == ["same"]


@pytest.mark.parametrize(
    ("verb", "gerund", "more"),
    [
        ("delete", "deleting", {}),
        ("retrieve", "retrieving", {}),
        ("truncate", "truncating", {"content_index": 0, "audio_end_ms": 0}),
    ],
)
def test_an_unknown_item_is_refused(verb: str, gerund: str, more: dict[str, int]) -> None:
    """By the code of the verb."""
    error = Playbook().refused(f"conversation.item.{verb}", item_id="gone", **more)

    assert error["code"] == f"item_{verb}_invalid_item_id"
    assert error["message"] == f"Error {gerund} item: the item with id 'gone' does not exist."
    assert error["param"] is None


def test_an_output_answers_a_call_of_the_conversation() -> None:
    """Another call id is refused; after the call it is taken, and has no status."""
    book = Playbook()
    output = {"type": "function_call_output", "call_id": "call_1", "output": "21"}
    error = book.refused(CREATE, item=output)
    book.send(CREATE, item={"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"})
    added = only(book.send(CREATE, item=output), "conversation.item.added")["item"]

    assert error["code"] == "invalid_tool_call_id"
    assert error["message"] == "Tool call ID 'call_1' not found in conversation."
    assert list(added) == ["id", "type", "call_id", "output"]


def test_a_call_of_a_client_gets_the_ids_it_lacks() -> None:
    """Item and call ids in the API's shape."""
    added = only(
        Playbook().send(CREATE, item={"type": "function_call", "name": "f", "arguments": "{}"}),
        "conversation.item.added",
    )

    assert added["item"]["call_id"].startswith("call_")
    assert len(added["item"]["id"]) == len("item_") + 21


def test_audio_comes_back_only_when_it_is_asked_for() -> None:
    """added and done show no audio; retrieved has every byte. Its transcript key is there, and null."""
    book, pcm = Playbook(), voice(0.3)
    content = [{"type": "input_audio", "audio": encode_base64(pcm)}, {"type": "input_text", "text": "listen"}]
    effects = book.send(CREATE, item=user("") | {"content": content})
    added = only(effects, "conversation.item.added")["item"]
    retrieved = only(book.send("conversation.item.retrieve", item_id=added["id"]), "conversation.item.retrieved")[
        "item"
    ]

    assert added["content"] == [{"type": "input_audio", "transcript": None}, {"type": "input_text", "text": "listen"}]
    assert retrieved["content"][0]["audio"] == encode_base64(pcm)
    assert to_transcribe(effects).id == added["id"]


def test_audio_in_an_item_is_in_the_format_of_the_input() -> None:
    """A second of G.711 is a second; half a sample is none; the error for what is not base64 names that format."""
    book = Playbook(audio={"input": {"format": {"type": "audio/pcmu"}}})
    part = {"type": "input_audio", "audio": encode_base64(pcm_to_ulaw(bytes(16_000)))}
    telephone = to_transcribe(book.send(CREATE, item=user("") | {"content": [part]}))
    error = book.refused(CREATE, item=user("") | {"content": [part | {"audio": "%"}]})
    odd = to_transcribe(
        Playbook().send(CREATE, item=user("") | {"content": [part | {"audio": encode_base64(bytes(4_801))}]})
    )
    running = book.start(input=[user("") | {"content": [part]}])

    assert len(telephone.audio[0]) == len(running.context[0].audio[0]) == 48_000
    assert "G.711 mu-law at 8kHz" in error["message"]
    assert len(odd.audio[0]) == 4_800


def test_an_image_is_kept_as_it_came() -> None:
    """With its detail, which is auto unless it was named."""
    added = only(
        Playbook().send(CREATE, item=user("") | {"content": [{"type": "input_image", "image_url": PNG}]}),
        "conversation.item.added",
    )

    assert added["item"]["content"] == [{"type": "input_image", "image_url": PNG, "detail": "auto"}]


def test_truncation_leaves_what_was_heard() -> None:
    """The audio is cut to the millisecond, the transcript is gone, and the client's figures are echoed."""
    book, pcm = Playbook(), voice(1.0)
    item = book.answer("Hello there.", pcm)
    where = {"item_id": item["id"], "content_index": 0, "audio_end_ms": 250}
    truncated = only(book.send("conversation.item.truncate", **where), "conversation.item.truncated")
    part = only(book.send("conversation.item.retrieve", item_id=item["id"]), "conversation.item.retrieved")["item"][
        "content"
    ]

    assert {key: truncated[key] for key in where} == where
    assert part == [{"type": "output_audio", "audio": encode_base64(pcm[:12_000])}]


def test_truncation_beyond_the_audio_is_refused() -> None:
    """Both durations are named, and nothing is cut."""
    book = Playbook()
    item = book.answer("Hello.", voice(0.5))
    error = book.refused("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=501)

    assert error["message"] == "Audio content of 500ms is already shorter than 501ms"
    assert book.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=500)


@pytest.mark.parametrize("make", ["text answer", "user", "wrong part"])
def test_only_what_the_model_said_can_be_truncated(make: str) -> None:
    """Not text, not the user's items, not a part that is not there."""
    book = Playbook()
    item_id = book.say("hi") if make == "user" else ""
    if make == "text answer":
        item_id = book.answer("Hi.", output_modalities=["text"])["id"]
    if make == "wrong part":
        item_id = book.answer("Hi.", voice(0.2))["id"]
    index = 1 if make == "wrong part" else 0
    error = book.refused("conversation.item.truncate", item_id=item_id, content_index=index, audio_end_ms=0)

    assert error["message"] == "Only model output audio messages can be truncated"


def test_a_conversation_takes_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound an item is refused; after a deletion there is room again."""
    monkeypatch.setattr(conversation, "MAX_TEXT_KEPT", 10_000)
    book = Playbook()
    first = book.say("x" * 6_000)
    error = book.refused(CREATE, item=user("x" * 6_000))
    book.send("conversation.item.delete", item_id=first)

    assert error["code"] == "conversation_too_large"
    assert book.say("x" * 6_000)


def test_a_conversation_forgets_its_oldest_audio_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the budget the item stays, without its audio."""
    monkeypatch.setattr(conversation, "MAX_AUDIO_KEPT", 40_000)
    book = Playbook(audio={"input": {"turn_detection": None}})
    ids = []
    for _ in range(2):
        book.append_audio(silence(0.5))
        ids.append(only(book.send("input_audio_buffer.commit"), "input_audio_buffer.committed")["item_id"])

    def part(item_id: str) -> dict[str, Any]:
        retrieved = only(book.send("conversation.item.retrieve", item_id=item_id), "conversation.item.retrieved")
        kept: dict[str, Any] = retrieved["item"]["content"][0]
        return kept

    assert "audio" not in part(ids[0])
    assert "audio" in part(ids[1])
