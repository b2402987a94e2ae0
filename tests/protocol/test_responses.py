"""When the next response.create may go out, and who is who among the responses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.audio_formats import PCM16, PCMU, AudioFormat
from rtcli.protocol.moves import IllegalMoveError, move
from rtcli.protocol.responses import ALREADY_ACTIVE, CANCEL_NOT_ACTIVE, SLOTS, ResponseSequencer, Slot, SlotEvent


def default(name: str) -> dict[str, Any]:
    return {"id": name, "conversation_id": "conv_1"}


def aside(name: str) -> dict[str, Any]:
    """A response out of band."""
    return {"id": name, "conversation_id": None}


def asked(*requests: dict[str, Any] | None) -> ResponseSequencer:
    responses = ResponseSequencer()
    for request in requests:
        responses.request(request)
    return responses


def sent(responses: ResponseSequencer) -> dict[str, Any]:
    """The create that goes out now."""
    due = responses.next_create()
    assert due is not None
    return due[0]


def running(name: str = "r1") -> ResponseSequencer:
    """One response of the default conversation runs."""
    responses = asked(None)
    sent(responses)
    responses.created(default(name))
    return responses


def format_of(responses: ResponseSequencer, name: str) -> AudioFormat | None:
    """The format that this response has named, if it runs."""
    found = responses.running(name)
    return found.output_format if found else None


def refusal(event: dict[str, Any], code: str = "invalid_value") -> dict[str, Any]:
    return {"code": code, "message": "no", "event_id": event["event_id"]}


def test_a_create_goes_out_at_once_when_nothing_runs() -> None:
    """With an id of its own, so that a refusal can be recognised."""
    event = sent(asked(None))

    assert event["type"] == "response.create"
    assert event["event_id"]
    assert "response" not in event


@pytest.mark.parametrize(
    "prepare",
    [
        sent,
        lambda r: (sent(r), r.created(default("r1"))),
        lambda r: (sent(r), r.created(default("r1")), r.cancelling()),
    ],
    ids=["a create waits for its answer", "a response runs", "a cancel is under way"],
)
def test_the_next_create_waits(prepare: Any) -> None:
    """Two creates at once are an error of the API."""
    responses = asked(None)
    prepare(responses)
    responses.request({"instructions": "x"})

    assert responses.next_create() is None
    assert responses.busy


def test_the_next_create_goes_out_when_the_response_is_done() -> None:
    """In the order of the requests."""
    responses = running()
    responses.request({"instructions": "x"})
    responses.done(default("r1"))

    assert sent(responses)["response"] == {"instructions": "x"}


def test_automatic_requests_coalesce_and_manual_ones_do_not() -> None:
    """auto auto manual auto manual manual: one create for a row of automatic ones, one for each manual."""
    responses = asked(None, None, {"n": 1}, None, {"n": 2}, {"n": 3})
    seen = []
    for number in range(5):
        seen.append(sent(responses).get("response"))
        responses.created(default(f"r{number}"))
        responses.done(default(f"r{number}"))

    assert seen == [None, {"n": 1}, None, {"n": 2}, {"n": 3}]
    assert not responses.busy


@pytest.mark.parametrize(("given_id", "kept"), [("mine", True), ("", True), (17, False), (None, False)])
def test_a_text_event_id_of_the_caller_is_kept(given_id: object, kept: bool) -> None:
    """One that is not text is replaced: the server would refuse it."""
    responses = ResponseSequencer()
    responses.request_event({"type": "response.create", "event_id": given_id})
    event_id = sent(responses)["event_id"]

    assert (event_id == given_id) is kept
    assert isinstance(event_id, str)


def test_ids_stay_unique_after_a_reconnect() -> None:
    """A late error of the old connection must not be taken for one of the new."""
    responses = asked(None)
    first = sent(responses)["event_id"]
    responses.reset()
    responses.request(None)

    assert sent(responses)["event_id"] != first


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        {"code": "invalid_value", "message": "m", "event_id": "mine"},
        {"code": "bad_response_create", "message": "m", "event_id": None},
        {"code": None, "message": "response.create is not allowed", "event_id": None},
        {"code": ALREADY_ACTIVE, "message": "busy"},
        {"code": "unknown_parameter", "message": "m", "param": "response.foo", "event_id": None},
    ],
    ids=["event id", "code", "message", "already active", "parameter"],
)
def test_a_refused_create_does_not_block_the_queue(error: dict[str, Any]) -> None:
    """However the server says it: by event_id, or, when it names none, in its code, message or parameter."""
    responses = ResponseSequencer()
    responses.request_event({"type": "response.create", "event_id": "mine"})
    sent(responses)
    responses.request({"next": True})

    responses.failed(error)

    assert sent(responses)["response"] == {"next": True}


@pytest.mark.parametrize(
    "error",
    [
        {"code": "invalid_value", "message": "m", "event_id": "other"},
        {"code": "invalid_value", "message": "m", "event_id": None},
        {"code": "invalid_value", "message": "m", "param": "item.content", "event_id": None},
        {},
        {"code": 17, "message": None, "event_id": []},
    ],
)
def test_an_error_about_something_else_leaves_the_create_pending(error: dict[str, Any]) -> None:
    """A refused image must not make the transport ask twice."""
    responses = asked(None)
    sent(responses)
    responses.request({"next": True})
    responses.failed(error)

    assert responses.next_create() is None


@pytest.mark.parametrize(("event_id", "free"), [("mine", True), (None, True), ("other", False)])
def test_a_create_that_is_given_up_makes_room_for_the_next(event_id: str | None, free: bool) -> None:
    """Its late answer is a response like any other."""
    responses = ResponseSequencer()
    responses.request_event({"type": "response.create", "event_id": "mine"})
    sent(responses)
    responses.request({"next": True})
    responses.give_up_create(event_id)

    assert (responses.next_create() is not None) is free
    responses.created(default("late"))
    assert responses.active


def test_requests_that_a_refused_create_would_have_served_are_asked_for_again() -> None:
    """The create was for all of them: the refusal costs one request, not all."""
    responses = asked(None, None)
    responses.failed(refusal(sent(responses)))

    again = sent(responses)
    responses.failed(refusal(again))
    assert responses.next_create() is None
    assert not responses.busy


def test_a_create_that_lost_the_race_waits_for_its_turn() -> None:
    """The server's VAD began a response of its own at the same moment: the request is early, not wrong."""
    responses = asked({"n": 1})
    event = sent(responses)
    responses.created(aside("other") | {"conversation_id": "conv_1"})  # the server's own
    responses.failed(refusal(event, ALREADY_ACTIVE))
    assert responses.next_create() is None

    responses.done(default("other"))
    assert sent(responses)["response"] == {"n": 1}


def test_a_create_that_could_not_be_sent_frees_its_place() -> None:
    """A full outbox must not block every later request."""
    responses = asked(None)
    sent(responses)
    responses.unsent()
    responses.request(None)

    sent(responses)


def test_a_done_that_nobody_announced_answers_the_create() -> None:
    """A quota failure comes as response.done alone."""
    responses = asked(None)
    sent(responses)
    responses.done({"id": "r1", "status": "failed"})
    responses.request(None)

    sent(responses)


# -- cancels -------------------------------------------------------------------------------------


def test_a_cancel_holds_the_queue_until_the_response_is_done() -> None:
    """A create before that would be refused."""
    responses = running()
    responses.cancelling()
    assert not responses.can_cancel
    responses.request(None)
    assert responses.next_create() is None

    responses.done(default("r1"))
    sent(responses)


def test_a_refused_cancel_never_blocks_the_queue() -> None:
    """The server says that nothing runs: then nothing may be waited for, whatever was missed."""
    responses = running()
    responses.cancelling()
    responses.request(None)
    responses.failed({"code": CANCEL_NOT_ACTIVE, "message": "m"})

    sent(responses)


def test_the_late_done_of_a_response_that_was_given_up_answers_nobody() -> None:
    """Else it would free the place of a create that is still unanswered."""
    responses = running()
    responses.cancelling()
    responses.request(None)
    responses.failed({"code": CANCEL_NOT_ACTIVE, "message": "m"})
    sent(responses)
    responses.request({"n": 2})

    responses.done(default("r1"))
    assert responses.next_create() is None


@pytest.mark.parametrize("response_id", ["gone", "aside"])
def test_a_cancel_of_another_response_does_not_concern_the_queue(response_id: str) -> None:
    """Neither that it was sent, nor that the server finds nothing to cancel."""
    responses = running()
    responses.created(aside("aside"))
    responses.cancelling(response_id)
    responses.failed({"code": CANCEL_NOT_ACTIVE, "message": "m"})
    responses.request(None)

    assert responses.active
    assert responses.next_create() is None
    responses.done(default("r1"))
    sent(responses)


# -- several at once -----------------------------------------------------------------------------


def test_an_out_of_band_response_neither_blocks_nor_frees_the_queue() -> None:
    """Responses are told apart by their ids."""
    responses = running()
    responses.created(aside("aside"))
    responses.request(None)
    responses.done(aside("aside"))
    assert responses.next_create() is None

    responses.created(aside("aside2"))
    responses.done(default("r1"))
    sent(responses)


def test_an_out_of_band_response_does_not_answer_a_create_of_the_conversation() -> None:
    """The create is still pending when another response begins."""
    responses = asked(None)
    sent(responses)
    responses.created(aside("aside"))
    responses.request({"n": 2})

    assert responses.next_create() is None


def test_a_create_out_of_band_is_answered_by_its_own_kind() -> None:
    """conversation "none" is answered by a response without a conversation."""
    responses = asked({"conversation": "none"}, {"n": 2})
    sent(responses)
    responses.created(aside("aside"))

    assert sent(responses)["response"] == {"n": 2}
    assert responses.is_out_of_band("aside")
    assert not responses.active


def test_parallel_responses_all_have_to_be_done() -> None:
    """The first done of two does not free the place."""
    responses = running("r1")
    responses.created(default("r2"))
    responses.request(None)
    responses.done(default("r1"))
    assert responses.next_create() is None

    responses.done(default("r2"))
    sent(responses)


def test_a_response_names_its_audio_format_while_it_runs() -> None:
    """response.created may say another format than the session."""
    responses = ResponseSequencer()
    responses.created(default("r1") | {"audio": {"output": {"format": {"type": "audio/pcmu"}}}})

    assert format_of(responses, "r1") == PCMU
    assert format_of(responses, "r2") is None
    responses.done(default("r1"))
    assert format_of(responses, "r1") is None


@pytest.mark.parametrize("odd", [{}, {"id": None}, {"id": 17, "audio": "loud"}, {"audio": {"output": []}}])
def test_an_odd_response_still_starts_and_ends(odd: dict[str, Any]) -> None:
    """Fields that are not what they should be must not block the queue."""
    responses = asked(None)
    sent(responses)
    responses.created(odd)
    responses.done(odd)
    responses.request(None)

    sent(responses)


# -- anything ------------------------------------------------------------------------------------

HAPPENINGS = st.lists(
    st.sampled_from(
        [
            *("auto", "manual", "create", "cancel", "cancel r0", "refused", "unlinked", "cancel refused"),
            *(f"{what} {name}" for what in ("created", "done") for name in ("r0", "r1", "x0")),
        ]
    ),
    max_size=40,
)


@given(HAPPENINGS)
def test_whatever_happens_the_queue_moves_again(happenings: list[str]) -> None:
    """At most one create waits for an answer; once everything that runs is done, what was asked for goes out."""
    responses, last = ResponseSequencer(), {"event_id": ""}
    for happening in happenings:
        what, _, name = happening.partition(" ")
        made = aside(name) if name.startswith("x") else default(name)
        if what == "create":
            due = responses.next_create()
            assert due is None or not responses.active
            assert responses.next_create() is None
            last = due[0] if due else last
        elif happening == "cancel refused":
            responses.failed({"code": CANCEL_NOT_ACTIVE, "message": ""})
        else:
            moves: dict[str, Callable[[], None]] = {
                "auto": partial(responses.request, None),
                "manual": partial(responses.request, {}),
                "cancel": partial(responses.cancelling, name or None),
                "refused": partial(responses.failed, refusal(last)),
                "unlinked": partial(responses.failed, {"code": "x", "message": "y"}),
                "created": partial(responses.created, made),
                "done": partial(responses.done, made),
            }
            moves[what]()

    for number in range(len(happenings) * 2 + 3):
        for name in ("r0", "r1"):
            responses.done(default(name))
        if responses.next_create() is not None:
            responses.created(default(f"end{number}"))
            responses.done(default(f"end{number}"))
        else:
            responses.done(default(f"nobody{number}"))
    assert responses.next_create() is None
    responses.done(aside("x0"))
    assert not responses.busy


ILLEGAL = {
    (Slot.FREE, SlotEvent.CREATE_UNSENT),
    (Slot.CREATING, SlotEvent.CREATE_SENT),
    (Slot.CANCELLING, SlotEvent.CREATE_SENT),
    (Slot.CANCELLING, SlotEvent.CREATE_UNSENT),
}


@pytest.mark.parametrize(("slot", "event"), [*itertools.product(Slot, SlotEvent)])
def test_every_move_of_the_slot_is_known_or_raises(slot: Slot, event: SlotEvent) -> None:
    """Our own mistakes raise; the server and the user may do anything at any time."""
    if (slot, event) in ILLEGAL:
        with pytest.raises(IllegalMoveError, match=f"{event.name} while {slot.name}"):
            move(SLOTS, slot, event)
    else:
        assert move(SLOTS, slot, event) in Slot


def test_a_create_that_was_never_given_out_cannot_be_unsent() -> None:
    """The sequencer tells, instead of going on with a wrong state."""
    with pytest.raises(IllegalMoveError):
        ResponseSequencer().unsent()


def test_a_create_past_the_queue_is_not_asked_for_again() -> None:
    """Whoever sent it by hand sees the refusal; the queue goes on."""
    responses = ResponseSequencer()
    responses.sent_past_queue({"type": "response.create", "event_id": "mine"})
    responses.request()
    waits = responses.next_create() is None
    responses.created(default("other"))
    responses.failed({"code": ALREADY_ACTIVE, "message": "", "event_id": "mine"})
    responses.done(default("other"))

    assert waits
    assert sent(responses)["event_id"] != "mine"
    assert "creating" in repr(responses)


def test_a_response_that_does_not_say_where_it_belongs_is_what_was_asked_for() -> None:
    """A server may leave `conversation_id` out: then the response answers the create that waits, of either kind."""
    responses = asked({"conversation": "none"}, None)
    sent(responses)
    responses.created({"id": "r1"})
    assert responses.is_out_of_band("r1")

    sent(responses)
    responses.created({"id": "r2"})
    assert not responses.is_out_of_band("r2")


@pytest.mark.parametrize(("created", "done"), [({}, {"id": "r1"}), ({"id": "r1"}, {}), ({"id": ""}, {"id": "r1"})])
def test_a_response_without_an_id_ends_all_the_same(created: dict[str, Any], done: dict[str, Any]) -> None:
    """Where one of its two events names none, the one that is left is meant, and the queue moves on."""
    responses = asked(None)
    sent(responses)
    responses.created(created)
    responses.request()
    responses.done(done)

    assert not responses.active
    assert sent(responses)


def test_a_response_keeps_the_format_that_the_session_had_when_it_began() -> None:
    """Unless it names one of its own; a session that named none leaves it open."""
    responses = ResponseSequencer()
    responses.created(default("r1"), PCMU)
    responses.created({**default("r2"), "audio": {"output": {"format": {"type": "audio/pcm"}}}}, PCMU)
    responses.created(default("r3"))

    assert [format_of(responses, name) for name in ("r1", "r2", "r3")] == [PCMU, PCM16, None]
