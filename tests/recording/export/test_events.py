"""The events of a session: what was sent, each with what it had waited for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtcli.errors import InputError, UsageError
from rtcli.masking import MASK
from rtcli.protocol.audio_formats import decode_base64
from rtcli.protocol.ndjson import parse_events
from rtcli.protocol.record import Audio, Connected, Connection, Direction
from rtcli.recording.export.events import export_events
from tests.kit.exported import export
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone


def lines(told: Told) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export(export_events, told.records)[0].splitlines()]


def test_what_was_sent_is_there_in_its_order_and_nothing_else() -> None:
    """send-event reads the same events."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    sent = [record.event for record in told.records if getattr(record, "direction", None) is Direction.SENT]  # type: ignore[union-attr]
    data, exported = export(export_events, told.records)

    assert [line["event"] for line in lines(told)] == sent
    assert [event.value for event in parse_events(data.decode())] == sent
    assert exported.what == f"{len(sent)} events" and exported.notes == ()


def test_each_event_says_what_it_had_waited_for() -> None:
    """The output of the call for the call, the cut for as much of the answer."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    by_type = {line["event"]["type"]: line["after"] for line in lines(told)}

    assert by_type["conversation.item.create"] == {"begun": 1, "ended": 1, "ids": {"c1": ["call", 0]}}
    assert by_type["conversation.item.truncate"] == {"begun": 2, "ended": 1, "deltas": 1, "ids": {"i2": ["item", 2]}}


def test_after_a_reconnection_it_is_the_last_connection() -> None:
    """Its ids are not those of the first; that is said."""
    told = Told()
    for word in ("one", "two"):
        told.records.append(Connection(told.now, Connected.DIALING))
        told.types(word)
    told.records.append(Connection(told.now, Connected.DIALING))
    (item, _), (_, exported) = lines(told), export(export_events, told.records)

    assert item["event"]["item"]["content"][0]["text"] == "two"
    assert exported.notes == ("these are the events of the last of 2 connections",)


def test_a_masked_secret_is_said_and_not_sent() -> None:
    """What stands for it would be taken for it."""
    told = Told()
    told.sends("session.update", session={"tools": [{"type": "mcp", "authorization": MASK}]})
    data, exported = export(export_events, told.records)

    assert exported.notes[0].startswith("1 event with a masked secret")
    with pytest.raises(InputError, match="masked when it was recorded"):
        parse_events(data.decode())


def test_a_secret_of_this_process_is_masked() -> None:
    """A recording has none; one that somebody wrote by hand may."""
    told = Told()
    told.sends("session.update", session={"instructions": "my key is sk-abcdefghijklmnopqrstuvwxyz"})

    assert b"abcdefghijkl" not in export(export_events, told.records)[0]


def test_audio_beside_the_events_becomes_events() -> None:
    """A WebSocket has no other way for it; at 24 kHz, which every session takes."""
    told = Told()
    told.types()
    for _ in range(10):
        told.records.append(Audio(told.now, Direction.SENT, tone(0.1, rate=48_000), 48_000))
    appended = [line["event"]["audio"] for line in lines(told)[2:]]

    assert sum(len(decode_base64(audio)) for audio in appended) == pytest.approx(48_000, abs=2_000)


def test_a_session_in_which_nothing_was_sent_is_refused() -> None:
    """Somebody listened."""
    told = Told()
    told.begins("r")
    with pytest.raises(UsageError, match="nothing was sent"):
        export(export_events, told.records)
