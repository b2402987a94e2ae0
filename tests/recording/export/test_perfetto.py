"""The Chrome trace of a session: slices that nest, tracks with names, moments in order."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.recording.export.lanes import Lanes
from rtcli.recording.export.perfetto import export_perfetto
from tests.kit.exported import export
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone


def trace_of(told: Told) -> list[dict[str, Any]]:
    data, _ = export(export_perfetto, told.records)
    events: list[dict[str, Any]] = json.loads(data)["traceEvents"]
    return events


def by_track(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The slices and instants of each track, by its name."""
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    found = defaultdict(list)
    for event in events:
        if event["ph"] != "M":
            found[names[event["tid"]]].append(event)
    return found


def assert_nested(slices: list[tuple[float, float]]) -> None:
    """Of two on one track, one lies within the other or behind it: nothing else can be drawn."""
    ends: list[float] = []
    for start, end in slices:
        while ends and ends[-1] <= start:
            ends.pop()
        assert not ends or end <= ends[-1], (start, end, ends)
        ends.append(end)


def test_every_span_of_a_turn_is_a_slice_or_an_instant_of_its_track() -> None:
    """In microseconds of the session's clock."""
    tracks = by_track(trace_of(spoken_turn_with_a_tool_and_an_interruption()))

    voice = next(event for event in tracks["user"] if event["name"] == "voice")
    assert voice["ph"] == "X" and (voice["ts"], voice["dur"]) == pytest.approx((300_000, 1_000_000), abs=20_000)
    (call,) = tracks["tool calls"]
    assert call["name"] == "tool call get_weather" and call["dur"] == 700_000
    assert call["args"] == {"name": "get_weather", "note": "sunny", "frame": call["args"]["frame"], "turn": 1}
    heard = {event["name"]: event for event in tracks["audio heard"]}
    assert heard["audio heard"]["dur"] == 600_000 and heard["interruption"]["ph"] == "i"
    assert tracks["turns"][0]["name"] == "turn 1: spoken"


def test_each_frame_is_an_instant_of_its_direction() -> None:
    """With its number, its links and its size, without what it holds."""
    told = Told()
    told.types("a secret plan")
    told.begins("r")
    tracks = by_track(trace_of(told))

    assert [event["name"] for event in tracks["frames sent"]] == ["conversation.item.create", "response.create"]
    (created,) = tracks["frames received"]
    assert created["args"]["n"] == 3 and created["args"]["parent"] == 2
    assert "secret" not in json.dumps(tracks["frames sent"])


def test_what_overlaps_gets_a_lane_of_its_own() -> None:
    """Two calls at once, and a turn that begins while the answer before it is heard."""
    told = Told()
    told.types()
    told.begins("r1")
    told.calls("r1", "c1")
    told.now += 0.1
    told.calls("r1", "c2")
    told.now += 0.1
    told.answers("c1")
    told.now += 0.1
    told.answers("c2")
    tracks = by_track(trace_of(told))

    assert len(tracks["tool calls"]) == len(tracks["tool calls 2"]) == 1


def test_slices_of_one_track_always_nest() -> None:
    """In a session with everything in it."""
    events = trace_of(spoken_turn_with_a_tool_and_an_interruption())
    for events_of in by_track(events).values():
        assert_nested([(event["ts"], event["ts"] + event["dur"]) for event in events_of if event["ph"] == "X"])
    assert len({event["tid"] for event in events if event["name"] == "thread_name"}) == len(
        [event for event in events if event["name"] == "thread_name"]
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30))))
def test_lanes_hold_whatever_lasts(spans: list[tuple[int, int]]) -> None:
    """Any slices, in the order that is asked for; a lane more only where it takes one."""
    lanes, placed = Lanes(("t",)), defaultdict(list)
    for start, length in sorted(spans, key=lambda one: (one[0], -one[1])):
        placed[lanes.thread("t", start, start + length)].append((start, start + length))
    for slices in placed.values():
        assert_nested(list(slices))
    threads = sorted(placed)
    assert all(later == earlier + 1 for earlier, later in pairwise(threads))


def test_what_has_not_ended_lasts_to_the_end_and_says_so() -> None:
    """A response that was still running."""
    told = Told()
    told.types()
    told.begins("r")
    told.now += 2.0
    told.plays("r", "i", tone(0.1))
    (response,) = [e for e in by_track(trace_of(told))["responses"] if e["name"] == "response"]

    assert response["dur"] == 2_000_000 and response["args"]["unfinished"] is True


def test_an_empty_session_is_a_trace() -> None:
    """With its tracks, and nothing on them."""
    assert by_track(trace_of(Told())) == {}
