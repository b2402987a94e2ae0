"""Listeners by event name; one that raises harms neither the caller nor another listener."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias, overload

from rtcli.protocol.events import Event
from rtcli.protocol.items import Item, McpApprovalRequestItem, McpCallItem
from rtcli.protocol.payloads import (
    ErrorPayload,
    FunctionCall,
    ItemDeleted,
    McpToolsListed,
    OutputTextDelta,
    ResponseDone,
    ResponseStarted,
    TranscriptDelta,
    TransportAudio,
    Usage,
)

Listener: TypeAlias = Callable[..., Any]

logger = logging.getLogger("rtcli.transports")


@dataclass(slots=True, eq=False)
class _Entry:
    listener: Listener
    once: bool
    spent: bool = False  # a `once` that was called: also for an emit further out that still has it on its list


class Emitter:
    """Node's emitter as far as the reference uses it: `on`, `once`, `off`, `emit`.

    Listeners run in the order in which they were added; those added or removed meanwhile count from the next event on.
    A listener may be a coroutine function: it then runs as a task of the loop. An exception of a listener is reported
    as `error`; an `error` that nobody listens to, and one raised by an `error` listener, is logged.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[_Entry, ...]] = {}
        self._listener_tasks: set[asyncio.Future[Any]] = set()

    @overload
    def on(
        self,
        type: Literal["connected", "disconnected", "audio_done", "audio_interrupted"],
        listener: Callable[[], object],
    ) -> Self: ...
    @overload
    def on(self, type: Literal["connection_change"], listener: Callable[[str], object]) -> Self: ...
    @overload
    def on(self, type: Literal["error"], listener: Callable[[ErrorPayload], object]) -> Self: ...
    @overload
    def on(self, type: Literal["audio"], listener: Callable[[TransportAudio], object]) -> Self: ...
    @overload
    def on(self, type: Literal["audio_transcript_delta"], listener: Callable[[TranscriptDelta], object]) -> Self: ...
    @overload
    def on(self, type: Literal["output_text_delta"], listener: Callable[[OutputTextDelta], object]) -> Self: ...
    @overload
    def on(self, type: Literal["usage_update"], listener: Callable[[Usage], object]) -> Self: ...
    @overload
    def on(self, type: Literal["item_update"], listener: Callable[[Item], object]) -> Self: ...
    @overload
    def on(self, type: Literal["item_deleted"], listener: Callable[[ItemDeleted], object]) -> Self: ...
    @overload
    def on(self, type: Literal["turn_started"], listener: Callable[[ResponseStarted], object]) -> Self: ...
    @overload
    def on(self, type: Literal["turn_done"], listener: Callable[[ResponseDone], object]) -> Self: ...
    @overload
    def on(self, type: Literal["function_call"], listener: Callable[[FunctionCall], object]) -> Self: ...
    @overload
    def on(self, type: Literal["mcp_tools_listed"], listener: Callable[[McpToolsListed], object]) -> Self: ...
    @overload
    def on(
        self, type: Literal["mcp_approval_request"], listener: Callable[[McpApprovalRequestItem], object]
    ) -> Self: ...
    @overload
    def on(self, type: Literal["mcp_tool_call_completed"], listener: Callable[[McpCallItem], object]) -> Self: ...
    @overload
    def on(self, type: str, listener: Callable[[Event], object]) -> Self: ...
    def on(self, type: str, listener: Listener) -> Self:
        """Call `listener` with the payload of every event of this type."""
        self._listeners[type] = (*self._listeners.get(type, ()), _Entry(listener, once=False))
        return self

    @overload
    def once(
        self,
        type: Literal["connected", "disconnected", "audio_done", "audio_interrupted"],
        listener: Callable[[], object],
    ) -> Self: ...
    @overload
    def once(self, type: Literal["connection_change"], listener: Callable[[str], object]) -> Self: ...
    @overload
    def once(self, type: Literal["error"], listener: Callable[[ErrorPayload], object]) -> Self: ...
    @overload
    def once(self, type: Literal["audio"], listener: Callable[[TransportAudio], object]) -> Self: ...
    @overload
    def once(self, type: Literal["audio_transcript_delta"], listener: Callable[[TranscriptDelta], object]) -> Self: ...
    @overload
    def once(self, type: Literal["output_text_delta"], listener: Callable[[OutputTextDelta], object]) -> Self: ...
    @overload
    def once(self, type: Literal["usage_update"], listener: Callable[[Usage], object]) -> Self: ...
    @overload
    def once(self, type: Literal["item_update"], listener: Callable[[Item], object]) -> Self: ...
    @overload
    def once(self, type: Literal["item_deleted"], listener: Callable[[ItemDeleted], object]) -> Self: ...
    @overload
    def once(self, type: Literal["turn_started"], listener: Callable[[ResponseStarted], object]) -> Self: ...
    @overload
    def once(self, type: Literal["turn_done"], listener: Callable[[ResponseDone], object]) -> Self: ...
    @overload
    def once(self, type: Literal["function_call"], listener: Callable[[FunctionCall], object]) -> Self: ...
    @overload
    def once(self, type: Literal["mcp_tools_listed"], listener: Callable[[McpToolsListed], object]) -> Self: ...
    @overload
    def once(
        self, type: Literal["mcp_approval_request"], listener: Callable[[McpApprovalRequestItem], object]
    ) -> Self: ...
    @overload
    def once(self, type: Literal["mcp_tool_call_completed"], listener: Callable[[McpCallItem], object]) -> Self: ...
    @overload
    def once(self, type: str, listener: Callable[[Event], object]) -> Self: ...
    def once(self, type: str, listener: Listener) -> Self:
        """Call `listener` for the next event of this type only."""
        self._listeners[type] = (*self._listeners.get(type, ()), _Entry(listener, once=True))
        return self

    def off(self, type: str, listener: Listener) -> Self:
        """Remove a listener, the last added if it was added several times; nothing happens if it never was."""
        entries = self._listeners.get(type, ())
        # the last added, as Node's emitter does it
        for entry in reversed(entries):
            if entry.listener == listener:
                _remove(self._listeners, type, entry)
                break
        return self

    def emit(self, type: str, *args: Any) -> bool:
        """Call the listeners of an event; whether there were any."""
        entries = self._listeners.get(type)
        if not entries:
            if type == "error":
                logger.error("error without a listener: %s", _describe(args))
            return False
        # a tuple: a listener that adds or removes others does not change this round
        for entry in entries:
            if entry.once:
                # a listener before this one emitted the same event
                if entry.spent:
                    continue
                entry.spent = True
                _remove(self._listeners, type, entry)
            try:
                result = entry.listener(*args)
                if result is not None and inspect.isawaitable(result):
                    self._adopt(type, result)
            # A plain function cannot be cancelled: a CancelledError is that of a task whose result it asked for.
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                self._listener_failed(type, error)
        return True

    def has_listener(self, type: str) -> bool:
        """Whether anybody listens to this type."""
        return type in self._listeners

    def _adopt(self, type: str, result: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(result)
        self._listener_tasks.add(task)

        def finished(task: asyncio.Future[Any]) -> None:
            self._listener_tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._listener_failed(type, error)

        task.add_done_callback(finished)

    def _listener_failed(self, type: str, error: BaseException) -> None:
        if type == "error":
            logger.error("a listener of 'error' raised", exc_info=error)
        else:
            self.emit("error", ErrorPayload(error))


def _describe(args: tuple[Any, ...]) -> object:
    return args[0].error if args and isinstance(args[0], ErrorPayload) else args


def _remove(listeners: dict[str, tuple[_Entry, ...]], type: str, entry: _Entry) -> None:
    left = tuple(other for other in listeners.get(type, ()) if other is not entry)
    if left:
        listeners[type] = left
    else:
        listeners.pop(type, None)
