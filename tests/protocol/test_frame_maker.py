"""Each message becomes one frame, with its number, its time and what led to it."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

import pytest

from rtcli.masking import masked
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.provenance import caused_by
from rtcli.protocol.record import Direction, Frame


def alone(make: Any, *args: Any, **options: Any) -> Frame:
    """Made in a context of its own, as the transport's reader is one."""
    frame: Frame = copy_context().run(make, *args, **options)
    return frame


def test_numbers_count_over_both_directions_and_over_connections() -> None:
    """A number names one frame of the session, whatever happens to the connection."""
    frames = FrameMaker()
    made = [frames.sent({"type": "response.create"}, "{}", 1.0), alone(frames.received, {"type": "error"}, "{}", 1.1)]
    frames.pending.connection_lost()
    made += [alone(frames.received, None, "?", 1.2, problem="not JSON"), frames.sent({"type": "a"}, b"{}", 1.3)]

    assert [frame.number for frame in made] == [1, 2, 3, 4]
    assert [str(frame.direction) for frame in made] == [">", "<", "<", ">"]


def test_times_count_from_the_moment_that_is_named() -> None:
    """On the clock of whoever calls; zero unless somebody says when the session began."""
    frames = FrameMaker()
    assert frames.sent({"type": "a"}, "", 100.5).at == 100.5
    frames.began = 100.0
    assert frames.sent({"type": "a"}, "", 100.5).at == 0.5


def test_a_reply_knows_its_request_and_what_we_send_its_reason() -> None:
    """The reply leads to the request, and what a listener sends leads to the frame that it was called for."""
    frames = FrameMaker()
    with caused_by("/respond"):
        asked = frames.sent({"type": "response.create"}, "", 0.0)

    def listener() -> tuple[Frame, Frame]:
        created = frames.received({"type": "response.created", "response": {"id": "r"}}, "", 0.1)
        return created, frames.sent({"type": "response.cancel", "response_id": "r"}, "", 0.2)

    created, cancel = copy_context().run(listener)
    assert (asked.cause, asked.parent) == ("/respond", None)
    assert created.parent == asked.number
    assert (cancel.cause, cancel.parent) == ("#2 response.created", created.number)


def test_a_frame_of_another_session_leads_to_nothing_here() -> None:
    """Numbers are those of one wire: what a listener of one session sends on another is not due to its frame 1."""
    one, other = FrameMaker(), FrameMaker()

    def listener() -> tuple[Frame, Frame]:
        one.received({"type": "session.created"}, "", 0.0)
        with caused_by("/say"):
            return other.sent({"type": "a"}, "", 0.0), one.sent({"type": "a"}, "", 0.0)

    there, here = copy_context().run(listener)
    assert (there.cause, there.parent) == ("/say", None)
    assert (here.cause, here.parent) == ("/say", 1)
    assert alone(other.sent, {"type": "b"}, "", 0.0).cause == ""


def test_what_came_is_kept_as_it_came() -> None:
    """Its bytes are counted, its kind and its flaw are told."""
    frames = FrameMaker()
    text = alone(frames.received, {"type": "a", "b": "ä"}, '{"type":"a","b":"ä"}', 0.0)
    binary = alone(frames.received, {"type": "a"}, b'{"type":"a"}', 0.0, binary=True)
    broken = alone(frames.received, None, b"\xff", 0.0, problem="not JSON")

    assert (text.size, text.raw, text.binary) == (21, '{"type":"a","b":"ä"}', False)
    assert (binary.size, binary.raw, binary.binary) == (12, b'{"type":"a"}', True)
    assert (broken.event, broken.problem, broken.direction) == (None, "not JSON", Direction.RECEIVED)


@pytest.mark.parametrize("event_type", ["session.update", "response.create"])
def test_secrets_in_tools_are_known_before_anybody_is_shown_them(event_type: str) -> None:
    """An MCP server's authorization is masked wherever the frame goes from here."""
    secret = f"mcp-token-of-{event_type}-4711"
    tools = [{"type": "mcp", "server_label": "x", "authorization": secret}]
    part = "session" if event_type == "session.update" else "response"
    FrameMaker().sent({"type": event_type, part: {"tools": tools}}, "", 0.0)

    assert secret not in masked(f"sent {secret}")
