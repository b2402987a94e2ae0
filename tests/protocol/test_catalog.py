"""The table of event types."""

from __future__ import annotations

import pytest

from rtcli.protocol.catalog import BETA_NAMES, EVENT_TYPES, check_client_event, event_types, meant_by, nearest
from rtcli.protocol.record import Direction


def test_every_reply_is_an_event_of_the_server() -> None:
    """A reply that nobody sends would be waited for until the time limit."""
    replies = {row.reply for row in event_types(Direction.SENT) if row.reply}

    assert replies <= {row.name for row in event_types(Direction.RECEIVED)}


def test_every_row_says_what_it_means_in_a_line() -> None:
    """Help and documentation are printed from the rows; no field is in a row twice."""
    for row in EVENT_TYPES.values():
        fields = (*row.required, *row.optional)
        assert row.meaning and "\n" not in row.meaning
        assert len(set(fields)) == len(fields), row.name
        assert not {"type", "event_id"} & set(fields), row.name


def test_beta_names_lead_to_names_of_today() -> None:
    """A hint must not send anybody to a name that is unknown itself."""
    assert not BETA_NAMES.keys() & EVENT_TYPES.keys()
    assert set(BETA_NAMES.values()) <= EVENT_TYPES.keys()


@pytest.mark.parametrize(
    ("name", "direction", "meant"),
    [
        ("response.crate", Direction.SENT, "response.create"),
        ("conversation.item.created", Direction.SENT, "conversation.item.create"),
        ("transcription_session.update", Direction.SENT, "session.update"),
        ("response.audio.delta", Direction.RECEIVED, "response.output_audio.delta"),
        ("zzz", Direction.SENT, None),
    ],
)
def test_the_nearest_type_is_found(name: str, direction: Direction, meant: str | None) -> None:
    """Slips of the finger and names of the beta are recognised; nonsense is not given a meaning."""
    assert nearest(name, direction) == meant


@pytest.mark.parametrize(
    ("event", "finding"),
    [
        ({"type": "response.crate"}, "did you mean 'response.create'?"),
        ({"type": "zzz"}, "unknown event type 'zzz'"),
        ({"type": "session.updated"}, "an event of the server"),
        ({"type": "conversation.item.delete"}, "'item_id' is missing"),
        ({"type": "response.cancel", "id": "r"}, "unknown field 'id'"),
    ],
)
def test_what_looks_wrong_is_named(event: dict[str, str], finding: str) -> None:
    """One line for each finding."""
    findings = check_client_event(event)

    assert len(findings) == 1
    assert finding in findings[0]


def test_a_good_event_is_silent() -> None:
    """No finding for what the API takes."""
    assert check_client_event({"type": "response.cancel", "response_id": "r", "event_id": "e"}) == ()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("response.dnoe", "response.done"),
        ("input_audio_buffer.speach_started", "input_audio_buffer.speech_started"),
        ("response.done", None),
        ("response.audio.delta", None),
        ("response.*", None),
        ("vendor.metrics", None),
        ("", None),
    ],
)
def test_only_a_slip_is_taken_for_another_name(name: str, meant: str | None) -> None:
    """Events of other servers have names that nobody here knows."""
    assert meant_by(name) == meant
