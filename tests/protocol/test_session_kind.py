"""An address says which protocol is spoken there, and the catalog what each protocol has."""

from __future__ import annotations

import pytest

from rtcli.protocol.catalog import EVENT_TYPES, ROWS, check_client_event, direction_of, event_types
from rtcli.protocol.record import Direction
from rtcli.protocol.session_kind import SessionKind, is_attached, kind_of

LIVE, SENT, RECEIVED = SessionKind.LIVE, Direction.SENT, Direction.RECEIVED


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1", SessionKind.REALTIME),
        ("wss://h/v1/realtime?model=gpt-live-transcribe", SessionKind.REALTIME),
        ("wss://h/v1/realtime?intent=transcription", SessionKind.TRANSCRIPTION),
        ("wss://h/openai/v1/realtime?intent=transcription&x=1", SessionKind.TRANSCRIPTION),
        ("wss://h/v1/realtime?intent=transcription&model=m", SessionKind.REALTIME),
        ("wss://h/v1/realtime?intent=realtime", SessionKind.REALTIME),
        ("wss://h/v1/realtime/translations?model=m", SessionKind.TRANSLATION),
        ("wss://h/openai/v1/realtime/translations/", SessionKind.TRANSLATION),
        ("wss://h/v1/live/sessions", LIVE),
        ("wss://h/openai/v1/live/sessions/live_1/attach?graceful_close=true", LIVE),
    ],
)
def test_an_address_says_which_protocol_is_spoken(url: str, kind: SessionKind) -> None:
    """The path and the intent, not the name of a model."""
    assert kind_of(url) is kind


def test_only_an_attached_address_joins_what_runs() -> None:
    """A fork is a session of one's own."""
    assert is_attached("wss://h/v1/live/sessions/live_1/attach")
    assert not is_attached("wss://h/v1/live/sessions/live_1/fork")
    assert not is_attached("wss://h/v1/realtime/attach")


def test_gpt_live_has_its_own_events() -> None:
    """Sixteen of the client and thirty of the server; names of the Realtime API mean something else there."""
    assert (len(event_types(SENT, LIVE)), len(event_types(RECEIVED, LIVE))) == (16, 30)
    shared = {row.name for way in Direction for row in event_types(way, LIVE)} & EVENT_TYPES.keys()
    assert {"session.update", "session.closed", "response.create", "session.output_audio.delta"} <= shared
    assert ROWS[LIVE, SENT, "response.create"].reply is None
    assert ROWS[SessionKind.REALTIME, SENT, "response.create"].reply == "response.done"


def test_a_name_may_go_both_ways() -> None:
    """The direction is part of the key."""
    for name in ("session.input_audio.append", "transport.dtmf.send"):
        assert (LIVE, SENT, name) in ROWS and (LIVE, RECEIVED, name) in ROWS
        assert direction_of(name) is SENT
    assert direction_of("session.started") is RECEIVED and direction_of("nothing") is None


@pytest.mark.parametrize(
    ("event", "kind", "said"),
    [
        ({"type": "session.start", "session": {}}, LIVE, ""),
        ({"type": "session.start", "session": {}}, SessionKind.REALTIME, "unknown event type 'session.start'"),
        ({"type": "session.start"}, LIVE, "'session' is missing"),
        ({"type": "input_audio_buffer.append", "audio": ""}, LIVE, "did you mean 'session.input_audio.append'"),
        ({"type": "session.paused"}, LIVE, "is an event of the server"),
        ({"type": "response.create"}, SessionKind.TRANSCRIPTION, "in a transcription session"),
        ({"type": "input_audio_buffer.commit"}, SessionKind.TRANSLATION, "in a translation session"),
        ({"type": "session.input_audio_buffer.append", "audio": ""}, SessionKind.TRANSLATION, ""),
    ],
)
def test_an_event_is_checked_by_the_protocol_of_its_session(
    event: dict[str, object], kind: SessionKind, said: str
) -> None:
    """What is right in one is unknown in another."""
    findings = " ".join(check_client_event(event, kind))

    assert said in findings and bool(findings) is bool(said)
