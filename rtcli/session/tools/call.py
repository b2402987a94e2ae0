"""One call of a tool: from the model's JSON to a result in text, or to a sentence about what went wrong."""

from __future__ import annotations

import asyncio
import functools
import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from rtcli.masking import masked_start
from rtcli.protocol.events import read_json
from rtcli.session.tools.results import MAX_ITEMS, as_text
from rtcli.session.tools.threads import StoppedError, ToolThread
from rtcli.session.tools.tool import Tool, ToolError

_MAX_SENTENCE = 400
"""Characters of an exception that the model is told."""

_MAX_AWAITS = 10
"""An async function may return something to await in turn, but not for ever."""


async def call_tool(tool: Tool, arguments: str, *, seconds: float | None) -> str:
    """Run a tool with the model's JSON arguments, in a thread of its own; text as it is, everything else as JSON.

    Raises ToolError for whatever goes wrong, also after so many `seconds` (None: no limit). What was cancelled or took
    too long is asked to stop, and not waited for.
    """
    function = tool.function
    assert function is not None  # the caller has looked
    values = _decoded(arguments)
    thread = ToolThread(tool.name, lambda own: _work(tool, function, values, own))
    try:
        async with asyncio.timeout(seconds):
            text: str = await thread.result()
            return text
    except TimeoutError:
        raise ToolError(f"{tool.name} took longer than {seconds:g} s") from None
    finally:
        await thread.stop()


def _decoded(arguments: str) -> dict[str, Any]:
    try:
        values = read_json(arguments or "{}")
    except ValueError as error:
        raise ToolError(f"the arguments are not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ToolError(f"the arguments are a JSON {_JSON_NAMES[type(values)]}, not an object")
    return values


_JSON_NAMES = {list: "array", str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def _work(tool: Tool, function: Callable[..., Any], values: dict[str, Any], thread: ToolThread) -> str:
    """In the thread: bind, call, await, convert. Every step runs code of the user's."""
    try:
        signature = tool.signature or _signature_of(function, tool.name)
        by_place, by_name = signature.bind(values)
        return as_text(_settled(function(*by_place, **by_name), thread))
    except (StoppedError, ToolError):
        raise
    except BaseException as error:
        raise ToolError(_sentence(error), _place(error, function)) from error


def _signature_of(function: Callable[..., Any], name: str) -> Any:
    from rtcli.session.tools.signature import ToolSignature

    return ToolSignature(function, name)


def _settled(result: Any, thread: ToolThread) -> Any:
    """What a call comes to: awaited as often as it asks for, and an async iterator as a list."""
    for _ in range(_MAX_AWAITS):
        if isinstance(result, AsyncIterator):
            return thread.wait_for(_collected(result))
        if not isinstance(result, Awaitable):
            break
        result = thread.wait_for(result)
    return result


async def _collected(values: AsyncIterator[Any]) -> Any:
    """As results.py does with what is not async."""
    items: list[Any] = []
    async for value in values:
        if len(items) == MAX_ITEMS:
            if callable(close := getattr(values, "aclose", None)):
                await close()
            return {"items": items, "note": f"there is more: only the first {MAX_ITEMS} were read"}
        items.append(value)
    return items


def _sentence(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, BaseExceptionGroup):
        inside = "; ".join(_sentence(part) for part in error.exceptions[:3])
        return masked_start(f"{type(error).__name__}: {inside}", _MAX_SENTENCE)
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # an exception whose own text fails
        text = ""
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return masked_start(line, _MAX_SENTENCE)


def _place(error: BaseException, function: Callable[..., Any]) -> str:
    """The innermost line of the tool's own file that it passed; of any file where it passed none."""
    inner: Any = inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
    file = getattr(getattr(inner, "__code__", None), "co_filename", "")
    ours = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    own = [frame for frame in frames if frame.filename == file] or frames
    return f"{own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""
