"""What others write while the prompt is up."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings

from rtcli.repl.capture import captured
from rtcli.views import Level, Notice, Text, View
from tests.kit.waiting import DEADLINE


async def shown_by(count: int, views: list[View]) -> list[View]:
    """The views, once so many have come."""
    async with asyncio.timeout(DEADLINE):
        while len(views) < count:  # noqa: ASYNC110  # what is captured is handed over by the loop's next turn
            await asyncio.sleep(0)
    return views


async def test_logs_warnings_and_prints_become_views() -> None:
    """In order, from any thread, and nothing reaches the real streams."""
    views: list[View] = []
    with captured(views.append):
        logging.getLogger("lib").info("not shown")
        logging.getLogger("lib").warning("careful\nsecond line")
        try:
            raise ValueError("bad")
        except ValueError:
            logging.getLogger("lib").exception("failed")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", stacklevel=1)
        thread = threading.Thread(target=lambda: sys.stdout.write("half "))
        thread.start()
        thread.join()
        sys.stdout.write("line\nrest")
        sys.stderr.write("error line\n")
        await shown_by(5, views)

    careful, failed, old, printed, complained = views
    assert careful == Notice("lib: careful", level=Level.WARNING)
    assert failed == Notice("lib: failed", "ValueError: bad", level=Level.ERROR)
    assert isinstance(old, Notice)
    assert "UserWarning: old" in old.what
    assert (printed, complained) == (Text("half line"), Text("error line"))


async def test_an_error_that_nobody_handled_is_shown() -> None:
    """No traceback in the middle of the screen."""
    views: list[View] = []

    def broken() -> None:
        raise RuntimeError("in a callback")

    with captured(views.append):
        asyncio.get_running_loop().call_soon(broken)
        (view,) = await shown_by(1, views)

    assert isinstance(view, Notice)
    assert view.why == "RuntimeError: in a callback"


async def test_a_handler_on_the_terminal_steps_back() -> None:
    """Debugging output goes on, but as rows."""
    views: list[View] = []
    root, stream = logging.getLogger(), logging.StreamHandler(sys.stderr)
    root.addHandler(stream)
    root.setLevel(logging.DEBUG)
    try:
        with captured(views.append):
            assert stream not in root.handlers
            logging.getLogger("lib").debug("detail")
            await shown_by(1, views)
        assert stream in root.handlers
    finally:
        root.setLevel(logging.WARNING)
        root.removeHandler(stream)

    assert Notice("lib: detail") in views


async def test_everything_is_as_before_afterwards() -> None:
    """Handlers, streams, the loop's own."""
    root, before = logging.getLogger(), (sys.stdout, sys.stderr)
    handlers = root.handlers[:]
    with captured(lambda view: None):
        pass

    assert (sys.stdout, sys.stderr) == before
    assert root.handlers == handlers
    assert asyncio.get_running_loop().get_exception_handler() is None
