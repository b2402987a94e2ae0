"""Which frame led to which, and which requests still wait."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol import requests
from rtcli.protocol.catalog import EVENT_TYPES, event_types
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Direction

Json: TypeAlias = dict[str, Any]


class Wire:
    """Numbers frames as a log does, and keeps what was said of each."""

    def __init__(self, *frames: tuple[str, Json | None]) -> None:
        self.pending = PendingRequests()
        self.parents: dict[int, int | None] = {}
        self.settled: dict[int, int] = {}
        for way, event in frames:
            self.feed(way, event)

    def feed(self, way: str, event: Json | None, caused_by: int | None = None) -> int | None:
        number = len(self.parents) + 1
        self.parents[number] = self.pending.observe(number, Direction(way), event, caused_by)
        self.settled.update((request.number, number) for request in self.pending.settled)
        return self.parents[number]

    def sends(self, *events: Json) -> Wire:
        for event in events:
            self.feed(">", event)
        return self

    def gets(self, *events: Json) -> list[int | None]:
        return [self.feed("<", event) for event in events]

    @property
    def waiting(self) -> list[str]:
        return [request.type for request in self.pending.waiting]


def event(kind: str, **fields: Any) -> Json:
    return {"type": kind, **fields}


def item(kind: str, item_id: str | None, **fields: Any) -> Json:
    return {"type": kind, "item": {"type": "message", "role": "user", "id": item_id, **fields}}


def response(kind: str, response_id: str, **fields: Any) -> Json:
    return {"type": kind, "response": {"id": response_id, **fields}}


def error(code: str | None = None, *, event_id: str | None = None, param: str | None = None, message: str = "") -> Json:
    return {"type": "error", "error": {"code": code, "param": param, "message": message, "event_id": event_id}}


CREATE = event("response.create")
USER = {"type": "conversation.item.create", "item": {"type": "message", "role": "user"}}
OUT_OF_BAND = {"type": "response.create", "response": {"conversation": "none"}}
APPEND = event("input_audio_buffer.append", audio="AAAA")


# -- replies -------------------------------------------------------------------------------------------

SESSION_ITEM = {"id": "i", "type": "message", "role": "user"}
REPLIES: dict[str, tuple[Json, Json]] = {
    "session.update": ({"session": {"type": "realtime"}}, {"session": {}}),
    "input_audio_buffer.commit": ({}, {"item_id": "i"}),
    "input_audio_buffer.clear": ({}, {}),
    "conversation.item.create": ({"item": SESSION_ITEM}, {"item": SESSION_ITEM}),
    "conversation.item.retrieve": ({"item_id": "i"}, {"item": SESSION_ITEM}),
    "conversation.item.truncate": ({"item_id": "i", "content_index": 0, "audio_end_ms": 1}, {"item_id": "i"}),
    "conversation.item.delete": ({"item_id": "i"}, {"item_id": "i"}),
    "response.create": ({}, {"response": {"id": "r", "status": "failed"}}),
    "response.cancel": ({}, {"response": {"id": "r", "status_details": {"reason": "client_cancelled"}}}),
    "output_audio_buffer.clear": ({}, {"response_id": "r"}),
}
"""For each type of request the rest of the request and of its reply, as the API has them."""

WITH_A_REPLY = [row for row in event_types(Direction.SENT) if row.reply]


@pytest.mark.parametrize("row", WITH_A_REPLY, ids=lambda row: row.name)
def test_every_request_is_answered_by_the_reply_that_the_catalog_names(row: Any) -> None:
    """A later request of the same type, other replies and events of other types leave it waiting."""
    request, reply = REPLIES[row.name]
    wire = Wire().sends(event("rate_limits.updated"), event(row.name, **request), event(row.name, **request))

    wire.gets(event("rate_limits.updated"), event("response.output_text.delta", response_id="other"))
    assert wire.waiting == [row.name, row.name]
    assert wire.gets(event(row.reply, **reply)) == [2]
    assert wire.settled == {2: 6}
    assert wire.gets(event(row.reply, **reply)) == [3]
    assert wire.waiting == []


@pytest.mark.parametrize("row", event_types(Direction.SENT), ids=lambda row: row.name)
def test_every_event_of_ours_can_be_refused_by_its_id(row: Any) -> None:
    """Also where another of its type was sent before, and another event after."""
    wire = Wire().sends(event(row.name), event(row.name, event_id="mine"), event("session.update"))

    assert wire.gets(error(event_id="mine")) == [2]
    assert 2 not in {request.number for request in wire.pending.waiting}


@pytest.mark.parametrize("row", WITH_A_REPLY, ids=lambda row: row.name)
def test_a_server_that_answers_nothing_costs_a_bounded_memory(row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest requests are given up; those that are kept are answered as before."""
    monkeypatch.setattr(requests, "MAX_WAITING", 5)
    request, reply = REPLIES[row.name]
    wire = Wire().sends(*[event(row.name, **request)] * 8)

    assert [waits.number for waits in wire.pending.waiting] == [4, 5, 6, 7, 8]
    assert wire.gets(event(row.reply, **reply)) == [4]


@pytest.mark.parametrize("kind", ["input_audio_buffer.append", "session.close", "something.new"])
def test_an_event_without_a_reply_is_not_waited_for(kind: str) -> None:
    """Appended audio, the end of a session, and events that nobody knows."""
    assert Wire().sends(event(kind)).waiting == []


def test_replies_of_one_type_answer_in_order_and_leave_refused_requests_out() -> None:
    """The second confirmation answers the third update where the second was refused."""
    wire = Wire().sends(*(event("session.update", event_id=name) for name in "abc"))

    updated = event("session.updated", session={})
    assert wire.gets(updated, error(event_id="b"), updated) == [1, 2, 3]
    assert wire.waiting == []


def test_a_reply_that_names_an_item_answers_for_that_item() -> None:
    """Two deletes: the reply about the second item leaves the first one waiting."""
    wire = Wire().sends(*(event("conversation.item.delete", item_id=name) for name in "ab"))

    assert wire.gets(event("conversation.item.deleted", item_id="b")) == [2]
    assert [request.key for request in wire.pending.waiting] == ["a"]


def test_what_another_client_of_the_call_asked_for_is_not_ours() -> None:
    """A reply about an item that we did not ask about settles nothing."""
    wire = Wire().sends(event("conversation.item.delete", item_id="a"))

    assert wire.gets(event("conversation.item.deleted", item_id="b")) == [None]
    assert wire.waiting == ["conversation.item.delete"]
    assert not wire.pending.holds_up, "nobody waits for a reply that may have been this one"


# -- what no reply will be matched to -------------------------------------------------------------------


def test_a_request_that_the_server_has_passed_over_holds_nobody_up() -> None:
    """Servers answer in order: the reply to a later one shows it. A late reply is linked all the same."""
    wire = Wire().sends(
        USER, event("conversation.item.retrieve", item_id="a"), event("conversation.item.retrieve", item_id="b")
    )
    assert wire.pending.holds_up

    wire.gets(event("conversation.item.retrieved", item={"id": "a"}))
    assert (wire.waiting, wire.pending.holds_up) == (["conversation.item.create", "conversation.item.retrieve"], True)
    wire.gets(event("conversation.item.retrieved", item={"id": "b"}))
    assert (wire.waiting, wire.pending.holds_up) == (["conversation.item.create"], False)
    assert wire.gets(item("conversation.item.done", "u")) == [1]
    assert wire.waiting == []


def test_a_create_waits_for_its_response_whatever_is_answered_before() -> None:
    """Its end comes late by nature."""
    wire = Wire().sends(event("response.create"), event("session.update"))
    wire.gets(event("response.created", response={"id": "r"}), event("session.updated", session={}))
    assert wire.pending.holds_up
    wire.gets(event("response.done", response={"id": "r"}))
    assert not wire.pending.holds_up


def test_the_output_of_a_call_is_passed_over_when_a_response_that_follows_it_begins() -> None:
    """While a response runs the server holds outputs back, and answers what comes after them."""
    output = {"type": "function_call_output", "call_id": "c", "output": ""}
    wire = Wire().sends({"type": "conversation.item.create", "item": output}, event("session.update"))
    wire.gets(event("session.updated", session={}))
    assert wire.pending.holds_up
    wire.sends(event("response.create"))
    wire.gets(event("response.created", response={"id": "r"}), event("response.done", response={"id": "r"}))
    assert (wire.waiting, wire.pending.holds_up) == (["conversation.item.create"], False)


def test_an_item_that_gets_the_id_of_another_answers_the_create_that_waits() -> None:
    """The second item is added under the first one's id, or under that of an answer."""
    wire = Wire().sends(USER)
    assert wire.gets(item("conversation.item.added", "u"), item("conversation.item.done", "u")) == [1, 1]
    wire.sends(USER)
    assert wire.gets(item("conversation.item.added", "u"), item("conversation.item.done", "u")) == [4, 4]

    wire.gets(event("response.output_item.added", item={"id": "m", "type": "message", "role": "assistant"}))
    wire.gets(event("conversation.item.added", item={"id": "m", "type": "message", "role": "assistant"}))
    wire.sends(USER)
    assert wire.gets(item("conversation.item.added", "m"), item("conversation.item.done", "m")) == [9, 9]
    assert wire.waiting == []


@pytest.mark.parametrize("response", [{"id": "other"}, {}, None, {"id": None}, {"id": "other", "conversation_id": "c"}])
def test_a_response_that_ends_under_another_name_ends_the_one_that_runs(response: Any) -> None:
    """One response of the conversation runs at a time."""
    wire = Wire().sends(event("response.create"))
    wire.gets(event("response.created", response={"id": "r"}))

    assert wire.gets(event("response.done", response=response)) == [1]
    assert wire.waiting == []


# -- items ---------------------------------------------------------------------------------------------


def test_items_without_an_id_are_told_apart_by_what_they_are() -> None:
    """An output that the server holds back until the response is done does not take another item's reply."""
    output = {"type": "function_call_output", "call_id": "c2", "output": ""}
    first = {**output, "call_id": "c1"}
    wire = Wire().sends(*({"type": "conversation.item.create", "item": it} for it in (first, output)), USER)

    assert wire.gets(item("conversation.item.added", "u"), item("conversation.item.done", "u")) == [3, 3]
    echo = {"id": "o", **output}
    assert wire.gets({"type": "conversation.item.added", "item": echo}) == [2]
    assert wire.gets({"type": "conversation.item.done", "item": echo}) == [2]
    assert [request.number for request in wire.pending.waiting] == [1]


def test_items_of_the_model_and_committed_audio_do_not_answer_a_create() -> None:
    """They end with conversation.item.done as well."""
    wire = Wire().sends(USER)
    wire.gets(event("response.output_item.added", item={"id": "m", "type": "message", "role": "assistant"}))
    wire.gets(event("input_audio_buffer.committed", item_id="s"))

    assert wire.gets(item("conversation.item.added", "m", role="assistant"), item("conversation.item.added", "s")) == [
        2,
        3,
    ]
    assert wire.gets(item("conversation.item.done", "m", role="assistant"), item("conversation.item.done", "s")) == [
        2,
        3,
    ]
    assert wire.waiting == ["conversation.item.create"]
    assert wire.gets(item("conversation.item.added", "u"), item("conversation.item.done", "u")) == [1, 1]
    assert wire.waiting == []


def test_a_beta_server_announces_an_item_once() -> None:
    """conversation.item.created is all that such a server says."""
    wire = Wire().sends(USER)

    assert wire.gets(item("conversation.item.created", "x")) == [1]
    assert wire.waiting == []


def test_an_item_that_is_created_again_leads_to_the_later_create() -> None:
    """Ids of deleted items may be used again."""
    again = item("conversation.item.create", "a")
    wire = Wire().sends(again, event("conversation.item.delete", item_id="a"), again)

    replies = [item("conversation.item.added", "a"), item("conversation.item.done", "a")]
    assert wire.gets(*replies) == [1, 1]
    assert wire.gets(event("conversation.item.deleted", item_id="a")) == [2]
    assert wire.gets(*replies) == [3, 3]
    assert wire.waiting == []


def test_what_is_heard_of_an_item_leads_to_the_commit() -> None:
    """Transcripts float freely; while the user still speaks they lead to the beginning of the speech."""
    started = event("input_audio_buffer.speech_started", item_id="s")
    heard = "conversation.item.input_audio_transcription"
    wire = Wire((">", APPEND), (">", APPEND))

    assert wire.gets(started, event(f"{heard}.delta", item_id="s", delta="a")) == [2, 3]
    assert wire.gets(event("input_audio_buffer.speech_stopped", item_id="s")) == [3]
    assert wire.gets(event("input_audio_buffer.committed", item_id="s")) == [5]
    assert wire.gets(event(f"{heard}.completed", item_id="s"), event(f"{heard}.failed", item_id="s")) == [6, 6]


# -- responses -----------------------------------------------------------------------------------------


def test_all_of_a_response_leads_to_its_beginning_and_that_to_the_request() -> None:
    """Deltas, parts and items by the response's id; the limits follow its end."""
    place = {"response_id": "r", "item_id": "m", "content_index": 0}
    wire = Wire().sends(CREATE)

    assert wire.gets(response("response.created", "r")) == [1]
    assert wire.gets(event("response.output_item.added", response_id="r", item={"id": "m"})) == [2]
    assert wire.gets(item("conversation.item.added", "m", role="assistant")) == [3]
    inside = ("response.content_part.added", "response.output_audio.delta", "response.function_call_arguments.done")
    assert wire.gets(*(event(kind, **place) for kind in inside)) == [2, 2, 2]
    assert wire.gets(event("response.something.new", response_id="r")) == [2]
    assert wire.gets(event("response.output_item.done", response_id="r", item={"id": "m"})) == [2]
    assert wire.gets(response("response.done", "r"), event("rate_limits.updated")) == [2, 10]
    assert wire.waiting == []


def test_responses_are_told_apart_by_their_id() -> None:
    """Two run at once; the second ends first."""
    wire = Wire().sends(CREATE, OUT_OF_BAND)
    theirs = response("response.created", "r2", conversation_id=None)

    assert wire.gets(theirs, response("response.created", "r1", conversation_id="c")) == [2, 1]
    wire.gets(response("response.done", "r2", conversation_id=None))
    assert [request.number for request in wire.pending.waiting] == [1]


def test_metadata_tells_responses_apart_that_begin_out_of_order() -> None:
    """The server echoes it."""
    requests = [event("response.create", response={"conversation": "none", "metadata": {"n": n}}) for n in "12"]
    wire = Wire().sends(*requests)

    assert wire.gets(response("response.created", "b", conversation_id=None, metadata={"n": "2"})) == [2]
    assert wire.gets(response("response.created", "a", conversation_id=None, metadata={"n": "1"})) == [1]


def test_a_response_that_ran_before_is_not_an_answer() -> None:
    """In a call that was joined somebody else asked for it."""
    wire = Wire(("<", response("response.created", "theirs")), (">", CREATE))

    assert wire.gets(response("response.done", "theirs")) == [1]
    assert wire.waiting == ["response.create"]


def test_a_response_that_fails_before_it_is_created_is_an_answer() -> None:
    """A quota failure is a response.done without response.created."""
    wire = Wire().sends(CREATE)

    assert wire.gets(response("response.done", "r", status="failed")) == [1]
    assert wire.waiting == []


def test_one_response_done_ends_a_create_and_its_cancel() -> None:
    """It was the cancel that led to it."""
    wire = Wire().sends(CREATE, event("response.cancel"))
    wire.gets(response("response.created", "r"))
    done = response("response.done", "r", status_details={"reason": "client_cancelled"})

    assert wire.gets(done) == [2]
    assert wire.settled == {1: 4, 2: 4}


def test_a_cancel_of_the_conversation_is_not_answered_by_a_response_beside_it() -> None:
    """One that names no response stops the conversation's."""
    wire = Wire().sends(CREATE, OUT_OF_BAND, event("response.cancel"), event("response.cancel", response_id="x"))
    wire.gets(response("response.created", "r", conversation_id="c"))
    wire.gets(response("response.created", "x", conversation_id=None))
    cancelled = {"status_details": {"reason": "client_cancelled"}}

    assert wire.gets(response("response.done", "x", **cancelled)) == [4]
    assert wire.gets(response("response.done", "r", **cancelled)) == [3]


def test_a_cancel_that_speech_outran_ends_the_response_after_it() -> None:
    """The first response ended because of the speech, before the server read the cancel."""
    wire = Wire(("<", detects()), (">", CREATE), ("<", response("response.created", "r", conversation_id="c")))
    wire.sends(APPEND, event("response.cancel"))
    wire.gets(spoken("s")[0])

    assert wire.gets(response("response.done", "r", status_details={"reason": "turn_detected"})) == [6]
    assert wire.waiting == []
    wire.gets(*spoken("s")[1:], response("response.created", "r2", conversation_id="c"))
    assert wire.gets(response("response.done", "r2", status_details={"reason": "client_cancelled"})) == [5]


def test_a_cancel_that_came_too_late_is_named_by_its_refusal() -> None:
    """The response was completed meanwhile, and so nothing waits for the cancel when the error comes."""
    wire = Wire().sends(CREATE, event("response.cancel"))

    wire.gets(response("response.created", "r"), response("response.done", "r", status="completed"))
    assert wire.waiting == []
    assert wire.gets(error("response_cancel_not_active")) == [2]


def test_a_cancel_that_was_refused_by_name_is_not_mistaken_for_a_later_one() -> None:
    """Else the later one would wait for ever, and with it the end of the turn."""
    first, second = ({"type": "response.cancel", "event_id": name} for name in ("c1", "c2"))
    wire = Wire().sends(CREATE, first)
    wire.gets(response("response.created", "r"), response("response.done", "r", status="completed"))
    wire.gets({"type": "error", "error": {"code": "response_cancel_not_active", "event_id": "c1"}})

    wire.sends(CREATE, second)
    wire.gets(response("response.created", "r2"))
    wire.gets(response("response.done", "r2", status_details={"reason": "client_cancelled"}))

    assert wire.waiting == []
    assert not wire.pending.holds_up


# -- turns that the server takes -----------------------------------------------------------------------


def detects(**fields: Any) -> Json:
    return event("session.created", session={"audio": {"input": {"turn_detection": {"type": "server_vad", **fields}}}})


def spoken(item_id: str) -> list[Json]:
    names = ("speech_started", "speech_stopped", "committed")
    return [event(f"input_audio_buffer.{name}", item_id=item_id) for name in names]


def test_a_spoken_turn_leads_back_to_its_audio() -> None:
    """append <- speech_started <- speech_stopped <- committed <- response.created, and the item to the commit."""
    wire = Wire(("<", detects()), (">", APPEND))

    assert wire.gets(*spoken("s")) == [2, 3, 4]
    assert wire.gets(item("conversation.item.added", "s"), item("conversation.item.done", "s")) == [5, 5]
    assert wire.gets(response("response.created", "r", conversation_id="c")) == [5]


def test_speech_that_stops_a_response_is_what_led_to_its_end() -> None:
    """turn_detected."""
    wire = Wire(("<", detects()), (">", CREATE), ("<", response("response.created", "r")), (">", APPEND))
    wire.gets(spoken("s")[0])

    assert wire.gets(response("response.done", "r", status_details={"reason": "turn_detected"})) == [5]


def test_a_create_that_lost_the_race_against_speech_is_not_linked_to_the_servers_response() -> None:
    """The server answers the turn by itself, and then refuses the create that it had not read before."""
    wire = Wire(("<", detects()), (">", APPEND), (">", {**CREATE, "event_id": "late"}))
    wire.gets(*spoken("s"))

    assert wire.gets(response("response.created", "theirs", conversation_id="c")) == [6]
    assert wire.gets(error("conversation_already_has_active_response", event_id="late")) == [3]
    assert wire.gets(response("response.done", "theirs")) == [7]
    assert wire.waiting == []


def test_a_turn_that_the_server_leaves_to_us_is_answered_by_our_create() -> None:
    """create_response: false, or a server that says nothing of its settings."""
    for first in (detects(create_response=False), event("session.created")):
        wire = Wire(("<", first), (">", CREATE), ("<", spoken("s")[2]))

        assert wire.gets(response("response.created", "r")) == [2]


def test_whoever_asks_after_the_turn_gets_the_response() -> None:
    """Some servers say create_response and never do it."""
    wire = Wire(("<", detects()), *(("<", e) for e in spoken("s")), (">", CREATE))

    assert wire.gets(response("response.created", "r")) == [5]


def test_a_response_of_the_server_that_it_could_not_begin_leads_to_the_turn() -> None:
    """With interrupt_response off a turn may end while a response runs; the error names no event."""
    wire = Wire(("<", detects(interrupt_response=False)), (">", CREATE), ("<", response("response.created", "r")))
    wire.gets(*spoken("s"))

    assert wire.gets(error("conversation_already_has_active_response")) == [6]
    assert wire.waiting == ["response.create"]


def test_a_commit_of_ours_is_not_a_turn_of_the_server() -> None:
    """Also when it ends speech that the server was hearing: speech_stopped is never sent for it."""
    wire = Wire(("<", detects()), (">", APPEND), ("<", spoken("s")[0]), (">", event("input_audio_buffer.commit")))

    assert wire.gets(spoken("s")[2]) == [4]
    assert wire.sends(CREATE).gets(response("response.created", "r")) == [6]


def test_an_idle_user_leads_back_to_the_response_before() -> None:
    """response.done <- timeout_triggered <- committed <- response.created."""
    wire = Wire(("<", detects()), (">", CREATE), ("<", response("response.done", "r")))

    assert wire.gets(event("input_audio_buffer.timeout_triggered", item_id="s")) == [3]
    assert wire.gets(event("input_audio_buffer.committed", item_id="s")) == [4]
    assert wire.gets(response("response.created", "r2")) == [5]


# -- tools ---------------------------------------------------------------------------------------------


def test_a_tools_output_leads_to_its_call() -> None:
    """And a request that the sender knows a cause of leads to that."""
    call = {"id": "f", "type": "function_call", "call_id": "c"}
    wire = Wire(("<", event("response.output_item.done", response_id="r", item=call)))
    output = {"type": "function_call_output", "call_id": "c", "output": "1"}

    assert wire.feed(">", {"type": "conversation.item.create", "item": output}, caused_by=None) == 1
    assert wire.feed(">", CREATE, caused_by=1) == 1


def test_listed_tools_lead_to_the_update_that_named_their_server() -> None:
    """Each server to its own; the events of a listing lead to its item."""
    update = [event("session.update", session={"tools": [{"type": "mcp", "server_label": name}]}) for name in "ab"]
    wire = Wire().sends(*update)
    listing = {"type": "mcp_list_tools", "server_label": "a"}

    assert wire.gets({"type": "conversation.item.added", "item": {"id": "l", **listing}}) == [1]
    ends = ("mcp_list_tools.in_progress", "mcp_list_tools.completed", "mcp_list_tools.failed")
    assert wire.gets(*(event(kind, item_id="l") for kind in ends)) == [3, 3, 3]
    assert wire.gets({"type": "conversation.item.done", "item": {"id": "l", **listing}}) == [3]


@pytest.mark.parametrize("ends", ["response.output_item.done", "conversation.item.done"])
def test_an_approval_leads_to_its_request_and_the_call_to_the_approval(ends: str) -> None:
    """mcp_approval_request <- mcp_approval_response <- mcp_call <- its events."""
    wire = Wire(("<", event(ends, item={"id": "q", "type": "mcp_approval_request"})))
    answer = {"type": "mcp_approval_response", "approval_request_id": "q", "approve": True}
    assert wire.feed(">", {"type": "conversation.item.create", "item": answer}) == 1

    echo = {"id": "a", **answer}
    assert wire.gets(*({"type": f"conversation.item.{end}", "item": echo} for end in ("added", "done"))) == [2, 2]
    call = {"id": "m", "type": "mcp_call", "approval_request_id": "q"}
    assert wire.gets({"type": "conversation.item.added", "item": call}) == [2]
    assert wire.gets(event("response.mcp_call.in_progress", item_id="m")) == [5]


def test_what_is_played_on_a_call_belongs_to_its_response() -> None:
    """output_audio_buffer.cleared answers our clear, or comes of speech."""
    wire = Wire(("<", response("response.created", "r")))
    started, cleared = (event(f"output_audio_buffer.{end}", response_id="r") for end in ("started", "cleared"))

    assert wire.gets(started, cleared) == [1, 1]
    assert wire.sends(event("output_audio_buffer.clear")).gets(cleared) == [4]


def test_the_end_of_a_session_leads_to_its_close() -> None:
    """session.close has no reply in most sessions, but a translation's says so."""
    assert Wire().sends(event("session.close")).gets(event("session.closed")) == [1]


# -- errors that name no event -------------------------------------------------------------------------

SPOKEN_OF = [
    ("session.update", error(param="session.type")),
    ("session.update", error("cannot_update_voice")),
    ("conversation.item.create", error(param="item.type")),
    ("conversation.item.create", error("invalid_tool_call_id")),
    ("conversation.item.retrieve", error("item_retrieve_invalid_item_id")),
    ("conversation.item.truncate", error(param="audio_end_ms")),
    ("conversation.item.truncate", error(message="Only model output audio messages can be truncated")),
    ("conversation.item.delete", error("item_delete_invalid_item_id")),
    ("input_audio_buffer.commit", error("input_audio_buffer_commit_empty")),
    ("input_audio_buffer.append", error(param="audio")),
    ("response.create", error("conversation_already_has_active_response")),
    ("response.create", error(param="response.voice")),
    ("response.cancel", error("response_cancel_not_active")),
    ("no.such.event", error(param="type", message="Invalid value: 'no.such.event'. Supported values are: 'a'.")),
]


@pytest.mark.parametrize(
    ("kind", "refusal"), SPOKEN_OF, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(SPOKEN_OF)]
)
@pytest.mark.parametrize("named", [False, True], ids=["without an id", "a server that never echoes ids"])
def test_an_error_without_event_id_refuses_the_event_that_it_speaks_of(kind: str, refusal: Json, named: bool) -> None:
    """Not the one that was sent first or last."""
    others = [event(name) for name in REPLIES if name != kind]
    guilty = event(kind, **({"event_id": "mine"} if named else {}))
    wire = Wire().sends(*others, guilty, *others)

    assert wire.gets(refusal) == [len(others) + 1]
    assert kind not in wire.waiting
    assert len(wire.waiting) == 2 * len(others)


def test_of_two_events_alike_the_earlier_one_was_refused() -> None:
    """The server works in order: had the first been accepted, its reply would have come before the error."""
    wire = Wire().sends(event("session.update"), event("session.update"))

    assert wire.gets(error(param="session.type"), event("session.updated")) == [1, 2]


def test_an_output_that_is_refused_is_told_from_one_that_is_held_back() -> None:
    """The server keeps the output of a call until its response is done; the message quotes the call of the other."""
    outputs = [{"type": "function_call_output", "call_id": name, "output": ""} for name in ("held", "wrong")]
    wire = Wire().sends(*({"type": "conversation.item.create", "item": output} for output in outputs))
    message = "Tool call ID 'wrong' not found in conversation."

    assert wire.gets(error("invalid_tool_call_id", message=message)) == [2]


def test_of_events_without_a_reply_none_is_named_where_there_are_several() -> None:
    """Fifty pieces of audio a second look alike; a reply to what was sent later clears those before it."""
    wrong = error(param="audio")

    assert Wire().sends(APPEND, APPEND).gets(wrong) == [None]
    wire = Wire().sends(APPEND, APPEND, event("input_audio_buffer.clear"), APPEND)
    assert wire.gets(event("input_audio_buffer.cleared"), wrong, wrong) == [3, 4, None]


def test_an_error_about_events_that_do_not_wait_ends_no_other() -> None:
    """The update still waits after an error about a delete that somebody else sent."""
    wire = Wire().sends(event("session.update"))

    assert wire.gets(error("item_delete_invalid_item_id"), error(event_id="not ours")) == [None, None]
    assert wire.waiting == ["session.update"]


def test_an_error_that_says_nothing_ends_the_oldest_event_without_an_id_and_is_linked_to_none() -> None:
    """Without the first a refused event would wait for ever; a wrong link would send the user to the wrong place."""
    wire = Wire().sends({**USER, "event_id": "named"}, event("session.update"))

    assert wire.gets(error("server_error")) == [None]
    assert wire.waiting == ["conversation.item.create"]


def test_where_all_events_have_ids_the_oldest_was_refused() -> None:
    """A server that names none of them would never end their wait."""
    wire = Wire().sends({**USER, "event_id": "a"}, {**CREATE, "event_id": "b"})

    assert wire.gets(error("server_error")) == [None]
    assert wire.waiting == ["response.create"]
    assert wire.gets(error("server_error", event_id="event_TODO")) == [None]  # what LocalAI writes for all
    assert wire.waiting == []


def test_a_server_that_names_events_would_have_named_this_one() -> None:
    """Its error about nothing ends no wait."""
    wire = Wire().sends({**USER, "event_id": "a"}, {**CREATE, "event_id": "b"})

    assert wire.gets(error("bad", event_id="a"), error("server_error")) == [1, None]
    assert wire.waiting == ["response.create"]


def test_a_reply_that_comes_after_such_an_error_is_linked_all_the_same() -> None:
    """The error was about something else: the guess is taken back."""
    wire = Wire().sends(CREATE)
    wire.gets(error("server_error"))
    assert wire.waiting == []

    assert wire.gets(response("response.created", "r")) == [1]
    assert wire.waiting == ["response.create"]
    wire.gets(response("response.done", "r"))
    assert wire.waiting == []


def test_such_an_error_is_not_put_down_to_a_running_response() -> None:
    """The response was created, so what was refused is what came after it."""
    wire = Wire().sends(CREATE, event("session.update"))
    wire.gets(response("response.created", "r"))

    wire.gets(error())
    assert wire.waiting == ["response.create"]


def test_such_errors_count_for_frames_without_a_reply_too_in_the_order_sent() -> None:
    """Two refused pieces of audio leave the commit waiting; the third error is the commit's."""
    wire = Wire().sends(APPEND, APPEND, event("input_audio_buffer.commit"))

    for expected in (1, 1, 0):
        wire.gets(error())
        assert len(wire.waiting) == expected


def test_a_reply_accepts_the_frames_without_a_reply_before_it() -> None:
    """After `cleared` an error cannot be about the audio that was sent before."""
    wire = Wire().sends(APPEND, event("input_audio_buffer.clear"), event("session.update"))
    wire.gets(event("input_audio_buffer.cleared"))

    wire.gets(error())
    assert wire.waiting == []


# -- connections, and whatever else comes --------------------------------------------------------------


def test_ids_of_one_connection_mean_nothing_on_the_next() -> None:
    """Servers count from the start again; nothing of what was sent before is answered any more."""
    wire = Wire().sends(CREATE, item("conversation.item.create", "a"), {**APPEND, "event_id": "e"})
    wire.gets(response("response.created", "r"), item("conversation.item.added", "a"))

    wire.pending.connection_lost()
    assert wire.waiting == []
    again = [event("response.output_text.delta", response_id="r"), event("mcp_list_tools.completed", item_id="a")]
    assert wire.gets(*again, error(event_id="e"), event("input_audio_buffer.speech_started", item_id="s")) == [None] * 4
    wire.sends(item("conversation.item.create", "a"))
    assert wire.gets(item("conversation.item.added", "a")) == [10]


def test_a_frame_of_unknown_origin_has_none() -> None:
    """Nothing is made up."""
    wire = Wire(
        ("<", event("something.new")), ("<", None), (">", None), ("<", error()), ("<", event("session.updated"))
    )

    assert wire.parents == dict.fromkeys(range(1, 6))


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "response.create", "none"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "event_id", "item_id", "call_id", "tools", "error"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
IDS = ["event_id", "item_id", "response_id", "call_id", "approval_request_id", "server_label", "conversation_id"]
OBJECTS = ["item", "response", "session", "error", "tools", "audio", "input", "turn_detection", "status_details"]
FIELDS = [*IDS, *OBJECTS, "param", "code", "reason", "metadata"]
HOSTILE = st.dictionaries(st.sampled_from(FIELDS), ODD | st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4))


@given(st.lists(st.tuples(st.sampled_from("<>"), st.sampled_from([*EVENT_TYPES, "x"]) | ODD, HOSTILE), max_size=12))
def test_whatever_comes_is_survived_and_leads_back_in_time(frames: list[tuple[str, Any, Json]]) -> None:
    """Odd types, missing ids, ids that are lists: no frame raises, and none is linked to a later one."""
    wire = Wire(*((way, {"type": kind, **fields}) for way, kind, fields in frames))

    assert all(parent is None or 0 < parent < number for number, parent in wire.parents.items())
