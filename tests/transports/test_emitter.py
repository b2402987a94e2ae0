"""Listeners: order, once, off, and what happens when they raise."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.payloads import ErrorPayload
from rtcli.transports.emitter import Emitter


def recording(seen: list[Any], name: str) -> Any:
    return lambda *args: seen.append((name, *args))


def test_listeners_run_in_the_order_in_which_they_were_added() -> None:
    """emit says whether there were any."""
    emitter, seen = Emitter(), list[Any]()
    emitter.on("x", recording(seen, "a")).once("x", recording(seen, "b")).on("x", recording(seen, "c"))

    assert emitter.emit("x", 1, 2)
    assert emitter.emit("x", 3)
    assert not emitter.emit("y")
    assert seen == [("a", 1, 2), ("b", 1, 2), ("c", 1, 2), ("a", 3), ("c", 3)]


def test_off_removes_the_listener_that_was_added_last() -> None:
    """One of several; a function never added is nothing."""
    emitter, seen = Emitter(), list[Any]()
    listener = recording(seen, "a")
    emitter.on("x", listener).on("x", recording(seen, "b")).on("x", listener)
    emitter.off("x", listener).off("x", print).off("never", print)
    emitter.emit("x")

    assert seen == [("a",), ("b",)]
    emitter.off("x", listener)
    emitter.emit("x")
    assert seen[2:] == [("b",)]


def test_changes_during_an_emit_count_from_the_next_event_on() -> None:
    """A listener that adds or removes listeners disturbs nobody."""
    emitter, seen = Emitter(), list[Any]()
    last = recording(seen, "last")

    def first(*_: object) -> None:
        seen.append("first")
        emitter.off("x", last).on("x", recording(seen, "new"))

    emitter.on("x", first).on("x", last)
    emitter.emit("x")
    assert seen == ["first", ("last",)]


def test_once_is_once_even_when_a_listener_emits_the_same_event() -> None:
    """The inner event uses it up."""
    emitter, seen = Emitter(), list[Any]()

    def again(depth: Any) -> None:
        if depth == 0:
            emitter.emit("x", 1)

    emitter.on("x", again).once("x", recording(seen, "once"))
    emitter.emit("x", 0)

    assert seen == [("once", 1)]


def test_a_once_that_is_used_up_leaves_no_trace() -> None:
    """Listeners are not left behind."""
    emitter = Emitter()
    emitter.once("x", print)
    assert emitter.has_listener("x")
    emitter.off("x", print)
    assert not emitter.has_listener("x")


def test_what_a_listener_raises_is_an_error_event() -> None:
    """And those behind it still run."""
    emitter, seen, boom = Emitter(), list[Any](), ValueError("boom")

    def fails(*_: object) -> None:
        raise boom

    emitter.on("error", recording(seen, "error")).on("x", fails).on("x", recording(seen, "b"))

    assert emitter.emit("x")
    assert seen == [("error", ErrorPayload(boom)), ("b",)]


def test_an_error_listener_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """There is nobody left to tell, and no endless circle."""
    emitter = Emitter()

    def fails(_: object) -> None:
        raise ValueError("boom in error")

    emitter.on("error", fails).emit("error", ErrorPayload("x"))

    assert "boom in error" in caplog.text
