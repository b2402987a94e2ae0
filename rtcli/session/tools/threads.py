"""A tool's own thread: whatever the user's code does in it, nobody has to wait for it.

Threads of asyncio's executor are joined at exit; these are daemons, and awaitables run on a loop of their own, so that
a tool that blocks holds up neither the session's loop nor the end of the program.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import ctypes
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from rtcli.session.tools.tool import ToolError

T = TypeVar("T")

MAX_THREADS = 64
"""Calls that run, or were given up and still do: a model that calls what never returns must not fill the machine."""

_PROBE_SECONDS = 1.0
"""How long the loop of the awaitables may take to answer before it counts as blocked by one of them."""

_CLEANUP_SECONDS = 0.3
"""How long an awaitable that is cancelled may take to clean up."""

_running: set[ToolThread] = set()
_awaited: set[object] = set()  # a token for each awaitable that has not ended: given up, it may block its loop still


class StoppedError(BaseException):
    """Raised inside of a tool's function that was cancelled, or has taken too long."""


class ToolThread:
    """One piece of work in a thread of its own. Must be made on the loop that awaits `result`."""

    def __init__(self, name: str, work: Callable[[ToolThread], Any]) -> None:
        if len(_running) >= MAX_THREADS:
            raise ToolError(f"{len(_running)} calls of tools have not returned yet, no other is started")
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Any] = self._loop.create_future()
        self._awaiting: concurrent.futures.Future[Any] | None = None  # what runs on the loop of the awaitables
        self._lock = threading.Lock()  # between the end of the work and a request to stop it
        self._stopped = False
        self._context = contextvars.copy_context()
        self._thread = threading.Thread(target=self._run, name=f"rtcli-tool-{name}", daemon=True)
        _running.add(self)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<ToolThread {self._thread.name} {'running' if self in _running else 'ended'}>"

    async def result(self) -> Any:
        """What the work gives. Raises what it raises."""
        return await asyncio.shield(self._outcome)

    async def stop(self) -> None:
        """Ask the work to end, and give an awaitable a moment for that. What does not listen goes on, unheard."""
        self._outcome.cancel()
        with self._lock:
            if self not in _running or self._stopped:
                return
            self._stopped = True
            awaiting = self._awaiting
            if awaiting is None:  # raised at the next step of Python code: a loop ends, a sleep ends first
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(StoppedError)
                )
        if awaiting is not None:
            awaiting.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLEANUP_SECONDS):
                    while self in _running:  # noqa: ASYNC110  a thread's end wakes no loop that may be closing
                        await asyncio.sleep(0.01)

    def wait_for(self, awaitable: Awaitable[T]) -> T:
        """Inside of the work: the result of an awaitable."""
        with self._lock:
            if self._stopped:
                raise StoppedError
            self._awaiting = _awaitables.submit(_guarded(awaitable))
        try:
            kind, value = self._awaiting.result()
        except concurrent.futures.CancelledError:
            raise StoppedError from None
        finally:
            self._awaiting = None
        if kind is BaseException:
            raise value
        return value  # type: ignore[no-any-return]

    def _run(self) -> None:
        with contextlib.suppress(StoppedError):
            try:
                value = self._context.run(self._work, self)
            except StoppedError:
                raise
            except BaseException as error:  # noqa: BLE001  # of the user's code; sys.exit() is no end of the program
                self._report(self._outcome.set_exception, _plain(error))
            else:
                self._report(self._outcome.set_result, value)
            finally:
                with self._lock:
                    _running.discard(self)

    def _report(self, settle: Callable[[Any], None], value: Any) -> None:
        def settled() -> None:
            if not self._outcome.done():
                settle(value)
            self._outcome.exception() if not self._outcome.cancelled() else None

        with contextlib.suppress(RuntimeError):  # the loop is closed: the program is leaving
            self._loop.call_soon_threadsafe(settled)


def _plain(error: BaseException) -> Exception:
    """asyncio takes no StopIteration, and would end the program for a KeyboardInterrupt in a future."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return ToolError(f"{type(error).__name__}: {error}")


def any_running() -> bool:
    """Whether some tool has not returned: then an orderly end of the interpreter may take as long as the tool does."""
    return bool(_running or _awaited)


async def _guarded(awaitable: Awaitable[Any]) -> tuple[type, Any]:
    """The outcome as a value: raised in a task, SystemExit and KeyboardInterrupt would end the loop."""
    token = object()
    _awaited.add(token)
    try:
        return object, await awaitable
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return BaseException, ToolError("CancelledError: the tool cancelled itself")
    except BaseException as error:  # noqa: BLE001
        return BaseException, error
    finally:
        _awaited.discard(token)


class _Awaitables:
    """The loop that the awaitables of all tools share, in a thread of its own, from the first of them on."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine there. A loop that something blocks is left to it, and replaced."""
        with self._lock:
            if self._loop is None or not _answers(self._loop):
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run_for_ever, args=[self._loop], name="rtcli-tools", daemon=True).start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)


def _answers(loop: asyncio.AbstractEventLoop) -> bool:
    answered = threading.Event()
    loop.call_soon_threadsafe(answered.set)
    return answered.wait(_PROBE_SECONDS)


def _run_for_ever(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        with contextlib.suppress(BaseException):  # sys.exit() in a task that a tool has left behind
            loop.run_forever()


_awaitables = _Awaitables()
