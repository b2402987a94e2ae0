"""Which event of GPT-Live answers which."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Direction
from rtcli.protocol.session_kind import SessionKind


class Wire:
    """Frames of a GPT-Live session, numbered."""

    def __init__(self, kind: SessionKind = SessionKind.LIVE) -> None:
        self.pending = PendingRequests()
        self.pending.kind = kind
        self._number = 0

    def send(self, type_: str, **fields: Any) -> int:
        self._number += 1
        self.pending.observe(self._number, Direction.SENT, {"type": type_, **fields})
        return self._number

    def receive(self, type_: str, **fields: Any) -> int | None:
        self._number += 1
        return self.pending.observe(self._number, Direction.RECEIVED, {"type": type_, **fields})


def test_an_answer_names_what_it_answers() -> None:
    """Two updates are told apart, whatever the order of their answers."""
    wire = Wire()
    first, second = wire.send("session.update", event_id="a"), wire.send("session.update", event_id="b")

    assert wire.receive("session.updated", client_event_id="b") == second
    assert wire.receive("session.updated", client_event_id="a") == first
    assert not wire.pending.waiting


def test_without_a_name_the_type_tells() -> None:
    """Events without an event_id are answered in order."""
    wire = Wire()
    start = wire.send("session.start", session={})

    assert wire.receive("session.started") == start
    assert not wire.pending.waiting


def test_a_refusal_names_what_it_refuses() -> None:
    """In another field than the Realtime API has it."""
    wire = Wire()
    update = wire.send("session.update", event_id="a")
    append = wire.send("session.instructions.append", event_id="b", content="x", delegation_id=None)

    assert wire.receive("error", error={"code": "x", "client_event_id": "b"}) == append
    assert wire.pending.waiting[0].number == update
    assert wire.receive("error", error={"code": "x", "client_event_id": "a"}) == update
    assert not wire.pending.waiting


@pytest.mark.parametrize("type_", ["response.create", "session.input_audio.append", "session.thinking.append"])
def test_what_gets_no_answer_in_time_is_not_waited_for(type_: str) -> None:
    """A response.create has no response.done there, and an append is taken in when the clock passes it."""
    wire = Wire()
    number = wire.send(type_, event_id="a")

    assert not wire.pending.waiting
    assert wire.receive("session.thinking.appended", client_event_id="a") == number


def test_the_end_of_a_translation_answers_its_close() -> None:
    """So that whoever closes can wait for what was said."""
    wire = Wire(SessionKind.TRANSLATION)
    close = wire.send("session.close")

    assert wire.pending.awaits(close)
    assert wire.receive("session.closed") == close
    assert not wire.pending.waiting
