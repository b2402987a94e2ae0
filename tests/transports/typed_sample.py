"""A program that uses every method, property and event of the transport, for a strict type checker and for a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from rtcli.errors import ConnectError, NotConnectedError, OutboxFullError, TransportError, UnsupportedError, UsageError
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.items import Item, McpApprovalRequestItem, MessageItem
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
from rtcli.transports import (
    OpenAIRealtimeBase,
    OpenAIRealtimeSIP,
    OpenAIRealtimeWebSocket,
    RealtimeTransportLayer,
)


class Program:
    """Listens to everything, and keeps what it heard."""

    def __init__(self, transport: RealtimeTransportLayer) -> None:
        self.heard: list[str] = []
        self.sound = bytearray()
        self.call: FunctionCall | None = None
        self.request: McpApprovalRequestItem | None = None
        self.done = asyncio.Event()
        transport.on("*", self.wire).on("response.created", self.wire)
        transport.on("connected", self.nothing).on("disconnected", self.nothing).on("connection_change", self.status)
        transport.on("error", self.error).on("turn_started", self.started).on("turn_done", self.finished)
        transport.on("audio", self.audio).on("audio_done", self.nothing).on("audio_interrupted", self.nothing)
        transport.on("audio_transcript_delta", self.transcript).on("output_text_delta", self.text)
        transport.on("usage_update", self.usage).on("item_update", self.item).on("item_deleted", self.deleted)
        transport.on("function_call", self.called).on("mcp_tools_listed", self.tools)
        transport.on("mcp_approval_request", self.asked).on("mcp_tool_call_completed", self.item)

    def wire(self, event: Mapping[str, Any]) -> None:
        self.heard.append(str(event["type"]))

    def nothing(self) -> None:
        self.heard.append("-")

    def status(self, status: str) -> None:
        self.heard.append(status)

    def error(self, payload: ErrorPayload) -> None:
        self.heard.append(str(payload.error))

    def started(self, turn: ResponseStarted) -> None:
        self.heard.append(str(turn.provider_data["type"]))

    async def finished(self, turn: ResponseDone) -> None:
        self.heard.append(turn.response.status)
        self.done.set()

    def audio(self, audio: TransportAudio) -> None:
        if not audio.interrupted:
            self.sound += audio.data

    def transcript(self, delta: TranscriptDelta) -> None:
        self.heard.append(delta.delta)

    def text(self, delta: OutputTextDelta) -> None:
        self.heard.append(delta.delta)

    def usage(self, usage: Usage) -> None:
        self.heard.append(str(usage.total_tokens))

    def item(self, item: Item) -> None:
        self.heard.append(item.item_id)

    def deleted(self, deleted: ItemDeleted) -> None:
        self.heard.append(deleted.item_id)

    def called(self, call: FunctionCall) -> None:
        self.call = call

    def tools(self, listed: McpToolsListed) -> None:
        self.heard.append(listed.server_label)

    def asked(self, request: McpApprovalRequestItem) -> None:
        self.request = request

    async def turn(self) -> None:
        """Wait for the end of a response."""
        await asyncio.wait_for(self.done.wait(), 60)
        self.done.clear()


async def key() -> str:
    return "sk-test"


async def main(url: str) -> list[str]:
    """Everything once; gives what was heard."""
    t = OpenAIRealtimeWebSocket(model="m", api_key=key, url=url, auto_tracing=False, max_outbox_bytes=2**20)
    base: OpenAIRealtimeBase = t
    program = Program(base)
    await t.connect(initial_session_config={"voice": "marin"})
    session: dict[str, Any] = await t.wait_ready(60)
    assert t.session == session and not t.read_only
    state: tuple[str, str, str | None, bool | None, bool] = (
        t.status,
        t.current_model,
        t.current_item_id,
        t.muted,
        t.responding,
    )
    program.heard += [str(value) for value in state]
    frames: list[str] = []
    t.frames.began = time.monotonic()
    t.attach_wire(lambda frame: frames.append(frame.direction))
    t.dialect = Dialect()
    await use_sends(t, program)
    await use_speech(t, program)
    waiting: int = t.outbox_bytes + t.dropped_audio_ms
    seconds: float = await t.ping()
    await t.flush()
    t.close()
    await t.wait_closed()
    code: int | None = t.close_code
    reason: str | None = t.close_reason
    t.current_model = "another"
    return [*program.heard, *frames, str(waiting), str(seconds > 0), str(code), str(reason)]


async def use_sends(t: OpenAIRealtimeWebSocket, program: Program) -> None:
    """Messages, tools, configuration, history."""
    t.send_message("Hello!", {"event_id": "e1"})
    await program.turn()
    t.send_message("How is the weather?", trigger_response=True)
    await program.turn()
    assert program.call is not None
    t.send_function_call_output(program.call, "sunny", start_response=False)
    t.send_message("Search the docs.")
    await program.turn()
    assert program.request is not None
    t.send_mcp_response(program.request, approved=False, reason="no")
    t.add_image("data:image/png;base64,AA==", trigger_response=False)
    t.omissions.settings.add("audio.input.noise_reduction")
    t.update_session_config({"instructions": "Be brief.", "tools": []})
    payload: dict[str, Any] = t.build_session_payload({"voice": "cedar"})
    detection: dict[str, Any] | None = t.build_turn_detection_config({"type": "server_vad"})
    wanted: dict[str, Any] = t.requested_session
    t.forget_settings(["audio.output.voice"])
    program.heard += [str(len(payload)), str(detection), str(len(wanted))]
    t._tracing_config = None
    t._update_tracing_config("auto")
    old = MessageItem("item_x", "user", "completed", [{"type": "input_text", "text": "x"}])
    t.reset_history([old], [])
    t.send_audio(b"\0" * 960, commit=True)
    t.send_event({"type": "input_audio_buffer.clear"})
    t.send_frame('{"type":"input_audio_buffer.clear"}')
    t.request_response({"instructions": "Say goodbye."})
    t.give_up_response()
    await program.turn()


async def use_speech(t: OpenAIRealtimeWebSocket, program: Program) -> None:
    """Interruption, input, listeners."""
    heard_ms: dict[tuple[str, int], int] = {}
    t.attach_playback(lambda item_id, content_index: heard_ms.get((item_id, content_index)))
    t.send_message("Tell me a long story.")
    spoken = asyncio.Event()
    t.once("audio", lambda audio: spoken.set())
    await asyncio.wait_for(spoken.wait(), 60)
    current: tuple[str, int, int] | None = t.playback.current
    t.interrupt(cancel_ongoing_response=False)
    program.heard += [str(current is not None), *(str(cut.audio_end_ms) for cut in t.last_interruption)]
    try:
        t.mute(True)
    except UnsupportedError as problem:
        program.heard.append(problem.hint)
    t.attach_input(lambda muted: program.heard.append(str(muted)))
    t.mute(True)
    t.off("*", program.wire)
    emitted: bool = t.emit("mine", 1) or t.has_listener("mine")
    program.heard.append(str(emitted))


async def join(url: str) -> str:
    """A telephone call, and the errors that a program may want to tell apart."""
    call = OpenAIRealtimeSIP(api_key="sk-test")
    body: dict[str, Any] = call.build_accept_payload({"voice": "cedar"})
    assert body["audio"]["output"]["voice"] == "cedar"
    try:
        await call.connect(url=url, call_id="rtc_1")
        await call.wait_ready(60)
        call.interrupt()
    except ConnectError as problem:
        return f"{problem.status} {problem.body}"
    except (UsageError, NotConnectedError, OutboxFullError, TransportError) as problem:
        return problem.what
    call.close()
    await call.wait_closed()
    return call.status


def mistakes(t: OpenAIRealtimeWebSocket) -> None:
    """What a type checker has to find: an ignore that is not needed is an error, so each of these is one."""
    t.on("audio", lambda audio: audio.nothing)  # type: ignore[attr-defined]
    t.once("item_deleted", lambda deleted: deleted.data)  # type: ignore[attr-defined]

    def heard(audio: str) -> None: ...

    t.on("audio", heard)  # type: ignore[arg-type]
