"""Everyone who watches a session sees all of it."""

from __future__ import annotations

import logging

import pytest

from rtcli.session.view_feed import ViewFeed
from rtcli.views import Level, Notice, Text, View


def broken(view: View) -> None:
    raise ValueError(f"cannot show {view}")


def test_a_subscriber_that_raises_takes_the_view_from_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever comes before or after it gets every view; the mistake is logged once."""
    feed, before, after = ViewFeed(), list[View](), list[View]()
    feed.subscribe(before.append)
    feed.subscribe(broken)
    feed.subscribe(after.append)
    with caplog.at_level(logging.ERROR):
        feed.show(Text("one"))
        feed.show(Text("two"))

    assert before == after == [Text("one"), Text("two")]
    assert [record.getMessage() for record in caplog.records] == ["a subscriber of the session raised"]


def test_unsubscribing_twice_ends_one_subscription_once() -> None:
    """The same function may have subscribed a second time: that one stays."""
    feed, seen = ViewFeed(), list[View]()
    leave = feed.subscribe(seen.append)
    feed.subscribe(seen.append)
    leave()
    leave()
    feed.show(Text("once"))

    assert seen == [Text("once")]


def test_a_subscriber_may_leave_while_a_view_is_shown() -> None:
    """It gets nothing more, and everybody else gets all."""
    feed, seen, others = ViewFeed(), list[View](), list[View]()

    def once(view: View) -> None:
        seen.append(view)
        leave()

    leave = feed.subscribe(once)
    feed.subscribe(others.append)
    feed.show(Text("one"))
    feed.show(Text("two"))

    assert (seen, others) == ([Text("one")], [Text("one"), Text("two")])


def test_errors_wait_until_the_connection_stands_or_failed() -> None:
    """Released in their order, or dropped because they are raised."""
    feed, seen = ViewFeed(), list[View]()
    feed.subscribe(seen.append)
    error, info = Notice("no", level=Level.ERROR), Notice("by the way")
    feed.hold_errors()
    feed.show(error)
    feed.show(info)
    assert seen == [info]
    feed.release_errors()
    assert seen == [info, error]

    feed.hold_errors()
    feed.show(error)
    feed.drop_errors()
    feed.show(info)
    assert seen == [info, error, info]
