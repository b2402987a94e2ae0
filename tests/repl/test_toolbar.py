"""The line under the prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli import masking
from rtcli.render.styles import Line, plain
from rtcli.render.text import cells
from rtcli.repl.toolbar import level_bar, toolbar
from rtcli.views import (
    ANSWERING,
    CANCELLING,
    CONNECTING,
    CallStatus,
    DisplaySettings,
    SessionStatus,
    Wait,
)

CONNECTED = SessionStatus(connection="connected", model="gpt-realtime", endpoint="OpenAI")
BUSY = replace(
    CONNECTED,
    microphone=True,
    muted=False,
    input_level_db=-18.0,
    responding=True,
    speaking_item="item_AbCdEfGhIjKlMnOp",
    heard_ms=1200,
    received_ms=4200,
    expires_in=2000.0,
    calls=(CallStatus("call_abcdefghijklmnop", "get_weather", "waiting for you", 65.0),),
    dropped_audio_ms=300,
    metrics={"first sound": "640 ms"},
)


def shown(status: SessionStatus, width: int = 250, display: DisplaySettings | None = None) -> str:
    return plain(toolbar(status, display or DisplaySettings(), width))


def style_of(line: Line, text: str) -> str:
    return next(span.style for span in line if text in span.text)


def test_all_of_it_where_there_is_room() -> None:
    """Connection, time left, what waits, microphone, answer, losses, figures, keys."""
    display = DisplaySettings(events="summary", filter="-*.delta", metrics=True)

    assert shown(BUSY, 300, display) == (
        "● gpt-realtime │ 33 min left │ 1 waiting for you: call_…lmnop 1:05 │ mic ██▂ -18 dB │ "
        "speaking item_…lMnOp 1.2 s of 4.2 s │ "
        "300 ms of microphone audio dropped │ events summary -*.delta │ first sound 640 ms │ "
        "Esc stop  F2 mute  F3 events  F4 talk  F5 metrics  Ctrl+D leave  /help"
    )


ANSWER = replace(CONNECTED, responding=True)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (ANSWER, "│ answering (Esc stops) │"),
        (replace(ANSWER, waits=(Wait(ANSWERING, 0.4),)), "│ answering (Esc stops) │"),
        (replace(ANSWER, waits=(Wait(ANSWERING, 2.0, "response.created", 1.0),)), "│ answering 2 s (Esc stops) │"),
        (
            replace(ANSWER, waits=(Wait(ANSWERING, 42.0, "response.output_text.done", 38.0),)),
            "│ answering 42 s, last event 38 s ago: response.output_text.done (Esc stops) │",
        ),
        (replace(ANSWER, waits=(Wait(ANSWERING, 90.0, "", 90.0),)), "│ answering 1:30, no event yet (Esc stops) │"),
        (replace(ANSWER, waits=(Wait(CANCELLING, 0.2),)), "│ cancel sent (Esc gives up) │"),
        (replace(ANSWER, waits=(Wait(CANCELLING, 4.0),)), "│ cancel sent, no reply for 4 s (Esc gives up) │"),
        (replace(ANSWER, queued=1), "│ 1 message queued │"),
        (replace(CONNECTED, connection="connecting", waits=(Wait(CONNECTING, 5.0),)), "○ connecting 5 s │"),
        (replace(CONNECTED, waits=(Wait("waiting for the session", 3.0),)), "│ waiting for the session 3 s │"),
        (replace(CONNECTED, waits=(Wait("/play", 12.0),)), "│ /play 12 s (Ctrl+C stops) │"),
    ],
    ids=str,
)
def test_what_is_waited_for_and_since_when(status: SessionStatus, text: str) -> None:
    """And what came last, once that is a while ago."""
    assert text in shown(status)


def test_less_room_leaves_what_matters_most() -> None:
    """Keys go first, then names; the connection's mark and what waits stay the longest."""
    medium, small, tiny = (shown(BUSY, width) for width in (100, 50, 12))

    assert "F2" not in medium
    assert "speaking" in medium
    assert "1 waiting" in small
    assert tiny.startswith(("1 waiting", "●", "muted", "mic"))


@given(st.integers(1, 200), st.sampled_from([BUSY, CONNECTED, SessionStatus()]))
def test_it_is_never_wider_than_the_terminal(width: int, status: SessionStatus) -> None:
    """At any width there is a toolbar of one row."""
    assert 0 < cells(shown(status, width)) <= width


def test_figures_are_shown_only_when_asked_for() -> None:
    """F5."""
    assert "640" not in shown(BUSY)
    assert "640 ms" in shown(BUSY, display=DisplaySettings(metrics=True))


@pytest.mark.parametrize(("seconds", "style"), [(301, ""), (300, "warning"), (60, "error"), (-5, "error")])
def test_the_end_of_a_session_is_announced(seconds: float, style: str) -> None:
    """Five minutes before, and more strongly at the last one."""
    line = toolbar(replace(CONNECTED, expires_in=seconds), DisplaySettings(), 200)

    assert style_of(line, "left") == style


def test_a_lost_connection_offers_the_way_back() -> None:
    """In the toolbar, where it stays."""
    assert shown(SessionStatus(connection="disconnected")).startswith("✗ disconnected  /reconnect")


def test_a_muted_microphone_says_so_and_none_says_nothing() -> None:
    """A user must never guess whether they are heard."""
    assert "muted (F2)" in shown(replace(CONNECTED, microphone=True, muted=True))
    assert "mic" not in shown(CONNECTED)
    assert "talk (F4)" in shown(replace(CONNECTED, microphone=True, muted=False, push_to_talk=True))


@pytest.mark.parametrize(
    ("level", "bar"), [(None, "▁▁▁"), (-90.0, "▁▁▁"), (-40.0, "█▁▁"), (-20.0, "██▁"), (0.0, "███"), (6.0, "███")]
)
def test_a_level_is_three_blocks(level: float | None, bar: str) -> None:
    """From -60 dBFS up, twenty decibels a block."""
    assert level_bar(level) == bar


def test_names_from_the_server_cannot_act() -> None:
    """A model's or an id's text is as untrusted as any other."""
    assert "\x1b" not in shown(
        replace(BUSY, model="\x1b[2J", calls=(CallStatus("\x1b[2J", "\x1b[2J", "running", 1.0),))
    )


def test_a_secret_in_a_name_is_masked() -> None:
    """A tool, a model and an id have the names that others give them; a shortened one would not be known any more."""
    masking.add_secret("Zq7canary0123")
    call = CallStatus("Zq7canary0123", "tool_Zq7canary0123", "waiting for you", 1.0)
    busy = replace(BUSY, model="m-Zq7canary0123", calls=(call, replace(call, state="running")))

    assert not any(piece in shown(busy, width) for width in range(200) for piece in ("Zq7c", "0123"))
