"""The model's calls from request to answer: each runs or waits for a person, all are answered together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.payloads import FunctionCall, ResponseDone
from rtcli.session.provenance import caused_by
from rtcli.session.tools import Schema, Tool, ToolError, call_tool
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import Level, Notice


@dataclass(slots=True)
class _Round:
    """The calls of one response. `outputs` fill up; they go out when none is missing and the response has ended."""

    calls: dict[str, FunctionCall] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    cancelled: bool = False

    @property
    def complete(self) -> bool:
        return self.ended and len(self.outputs) == len(self.calls)


class ToolCalls:
    """Owns which calls wait. `respond` is called once after each round that was answered."""

    def __init__(
        self,
        transport: OpenAIRealtimeWebSocket,
        tools: Iterable[Tool],
        *,
        show: Callable[[Notice], None],
        respond: Callable[[], None],
        timeout: float = 30.0,
    ) -> None:
        self._transport = transport
        self._tools = {tool.name: tool for tool in tools}
        self._show = show
        self._respond = respond
        self.timeout = timeout
        self.manual = False
        self._rounds: dict[str, _Round] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        transport.on("function_call", self._called)
        transport.on("turn_done", self._response_done)

    @property
    def schemas(self) -> list[Schema]:
        """What the session's config says of them."""
        return [tool.schema for tool in self._tools.values()]

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All that were loaded."""
        return tuple(self._tools.values())

    @property
    def waiting(self) -> tuple[FunctionCall, ...]:
        """Calls without an answer, in the order they came."""
        return tuple(
            call
            for turn in self._rounds.values()
            for call_id, call in turn.calls.items()
            if call_id not in turn.outputs
        )

    @property
    def running(self) -> bool:
        """A function runs that will answer a call by itself."""
        return bool(self._tasks)

    def _called(self, call: FunctionCall) -> None:
        turn = self._rounds.setdefault(call.response_id, _Round())
        turn.calls[call.call_id] = call
        tool = self._tools.get(call.name)
        if tool and tool.function and not self.manual:
            self._show(Notice(f"tool {call.name} {call.arguments}", why=call.call_id))
            task = asyncio.get_running_loop().create_task(self._run(call, tool), name=f"tool {call.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._show(
                Notice(
                    f"{call.call_id} waits: {call.name} {call.arguments}",
                    hint=f"/tool {call.call_id} OUTPUT",
                    level=Level.WARNING,
                )
            )

    async def _run(self, call: FunctionCall, tool: Tool) -> None:
        try:
            output = await call_tool(tool, call.arguments, seconds=self.timeout)
            self._show(Notice(f"tool {call.name} -> {_short(output)}", level=Level.GOOD))
        except ToolError as error:
            output = json.dumps({"error": str(error)}, ensure_ascii=False)
            self._show(Notice(f"tool {call.name} failed", why=str(error), hint="the model is told", level=Level.ERROR))
        with caused_by(f"tool {call.name}"):
            self._answered(call, output)

    def answer(self, call_id: str, output: str) -> str:
        """A person's answer to a waiting call; says what happens next. Raises UsageError where it does not wait."""
        call = next((call for call in self.waiting if call.call_id == call_id), None)
        if call is None:
            names = ", ".join(call.call_id for call in self.waiting) or "none waits"
            raise UsageError(f"call {call_id!r} does not wait for an answer", why=f"waiting: {names}")
        self._answered(call, output)
        missing = [other.call_id for other in self.waiting if other.response_id == call.response_id]
        return f"kept until {', '.join(missing)} is answered as well" if missing else "answered"

    def _answered(self, call: FunctionCall, output: str) -> None:
        turn = self._rounds.get(call.response_id)
        if turn is not None:  # it is gone with the connection it came on
            turn.outputs[call.call_id] = output
            self._send_if_complete(call.response_id, turn)

    def _response_done(self, done: ResponseDone) -> None:
        response = done.response
        turn = self._rounds.get(response.id)
        if turn is not None:
            turn.ended, turn.cancelled = True, response.status == "cancelled"
            self._send_if_complete(response.id, turn)

    def _send_if_complete(self, response_id: str, turn: _Round) -> None:
        if not turn.complete or self._transport.status != "connected":
            return
        del self._rounds[response_id]
        for call_id, call in turn.calls.items():
            self._transport.send_function_call_output(call, turn.outputs[call_id], start_response=False)
        if not turn.cancelled:  # someone spoke up: what answers them will know the outputs too
            self._respond()

    def forget(self) -> None:
        """The connection is gone: its calls cannot be answered any more."""
        self._rounds.clear()

    async def close(self) -> None:
        """Stop what runs."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _short(text: str, limit: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def merged_tools(config: Mapping[str, Any], schemas: list[Schema]) -> list[Any]:
    """The tools of a session config with the loaded ones; a loaded one replaces its namesake."""
    names = {name for schema in schemas if (name := schema.get("name"))}
    kept = [tool for tool in config.get("tools") or () if not (isinstance(tool, Mapping) and tool.get("name") in names)]
    return [*kept, *schemas]
