"""Words that run on without an end become sentences."""

from __future__ import annotations

from typing import Any

from rtcli.protocol.dialects import Dialect


def sentences(*pieces: tuple[str, int], side: str = "output", field: str = "start_ms") -> list[str]:
    """What a dialect makes of pieces and their moments; the last sentence is ended by the session's end."""
    dialect = Dialect()
    read: list[Any] = []
    for delta, at in pieces:
        read += dialect.read({"type": f"session.{side}_transcript.delta", "delta": delta, field: at}) or ()
    read += dialect.read({"type": "session.closed"}) or ()
    deltas = {event["item_id"]: "" for event in read if event["type"].endswith(".delta")}
    for event in read:
        if event["type"].endswith(".delta"):
            deltas[event["item_id"]] += event["delta"]
    done = [event["transcript"] for event in read if "transcript" in event]
    assert done == list(deltas.values())  # what was shown is what it ends as
    return done


def test_a_sentence_ends_where_the_next_begins() -> None:
    """Not in a number, whose rest may still come."""
    pieces = (" One moment.", 0), (" It costs 3.", 200), ("5", 300), (" euros!", 400), (" Fine", 500)

    assert sentences(*pieces) == ["One moment.", "It costs 3.5 euros!", "Fine"]


def test_a_pause_ends_a_sentence() -> None:
    """By the moments that the server gives, under either name."""
    for field in ("start_ms", "elapsed_ms"):
        assert sentences((" well", 0), (" so", 2000), (" be it", 2500), field=field) == ["well", "so be it"]


def test_languages_without_spaces_have_sentences() -> None:
    """Their full stop needs nothing behind it."""
    assert sentences(("今日は。", 0), ("元気？", 100), ("はい", 200), side="input") == ["今日は。", "元気？", "はい"]


def test_the_two_sides_do_not_mix() -> None:
    """They overlap all the time."""
    dialect = Dialect()
    read: list[Any] = []
    for side, delta in (("input", " when"), ("output", " Wann"), ("input", " now?"), ("output", " jetzt?")):
        read += dialect.read({"type": f"session.{side}_transcript.delta", "delta": delta}) or ()

    assert {event["type"].split(".")[0] for event in read} == {"conversation", "response"}
    assert len({event["item_id"] for event in read}) == 2


def test_odd_pieces_are_survived() -> None:
    """No text, no time, empty text."""
    dialect = Dialect()
    for event in ({}, {"delta": 7}, {"delta": "", "start_ms": "x"}, {"delta": " ok", "start_ms": None}):
        dialect.read({"type": "session.input_transcript.delta", **event})
    assert dialect.read({"type": "session.closed"})[0]["transcript"] == "ok"  # type: ignore[index]


def test_gpt_live_starts_a_session_with_one_format_for_both_directions() -> None:
    """What plays and what records asks for its own."""
    audio = {"format": {"type": "audio/pcmu"}, "output": {"voice": "marin"}}
    (read,) = Dialect().read({"type": "session.started", "session": {"id": "s", "audio": audio}}) or ()

    assert read["type"] == "session.created"
    assert read["session"]["audio"]["input"]["format"] == read["session"]["audio"]["output"]["format"]
    assert read["session"]["audio"]["output"]["voice"] == "marin"
