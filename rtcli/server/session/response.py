"""One response, as its events: what is opened is closed, in the recorded order, however it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rtcli.dsp.codec import Encoder
from rtcli.protocol.audio_formats import encode_base64, parse_format
from rtcli.protocol.events import WireObject
from rtcli.rtc.playout import Playout
from rtcli.server.ids import new_id
from rtcli.server.session import items, usage
from rtcli.server.session.conversation import DefaultConversation
from rtcli.server.session.events import event, obfuscated
from rtcli.server.session.items import ConversationItem

MAX_TEXT = 2**20
"""Characters that one response makes: 260,000 tokens, beyond any model's."""

MAX_AUDIO = 64 * 2**20
"""Bytes of audio that one response makes, about 23 minutes: the conversation would keep no more."""


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """What a response was asked to be: the session's settings with those of its `response.create` over them.

    `input` replaces the conversation as context (None: the conversation). `own_instructions` are those of the
    `response.create`, if it had any.
    """

    modality: str
    audio_format: WireObject
    voice: str
    speed: float
    instructions: str
    own_instructions: str | None
    tools: tuple[WireObject, ...]
    tool_choice: Any
    max_output_tokens: int | str
    parallel_tool_calls: bool
    metadata: WireObject | None
    input: tuple[ConversationItem, ...] | None
    out_of_band: bool


@dataclass(slots=True)
class _Open:
    """An output item on its way: `part` is the open content part's kind, `text` what it says so far."""

    item: ConversationItem
    index: int  # output_index
    previous: str | None  # the id of the item before it when it was added
    part: str = ""
    text: str = ""
    audio: bytearray = field(default_factory=bytearray)  # 24 kHz PCM16; what the encoder still holds is in it
    unkept: int = 0  # bytes of audio that went out and are not in `audio`: nobody can retrieve them
    closed: bool = False
    encoder: Encoder | None = None  # made at the first audio


@dataclass(slots=True, repr=False)
class Response:
    """A response in progress. Every method returns the events to send; none may be called after `finish`."""

    options: ResponseOptions
    conversation: DefaultConversation
    context: tuple[ConversationItem, ...]
    playout: Playout | None = None  # of a call: its audio goes there instead of into events
    id: str = field(default_factory=lambda: new_id("resp"))
    status: str = "in_progress"
    status_details: WireObject | None = None  # from `finish` on, like usage
    usage: WireObject | None = None
    _outputs: list[_Open] = field(default_factory=list)  # every item so far, in the order of output_index

    def __repr__(self) -> str:
        kind = "out of band" if self.options.out_of_band else "in the conversation"
        return f"<Response {self.id} {kind}: {self.status}, items {len(self._outputs)}>"

    @property
    def finished(self) -> bool:
        """Whether `response.done` has been sent."""
        return self.status != "in_progress"

    @property
    def audio_bytes(self) -> int:
        """24 kHz PCM16 that it has made."""
        return sum(map(_audio_bytes, self._outputs))

    @property
    def exhausted(self) -> bool:
        """Whether max_output_tokens is reached, or what this server keeps of one response."""
        limit = self.options.max_output_tokens
        if isinstance(limit, int) and sum(self._written().values()) >= limit:
            return True
        return self.audio_bytes >= MAX_AUDIO or sum(len(output.text) for output in self._outputs) >= MAX_TEXT

    def has_call(self, call_id: str) -> bool:
        """Whether one of its items is that function call."""
        return any(output.item.wire.get("call_id") == call_id for output in self._outputs)

    # the response itself ----------------------------------------------------------------------------------------------

    def created(self) -> list[WireObject]:
        """The first event."""
        return [event("response.created", response=self._wire())]

    def finish(self, status: str = "completed", details: WireObject | None = None) -> list[WireObject]:
        """Close what is open, and the response. Items that were open are incomplete unless it is completed."""
        item_status = "completed" if status == "completed" else "incomplete"
        sent = [
            closing for output in self._outputs if not output.closed for closing in self._close(output, item_status)
        ]
        if self.playout is not None:
            self.playout.finish(self.id)
        self.status = status
        self.status_details = None if details is None else {"type": status, **details}
        read = usage.input_counts(self.options.instructions, self.options.tools, self.context)
        if status == "failed":
            read = dict.fromkeys(read, 0)  # a failed response reports no input
        self.usage = usage.response_usage(read, self._written())
        limits = usage.rate_limits(self.usage["total_tokens"])
        return [
            *sent,
            event("response.done", response=self._wire()),
            event("rate_limits.updated", rate_limits=limits),
        ]

    # a message --------------------------------------------------------------------------------------------------------

    def say(self, delta: str) -> list[WireObject]:
        """More text of the message, or of its transcript. Opens a message where none is open."""
        sent, output = self._message()
        output.text += delta
        self._keep(output)
        name = "response.output_text.delta" if output.part == "text" else "response.output_audio_transcript.delta"
        return [*sent, obfuscated(event(name, **self._place(output), content_index=0, delta=delta))]

    def add_audio(self, pcm: bytes) -> list[WireObject]:
        """More audio of the message: 24 kHz PCM16, sent in the format of the session, or played in a call."""
        sent, output = self._message()
        if self.options.out_of_band:
            output.unkept += len(pcm)
        elif not output.item.truncated:  # the client goes on playing what it has; the conversation keeps the cut
            output.audio += pcm
            output.item.audio[0] = output.audio
        if self.playout is not None:
            self.playout.add(self.id, output.item.id, 0, pcm)
            return sent
        if output.encoder is None:
            output.encoder = Encoder(parse_format(self.options.audio_format))
        return [*sent, *self._audio_delta(output, output.encoder.encode(pcm))]

    # function calls ---------------------------------------------------------------------------------------------------

    def open_call(self, name: str, call_id: str | None = None) -> list[WireObject]:
        """A function call, its arguments to follow."""
        wire = items.function_call(name, call_id or new_id("call"), "", status="in_progress")
        return self._add(ConversationItem(wire))[0]

    def call_arguments(self, delta: str) -> list[WireObject]:
        """More of the arguments of the call that was opened last."""
        output = self._outputs[-1]
        output.text += delta
        name = "response.function_call_arguments.delta"
        call = {"call_id": output.item.wire["call_id"]}
        return [obfuscated(event(name, **self._place(output), **call, delta=delta))]

    # items that the server runs itself --------------------------------------------------------------------------------

    def add_item(self, item: ConversationItem) -> list[WireObject]:
        """Open an item of another kind (mcp_call, mcp_approval_request)."""
        return self._add(item)[0]

    def last_place(self) -> WireObject:
        """response_id, item_id and output_index of the item that was opened last."""
        return self._place(self._outputs[-1])

    def close_item(self) -> list[WireObject]:
        """Close the item that was opened last, as it now is."""
        return self._close(self._outputs[-1], "completed")

    # private ----------------------------------------------------------------------------------------------------------

    def _wire(self) -> WireObject:
        options = self.options
        output = {"format": options.audio_format, "voice": options.voice}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self.status_details,
            "output": [o.item.wire for o in self._outputs] if self.finished else [],  # as the API: at the end alone
            "conversation_id": None if options.out_of_band else self.conversation.id,
            "output_modalities": [options.modality],
            "max_output_tokens": options.max_output_tokens,
            "audio": {"output": output},
            "usage": self.usage,
            "metadata": options.metadata,
        }

    def _place(self, output: _Open) -> WireObject:
        return {"response_id": self.id, "item_id": output.item.id, "output_index": output.index}

    def _written(self) -> dict[str, int]:
        total = {"text": 0, "audio": 0}
        for output in self._outputs:
            total["text"] += usage.text_tokens(output.text)
            total["audio"] += usage.audio_tokens(_audio_bytes(output), user=False)
        return total

    def _open_messages(self) -> Sequence[_Open]:
        return [output for output in self._outputs if output.part and not output.closed]

    def _message(self) -> tuple[list[WireObject], _Open]:
        """(events, the open message): where none is open, one is added, and those are its events."""
        if open_messages := self._open_messages():
            return [], open_messages[-1]
        sent, output = self._add(ConversationItem(items.message("assistant", [], status="in_progress")))
        output.part = self.options.modality
        self._keep(output)
        part = event(
            "response.content_part.added", **self._place(output), content_index=0, part=_part(output, short=True)
        )
        return [*sent, part], output

    def _keep(self, output: _Open) -> None:
        """The item in the conversation says what was said so far."""
        if not output.item.truncated:
            output.item.wire = {**output.item.wire, "content": [_part(output, short=False)]}

    def _add(self, item: ConversationItem) -> tuple[list[WireObject], _Open]:
        item.unseen = self._unseen()
        previous = None if self.options.out_of_band else self.conversation.append(item)
        output = _Open(item, len(self._outputs), previous)
        self._outputs.append(output)
        place = {"response_id": self.id, "output_index": output.index}
        sent = [event("response.output_item.added", **place, item=item.wire)]
        if not self.options.out_of_band:
            sent.append(event("conversation.item.added", previous_item_id=previous, item=item.wire))
        return sent, output

    def _unseen(self) -> frozenset[str]:
        """What came to the conversation since the response was created."""
        if self.options.out_of_band or self.options.input is not None:
            return frozenset()
        known = {item.id for item in self.context} | {output.item.id for output in self._outputs}
        return frozenset(item.id for item in self.conversation if item.id not in known)

    def _close(self, output: _Open, status: str) -> list[WireObject]:
        sent = self._close_part(output) if output.part else []
        if output.item.wire["type"] == "function_call":
            output.item.wire = {**output.item.wire, "arguments": output.text}
            call = {key: output.item.wire[key] for key in ("name", "call_id", "arguments")}
            sent.append(event("response.function_call_arguments.done", **self._place(output), **call))
        if "status" in output.item.wire:
            output.item.wire = {**output.item.wire, "status": status}
        output.closed = True
        if not self.options.out_of_band:
            self.conversation.weigh(output.item)
            # The API names no predecessor here when it is the conversation's first item; clients do not order by it.
            previous = None if self.conversation.first_is(output.previous) else output.previous
            sent.append(event("conversation.item.done", previous_item_id=previous, item=output.item.wire))
        place = {"response_id": self.id, "output_index": output.index}
        return [*sent, event("response.output_item.done", **place, item=output.item.wire)]

    def _close_part(self, output: _Open) -> list[WireObject]:
        place = {**self._place(output), "content_index": 0}
        done = event("response.content_part.done", **place, part=_part(output, short=True))
        if output.part == "text":
            return [event("response.output_text.done", **place, text=output.text), done]
        rest = self._audio_delta(output, output.encoder.flush()) if output.encoder else []
        transcript = event("response.output_audio_transcript.done", **place, transcript=output.text)
        return [*rest, event("response.output_audio.done", **place), transcript, done]

    def _audio_delta(self, output: _Open, data: bytes) -> list[WireObject]:
        if not data:
            return []
        delta = encode_base64(data)
        return [event("response.output_audio.delta", **self._place(output), content_index=0, delta=delta)]


def _audio_bytes(output: _Open) -> int:
    return output.unkept + sum(map(len, output.item.audio.values()))


def _part(output: _Open, *, short: bool) -> WireObject:
    """A content part: events about parts say `text` and `audio`, items say `output_text` and `output_audio`."""
    if output.part == "text":
        return {"type": "text" if short else "output_text", "text": output.text}
    return {"type": "audio" if short else "output_audio", "transcript": output.text}
