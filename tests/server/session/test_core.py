"""The core of a session, as a debugger sees it."""

from __future__ import annotations

from rtcli.protocol.audio_formats import encode_base64
from tests.server.playbook import Playbook, user, voice


def test_a_core_shows_what_is_going_on() -> None:
    """Its session, the response that is in progress, whether the user speaks, and how long the conversation is."""
    book = Playbook(audio={"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}})
    assert repr(book.core) == "<ServerCore sess_1: idle, no speech, items 0>"
    book.send("conversation.item.create", item=user("Hello"))
    response = book.start()
    book.append_audio(voice(0.5))

    assert repr(book.core) == f"<ServerCore sess_1: {response.id} in progress, speech, items 1>"


def test_a_response_shows_how_far_it_is() -> None:
    """Its place, its status and its items."""
    book = Playbook()
    response = book.start(conversation="none")
    response.say("Hello")
    assert repr(response) == f"<Response {response.id} out of band: in_progress, items 1>"
    book.core.response_ended(response)

    assert repr(response).endswith("completed, items 1>")


def test_every_handler_is_named_after_its_event() -> None:
    """Searching for a wire type finds what handles it."""
    from rtcli.server.session.core import _HANDLERS

    names = {type_: handler.__name__ for type_, handler in _HANDLERS.items()}
    alias = names.pop("session.input_audio_buffer.append")

    assert names == {type_: f"_on_{type_.replace('.', '_')}" for type_ in names}
    assert alias == names["input_audio_buffer.append"]


def test_both_names_of_append_fill_one_buffer() -> None:
    """Clients of translation sessions put `session.` before it."""
    book = Playbook(audio={"input": {"turn_detection": None}})
    for type_ in ("input_audio_buffer.append", "session.input_audio_buffer.append"):
        book.send(type_, audio=encode_base64(voice(0.06)))

    assert "error" not in {e["type"] for e in book.send("input_audio_buffer.commit") if isinstance(e, dict)}
