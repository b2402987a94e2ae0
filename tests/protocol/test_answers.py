"""When a script that sent events has its answers."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import ExitCode
from rtcli.protocol.answers import Answers, outcome
from rtcli.protocol.catalog import event_types
from rtcli.protocol.record import Direction


def sent(*events: dict[str, Any]) -> Answers:
    answers = Answers()
    for event in events:
        answers.sent(event)
    return answers


def waiting(answers: Answers) -> list[str]:
    return [entry.type for entry in answers.waiting]


def item(kind: str, item_id: str) -> dict[str, Any]:
    return {"type": kind, "item": {"id": item_id}}


def response(kind: str, response_id: str, status: str = "completed") -> dict[str, Any]:
    return {"type": kind, "response": {"id": response_id, "status": status}}


def error(event_id: str | None = None) -> dict[str, Any]:
    return {"type": "error", "error": {"code": "x", "message": "m", "event_id": event_id}}


CREATE = {"type": "response.create"}
ITEM = {"type": "conversation.item.create", "item": {"type": "message"}}


@pytest.mark.parametrize("row", [row for row in event_types(Direction.SENT) if row.reply], ids=lambda row: row.name)
def test_every_event_with_a_reply_waits_for_exactly_that_reply(row: Any) -> None:
    """The catalog names the reply; another reply of the same server leaves the event waiting."""
    answers = sent({"type": row.name})
    other = "session.updated" if row.reply != "session.updated" else "input_audio_buffer.cleared"

    answers.received({"type": other})
    assert waiting(answers) == [row.name]
    answers.received({"type": row.reply})
    assert waiting(answers) == []


@pytest.mark.parametrize("name", ["input_audio_buffer.append", "something.new"])
def test_an_event_without_a_reply_is_not_waited_for(name: str) -> None:
    """Appended sound and events that nobody knows have no answer."""
    assert waiting(sent({"type": name})) == []


def test_replies_of_one_type_answer_in_order() -> None:
    """Two updates need two replies."""
    answers = sent({"type": "session.update", "n": 1}, {"type": "session.update", "n": 2})

    answers.received({"type": "session.updated"})
    assert len(answers.waiting) == 1
    answers.received({"type": "session.updated"})
    assert waiting(answers) == []


def test_a_reply_that_names_an_item_answers_for_that_item_alone() -> None:
    """Deleting two items: the answer about the second one leaves the first waiting."""
    answers = sent(
        {"type": "conversation.item.delete", "item_id": "a"}, {"type": "conversation.item.delete", "item_id": "b"}
    )

    answers.received({"type": "conversation.item.deleted", "item_id": "b"})

    assert [entry.about for entry in answers.waiting] == ["a"]


def test_an_item_of_a_response_is_no_answer_to_a_created_item() -> None:
    """The model's own items and committed sound also end with conversation.item.done."""
    answers = sent(ITEM)
    answers.received({"type": "response.output_item.added", "item": {"id": "model"}})
    answers.received({"type": "input_audio_buffer.committed", "item_id": "sound"})

    answers.received(item("conversation.item.done", "model"))
    answers.received(item("conversation.item.done", "sound"))
    assert waiting(answers) == ["conversation.item.create"]
    answers.received(item("conversation.item.done", "ours"))
    assert waiting(answers) == []


def test_a_beta_server_announces_an_item_once() -> None:
    """conversation.item.created is all that such a server says."""
    answers = sent(ITEM)

    answers.received(item("conversation.item.created", "x"))

    assert waiting(answers) == []


def test_responses_are_told_apart_by_their_id() -> None:
    """Two responses run at once; the second ends first."""
    answers = sent(CREATE, CREATE)
    for name in ("r1", "r2"):
        answers.received(response("response.created", name))

    answers.received(response("response.done", "r2"))

    assert [entry.about for entry in answers.waiting] == ["r1"]


def test_a_response_that_ran_before_is_no_answer() -> None:
    """Joining a call: its running response was not asked for here."""
    answers = Answers()
    answers.received(response("response.created", "theirs"))
    answers.sent(CREATE)

    answers.received(response("response.done", "theirs"))

    assert waiting(answers) == ["response.create"]


def test_a_response_that_fails_before_it_is_created_is_an_answer() -> None:
    """A quota failure is a response.done without response.created."""
    answers = sent(CREATE)

    answers.received(response("response.done", "r", "failed"))

    assert waiting(answers) == []


def test_one_response_done_answers_a_create_and_its_cancel() -> None:
    """A cancelled response ends once."""
    answers = sent(CREATE, {"type": "response.cancel"})
    answers.received(response("response.created", "r"))

    answers.received(response("response.done", "r", "cancelled"))

    assert waiting(answers) == []


def test_an_error_answers_the_event_it_names() -> None:
    """event_id says which one was refused."""
    answers = sent({**CREATE, "event_id": "a"}, {**CREATE, "event_id": "b"})

    answers.received(error("b"))

    assert [entry.event_id for entry in answers.waiting] == ["a"]


def test_an_error_without_event_id_answers_the_event_it_speaks_of() -> None:
    """Not the one that was sent first."""
    answers = sent({"type": "session.update"}, {"type": "conversation.item.retrieve", "item_id": "x"})

    answers.received({"type": "error", "error": {"code": "item_retrieve_invalid_item_id", "event_id": None}})

    assert waiting(answers) == ["session.update"]


def test_of_two_events_alike_the_earlier_one_was_refused() -> None:
    """The server works in order: had the first been taken, its reply would have come before the error."""
    answers = Answers()
    for number in (1, 2):
        answers.sent({"type": "session.update"}, number)

    refused = answers.refused({"type": "error", "error": {"param": "session.type", "event_id": None}})

    assert refused is not None
    assert refused.number == 1


def test_of_events_without_a_reply_none_is_blamed_where_there_are_several() -> None:
    """Fifty pieces of sound a second look alike."""
    wrong = {"type": "error", "error": {"param": "audio", "code": "invalid_value"}}
    sound = {"type": "input_audio_buffer.append", "audio": "!"}

    assert sent(sound).refused(wrong) is not None
    assert sent(sound, sound).refused(wrong) is None


def test_a_server_that_never_echoes_event_ids_is_understood() -> None:
    """An event with an id is the guilty one where no other of its type waits."""
    answers = sent({"type": "session.update", "event_id": "mine"}, {**CREATE, "event_id": "other"})

    answers.received({"type": "error", "error": {"param": "session.type"}})

    assert waiting(answers) == ["response.create"]


def test_an_error_without_event_id_counts_for_the_oldest_event_without_one() -> None:
    """The server echoes event_id only if there was one; without this rule a refused event would wait for ever."""
    answers = sent({**ITEM, "event_id": "named"}, {"type": "session.update"})

    answers.received(error())

    assert waiting(answers) == ["conversation.item.create"]


def test_an_error_without_event_id_is_not_put_down_to_a_running_response() -> None:
    """The response was created, so what was refused is what came after it."""
    answers = sent(CREATE, {"type": "session.update"})
    answers.received(response("response.created", "r"))

    answers.received(error())

    assert waiting(answers) == ["response.create"]


def test_refused_sound_leaves_the_commit_waiting() -> None:
    """Events without a reply can be refused too, and the error is theirs."""
    answers = sent({"type": "input_audio_buffer.append", "audio": "!"}, {"type": "input_audio_buffer.commit"})

    answers.received(error())
    assert waiting(answers) == ["input_audio_buffer.commit"]


def test_a_reply_settles_the_silent_events_before_it() -> None:
    """Events are handled in order: after `cleared`, an error cannot be about the sound sent before."""
    answers = sent(
        {"type": "input_audio_buffer.append"}, {"type": "input_audio_buffer.clear"}, {"type": "session.update"}
    )
    answers.received({"type": "input_audio_buffer.cleared"})

    answers.received(error())

    assert waiting(answers) == []


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (error(), ExitCode.SERVER_ERROR),
        (response("response.done", "r", "failed"), ExitCode.RESPONSE_FAILED),
        (response("response.done", "r", "incomplete"), ExitCode.RESPONSE_FAILED),
        (response("response.done", "r", "cancelled"), ExitCode.OK),
        (response("response.done", "r"), ExitCode.OK),
        ({"type": "response.done", "response": None}, ExitCode.OK),
        ({"type": "session.updated"}, ExitCode.OK),
    ],
)
def test_what_an_event_means_for_the_exit_code(event: dict[str, Any], code: ExitCode) -> None:
    """Errors are 4, failed and incomplete responses 5, a cancelled response no failure."""
    assert outcome(event) == code


@pytest.mark.parametrize("odd", [{"type": "error"}, {"type": "error", "error": "text"}, {"type": 5}, {}, {"item": 3}])
def test_an_odd_event_changes_nothing(odd: dict[str, Any]) -> None:
    """A server may send anything."""
    answers = sent({**CREATE, "event_id": "a"})

    answers.received(odd)

    assert waiting(answers) == ["response.create"]
