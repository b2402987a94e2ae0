"""Progress is what brings an answer nearer; a server that only lives makes none."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.progress import MOVING, ProgressReader
from tests.kit.events import SESSION, error, text_response

AT = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}


def moves(*events: dict[str, Any], answers: bool = False) -> list[bool]:
    reader = ProgressReader()
    return [reader.moves(event, answers=answers) for event in events]


def test_every_event_of_an_answer_is_progress() -> None:
    """From its beginning to its end."""
    assert all(moves(*text_response("r", "hello")))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "heartbeat"},
        {"type": "ping"},
        {"type": "server.tick"},
        {"type": "response.heartbeat"},
        {"type": "rate_limits.updated", "rate_limits": []},
        {"type": "session.updated", "session": SESSION},
        {"type": "response.output_text.delta", **AT, "delta": ""},
        {"type": "conversation.item.deleted", "item_id": "of somebody else"},
        {"type": 7},
        {"type": None},
        {},
        error("busy", "hold the line"),
    ],
    ids=str,
)
def test_a_sign_of_life_is_none(event: dict[str, Any]) -> None:
    """However often it comes."""
    assert moves(event, event) == [False, False]


def test_a_step_counts_once() -> None:
    """Said again it moves nothing; a delta is new each time, and so is the step of another item."""
    first = {"type": "response.output_item.added", "response_id": "r", "item": {"id": "a"}}
    other = {**first, "item": {"id": "b"}}
    delta = {"type": "response.output_text.delta", **AT, "delta": "x"}

    assert moves(first, first, other, delta, delta) == [True, False, True, True, True]


def test_an_answer_to_a_request_of_ours_counts() -> None:
    """Linked to it, it is none of somebody else's."""
    assert moves({"type": "conversation.item.deleted", "item_id": "i"}, answers=True) == [True]


def test_what_a_translation_says_is_progress() -> None:
    """It has streams and no responses."""
    assert {"session.output_transcript.delta", "session.output_audio.delta"} <= MOVING


@pytest.mark.parametrize("odd", [[], {}, 1.5, {"id": ["x"]}, None])
def test_odd_ids_are_survived(odd: Any) -> None:
    """Whatever a server writes there."""
    assert moves({"type": "response.created", "response": odd, "item_id": odd}) == [True]
