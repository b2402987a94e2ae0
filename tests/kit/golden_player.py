"""Plays one recorded scenario against a transport of ours, with a real server on loopback, and notes what happened."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed

from rtcli.protocol.events import Event
from rtcli.transports import OpenAIRealtimeSIP, OpenAIRealtimeWebSocket
from tests.kit.golden_base import BaseTransport
from tests.kit.golden_server import GoldenServer
from tests.kit.golden_values import UNDEFINED, snake, to_python
from tests.kit.linked import SEMANTIC
from tests.kit.waiting import DEADLINE

_OPTIONS_AT = {"connect": 0, "sendMessage": 2, "addImage": 1, "sendAudio": 1}  # the argument that becomes keywords
_WIRE_METHODS = {"sendEvent", "requestResponse", "emit", "_updateTracingConfig", "_onError"}
_IDLE_TURNS = 12
CLOSED = "ws://127.0.0.1:1"  # nobody listens there


@dataclass
class Seen:
    """What one step did."""

    wire: list[Event] = field(default_factory=list)
    emitted: list[tuple[str, str, tuple[Any, ...]]] = field(default_factory=list)  # listener, event, arguments
    connections: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    uncaught: list[Any] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    result: Any = None
    pending: bool = False
    raised_in_listener: bool = False
    started_in_listener: bool = False
    called_in_listener: list[tuple[str, list[Any]]] = field(default_factory=list)  # methods and their arguments


class Player:
    """One scenario. `texts` maps recorded texts to ours: the server's address, ids that were made."""

    def __init__(self, scenario: Mapping[str, Any], server: GoldenServer) -> None:
        self.scenario = scenario
        self.server = server
        self.is_base = scenario.get("transport", {}).get("class") == "base"
        self.is_call = scenario.get("transport", {}).get("class") == "sip"
        self.seen = Seen()
        self.texts: dict[str, str] = {}
        self.t: Any = None
        self._hooked = False
        self._arriving: tuple[Any, Any] = ("", 0)  # the part whose audio came last
        self._keys: dict[str, asyncio.Future[None]] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._listeners: dict[str, Callable[..., Any]] = {}
        self._begin = self._now = float(scenario.get("clock_ms", 1_000_000))

    @contextlib.asynccontextmanager
    async def playing(self) -> AsyncIterator[Player]:
        """The transport is made; afterwards it is closed."""
        server = self.server
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.seen.uncaught.append(context))
        server.reset()
        server.on_frame = self._framed
        server.on_dial = self._dialed
        self.texts = {"$SERVER": server.url, "$CLOSED": CLOSED}
        self._make()
        yield self
        if self.t.status != "disconnected":
            self.t.close()
        server.release("drop")
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.idle()
        if not self.is_base:
            await asyncio.wait_for(self.t.wait_closed(), DEADLINE)

    def _framed(self, frame: Event) -> None:
        self.seen.wire.append(frame)

    def _dialed(self, path: str, headers: dict[str, str]) -> None:
        if not self._hooked:
            self.seen.connections.append((f"$SERVER{path}", headers))

    def _make(self) -> None:
        options = to_python(self.scenario.get("transport", {}).get("options", {}), ours=True, texts=self.texts)
        options = {key: self._maybe_function(value) for key, value in options.items()}
        options.pop("skip_open_event_listeners", None)
        hook = options.pop("create_web_socket", None)
        if self.is_base:
            self.t = BaseTransport(**options)
        else:
            if hook or _goes_outside(self.scenario) or "create_websocket" in self.scenario["area"]:
                options["create_websocket"] = hook or self._hook
            kind = OpenAIRealtimeSIP if self.is_call else OpenAIRealtimeWebSocket
            self.t = kind(clock=self._clock, **options)
        self._listen()

    def _clock(self) -> float:
        return 64 + (self._now - self._begin) / 1000 * (1 + 1e-8)

    def _listen(self) -> None:
        wanted = self.scenario.get("listen", "all")
        names = {"*", *SEMANTIC, *_types_in(self.scenario["steps"])} if wanted == "all" else set(wanted)
        for name in names:
            self.t.on(name, lambda *args, name=name: self.seen.emitted.append(("", name, args)))

    async def idle(self) -> None:
        """Nothing moves any more: what was sent has been read on both sides, and nobody does anything about it."""
        for _ in range(2):
            if not self.is_base and self.t.status == "connected":
                await self.t.flush()
            for connection in list(self.server.open):
                with contextlib.suppress(ConnectionClosed):
                    await asyncio.wait_for(await connection.ping(), DEADLINE)
            quiet, before = 0, -1
            while quiet < _IDLE_TURNS:
                await asyncio.sleep(0)
                count = (
                    len(self.seen.wire) + len(self.seen.emitted) + len(self.seen.connections) + len(self.server.open)
                )
                quiet = quiet + 1 if count == before else 0
                before = count
        if self.is_base:
            self.seen.wire, self.t.wire = [*self.seen.wire, *self.t.wire], []

    # -- stubs and listeners ---------------------------------------------------------------------

    def _maybe_function(self, value: Any) -> Any:
        return self._stub(value["$function"]) if isinstance(value, dict) and "$function" in value else value

    def _stub(self, spec: Mapping[str, Any]) -> Callable[..., Any]:
        calls = 0

        def note(*args: Any) -> None:
            nonlocal calls
            calls += 1
            if "as" in spec:
                self.seen.calls.append({"function": spec["as"], "args": list(args)})

        def answer() -> Any:
            if "throws" in spec:
                raise RuntimeError(spec["throws"])
            each = spec.get("returns_each", [spec.get("returns")])
            return to_python(each[min(calls, len(each)) - 1], texts=self.texts)

        def at_once() -> Any:
            note()
            return answer()

        async def later() -> Any:
            note()
            if "hold" in spec:
                self._keys[spec["hold"]] = asyncio.get_running_loop().create_future()
                await self._keys[spec["hold"]]
            return answer()

        async def socket(url: str, headers: dict[str, str]) -> Any:
            key = headers.get("Authorization", "").removeprefix("Bearer ")
            note({"url": url.replace(self.server.url, "$SERVER"), "apiKey": key})
            answer()
            return await dial(f"{self.server.url}/custom", compression=None, proxy=None)

        return socket if "socket" in spec else later if "hold" in spec or spec.get("async") else at_once

    async def _hook(self, url: str, headers: dict[str, str]) -> Any:
        self._hooked = True
        self.seen.connections.append(
            (url.replace(self.server.url, "$SERVER"), {k.lower(): v for k, v in headers.items()})
        )
        parts = urlsplit(url)
        if url.startswith(CLOSED):
            return await dial(url, proxy=None)
        return await dial(f"{self.server.url}{parts.path}?{parts.query}", compression=None, proxy=None)

    def _listener(self, step: Mapping[str, Any], name: str) -> Callable[..., Any]:
        label = step["as"]

        def listener(*args: Any) -> Any:
            self.seen.emitted.append((label, name, args))
            for action in step.get("do", ()):
                match action:
                    case {"throw": message}:
                        self.seen.raised_in_listener = True
                        raise RuntimeError(message)
                    case {"reject": message}:
                        self.seen.raised_in_listener = True
                        return _reject(message)
                    case {"call": method}:
                        self.seen.called_in_listener.append((method, action.get("args", [])))
                        try:
                            self._invoke(method, action.get("args", []))
                        except Exception:
                            self.seen.raised_in_listener = True
                            raise
                    case {"start": method, "as": name_of_call}:
                        self.seen.started_in_listener = True
                        self._follow(name_of_call, self._invoke(method, action.get("args", [])))
                    case {"off": event, "listener": other}:
                        self.t.off(event, self._listeners.get(other, print))
                    case {"on": event}:
                        self.t.on(event, self._listener(action, event))
            return None

        return self._listeners.setdefault(label, listener)

    # -- steps -----------------------------------------------------------------------------------

    def _invoke(self, method: str, args: list[Any], target: Any = None) -> Any:
        at, given, keywords = _OPTIONS_AT.get(method, len(args)), list(args), {}
        if len(given) > at:
            options = to_python(given.pop(at), ours=True, texts=self.texts) or {}
            keywords = {key: self._maybe_function(value) for key, value in options.items()}
        while given and given[-1] == UNDEFINED and (len(given) > 1 or target is None):
            given.pop()
        positional = [
            to_python(
                value,
                ours=method not in _WIRE_METHODS
                and (method, index) not in (("sendMessage", 1), ("sendFunctionCallOutput", 1)),
                texts=self.texts,
            )
            for index, value in enumerate(given)
        ]
        return getattr(target or self.t, snake(method))(*positional, **keywords)

    async def step(self, step: Mapping[str, Any]) -> Seen:
        """Do what a step says, wait until nothing moves, and tell what happened."""
        self.seen = Seen()
        for name, action in self._ACTIONS.items():
            if name in step:
                try:
                    await action(self, step)
                except Exception as error:  # noqa: BLE001  that is what the scenario asks about
                    self.seen.error = error
        await self.idle()
        self.seen.state = {
            "status": self.t.status,
            "currentModel": self.t.current_model,
            "currentItemId": getattr(self.t, "current_item_id", None),
        }
        return self.seen

    async def _call(self, step: Mapping[str, Any]) -> None:
        result = self._invoke(step["call"], step["args"])
        self.seen.result = await asyncio.wait_for(result, DEADLINE) if asyncio.iscoroutine(result) else result

    async def _start(self, step: Mapping[str, Any]) -> None:
        self._follow(step["as"], self._invoke(step["start"], step["args"]))

    def _follow(self, name: str, started: Coroutine[Any, Any, Any]) -> None:
        task = self._tasks[name] = asyncio.create_task(started)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # not every step awaits it

    async def _await(self, step: Mapping[str, Any]) -> None:
        await self.idle()
        task = self._tasks[step["await"]]
        self.seen.pending = not task.done()
        if task.done():
            self.seen.result = await task

    async def _static_call(self, step: Mapping[str, Any]) -> None:
        self.seen.result = self._invoke(step["static_call"], step["args"], target=type(self.t))

    async def _accept_payload(self, step: Mapping[str, Any]) -> None:
        self.seen.result = self._invoke("buildAcceptPayload", [step["accept_payload"]])

    async def _get(self, step: Mapping[str, Any]) -> None:
        self.seen.values = {name: getattr(self.t, snake(name)) for name in step["get"]}

    async def _set(self, step: Mapping[str, Any]) -> None:
        for name, value in step["set"].items():
            setattr(self.t, snake(name), to_python(value, texts=self.texts))

    async def _server(self, step: Mapping[str, Any]) -> None:
        for event in step.get("server_batch") or [step["server"]]:
            decoded = to_python(event, texts=self.texts)
            self.seen.sent.append(decoded)
            if decoded.get("type") == "response.output_audio.delta":
                self._arriving = (decoded.get("item_id"), decoded.get("content_index"))
            await self._frame(json.dumps(decoded))

    async def _frame(self, frame: str | bytes) -> None:
        if self.is_base:
            self.t._on_message(frame)
        elif self.server.open:
            await self.server.open[-1].send(frame)

    async def _server_text(self, step: Mapping[str, Any]) -> None:
        with contextlib.suppress(ValueError):
            self.seen.sent.append(json.loads(step["server_text"]))
        await self._frame(step["server_text"])

    async def _server_binary(self, step: Mapping[str, Any]) -> None:
        data = base64.b64decode(step["server_binary"])
        self.seen.sent.append(json.loads(data))
        await self._frame(data)

    async def _server_close(self, step: Mapping[str, Any]) -> None:
        if self.server.open:
            await self.server.open[-1].close(**step["server_close"])

    async def _server_abort(self, step: Mapping[str, Any]) -> None:
        if self.server.open:
            self.server.open[-1].transport.abort()

    async def _server_mode(self, step: Mapping[str, Any]) -> None:
        self.server.mode = to_python(step["server_mode"])

    async def _server_release(self, step: Mapping[str, Any]) -> None:
        self.server.mode = "accept"
        self.server.release(step["server_release"])

    async def _fail_sends(self, step: Mapping[str, Any]) -> None:
        self.t.failing_sends = step["fail_sends"]

    async def _heard_ms(self, step: Mapping[str, Any]) -> None:
        """A player has played this much of what arrives; null: no player."""
        played = step["heard_ms"]
        self.t.attach_playback(None if played is None else lambda *part: played if part == self._arriving else None)

    async def _clock_ms(self, step: Mapping[str, Any]) -> None:
        self._now = step["clock_ms"]

    async def _on(self, step: Mapping[str, Any]) -> None:
        self.t.on(step["on"], self._listener(step, step["on"]))

    async def _once(self, step: Mapping[str, Any]) -> None:
        self.t.once(step["once"], self._listener(step, step["once"]))

    async def _off(self, step: Mapping[str, Any]) -> None:
        self.t.off(step["off"], self._listeners.get(step["listener"], print))

    async def _release(self, step: Mapping[str, Any]) -> None:
        key = self._keys.get(step["release"])  # none where the connect() was refused before it asked
        if key and not key.done():  # a connect() that was given up has cancelled it
            key.set_result(None)

    _ACTIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Awaitable[None]]] = {
        "call": _call,
        "start": _start,
        "await": _await,
        "static_call": _static_call,
        "accept_payload": _accept_payload,
        "get": _get,
        "set": _set,
        "server": _server,
        "server_batch": _server,
        "server_text": _server_text,
        "server_binary": _server_binary,
        "server_close": _server_close,
        "server_abort": _server_abort,
        "server_mode": _server_mode,
        "server_release": _server_release,
        "fail_sends": _fail_sends,
        "clock_ms": _clock_ms,
        "heard_ms": _heard_ms,
        "on": _on,
        "once": _once,
        "off": _off,
        "release": _release,
    }


def _goes_outside(scenario: Mapping[str, Any]) -> bool:
    """A connect has no address on loopback: the hook leads it to the server."""
    own = str(scenario.get("transport", {}).get("options", {}).get("url", ""))
    actions = [action for step in scenario["steps"] for action in (step, *step.get("do", ()))]
    options = [(action.get("args") or [{}])[0] for action in actions if "connect" in action.values()]
    return not all(str(given.get("url") or ("" if given.get("callId") else own)).startswith("$") for given in options)


async def _reject(message: str) -> None:
    raise RuntimeError(message)


def _types_in(value: Any) -> set[str]:
    """Every wire type that a scenario mentions."""
    if isinstance(value, list):
        return set().union(*map(_types_in, value))
    if not isinstance(value, dict):
        return set()
    own = {value["type"]} if isinstance(value.get("type"), str) and "." in value["type"] else set()
    return own.union(*map(_types_in, value.values()))
