"""A spoken session of any length, written as a recording: turns, tools, interruptions, errors, and audio throughout."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rtcli.protocol.audio_formats import PCM16, encode_base64
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.provenance import caused_by
from rtcli.protocol.record import Connected, Connection, Did, End, Heard, Mark, Record
from rtcli.protocol.record_lines import record_line
from rtcli.recording.header import Header

_RATE = PCM16.rate
_ASKED = (
    "What is the weather like in Bonn tomorrow?",
    "And if it rains, is there a museum that you would go to?",
    "Book a table for two at seven, please.",
    "Wait, make that half past seven.",
    "Thank you, that is all.",
)
_SAID = (
    "Tomorrow it will be mostly sunny in Bonn, around eighteen degrees, with a light wind from the west.",
    "The Museum Koenig is open until six, and it has a café. Shall I look up what it costs to get in?",
    "I have found a table for two at seven o'clock in the old town. Shall I book it under your name?",
    "Of course. Half past seven it is.",
    "You are welcome. Have a good evening!",
)


def voice(seconds: float, seed: int) -> bytes:
    """PCM16 that looks like speech: syllables of noise and a pitch, words with pauses between them."""
    dice = np.random.default_rng(seed)
    count = round(seconds * _RATE)
    time = np.arange(count) / _RATE
    syllables = np.clip(np.sin(2 * np.pi * (3.1 + dice.random()) * time + dice.random() * 6), 0, 1) ** 0.7
    words = np.repeat(dice.random(int(seconds * 2.5) + 1) * 0.8 + 0.2, int(_RATE / 2.5) + 1)[:count]
    pitch = np.sin(2 * np.pi * (120 + 60 * (seed % 2)) * time) + 0.5 * np.sin(2 * np.pi * 710 * time)
    noise = np.convolve(dice.standard_normal(count), np.ones(8) / 8, "same")
    return bytes(((pitch + noise) * syllables * words * 6000).clip(-32_768, 32_767).astype("<i2").tobytes())


class LongSession:
    """Plans what happens, then writes it in the order of time."""

    def __init__(self, seconds: float, *, piece: float = 0.1, seed: int = 1) -> None:
        """`piece` is the audio of one append, in seconds."""
        self.seconds = seconds
        self._piece = piece
        self._dice = random.Random(seed)
        self._plan: list[tuple[float, int, Callable[[float], Record]]] = []
        self._frames = FrameMaker()
        self._said: list[tuple[float, bytes]] = []  # what the microphone hears, and from when on
        self._context = copy_context()

    def write(self, path: Path) -> int:
        """Write the recording; the number of its frames."""
        self._begin()
        at, turn = 1.0, 0
        while at < self.seconds - 6:
            at = self._turn(at, turn)
            turn += 1
        self._microphone()
        self._at(self.seconds, lambda now: End(now, 0))
        header = Header(datetime(2026, 11, 26, 15, 4, 5, tzinfo=UTC), "chat", "the built-in server", "gpt-realtime-2.1")
        frames = 0
        with path.open("wb") as file:
            file.write(header.line().encode() + b"\n")
            for now, _, make in sorted(self._plan, key=lambda row: row[:2]):
                record = self._context.run(make, now)
                frames += type(record).__name__ == "Frame"
                file.write(record_line(record) + b"\n")
        return frames

    def _at(self, at: float, make: Callable[[float], Record]) -> None:
        self._plan.append((round(at, 6), len(self._plan), make))

    def _gets(self, at: float, type_: str, **fields: Any) -> None:
        event = {"type": type_, "event_id": f"event_{self._dice.getrandbits(80):020x}", **fields}
        self._at(at, lambda now: self._frames.received(event, "", now))

    def _sends(self, at: float, type_: str, by: str = "", **fields: Any) -> None:
        event: Mapping[str, Any] = {"type": type_, **fields}

        def make(now: float) -> Record:
            if not by:
                return Context().run(self._frames.sent, event, "", now)  # due to nothing that came
            with caused_by(by):
                return self._frames.sent(event, "", now)

        self._at(at, make)

    def _begin(self) -> None:
        self._at(0.01, lambda now: Connection(now, Connected.DIALING, "ws://127.0.0.1:8080/v1/realtime"))
        self._at(0.05, lambda now: Connection(now, Connected.OPEN))
        session = {"id": "sess_1", "model": "gpt-realtime-2.1", "type": "realtime", "output_modalities": ["audio"]}
        self._gets(0.06, "session.created", session=session)
        self._sends(0.07, "session.update", session={"type": "realtime", "instructions": "Be brief."})
        self._gets(0.09, "session.updated", session={**session, "instructions": "Be brief."})

    def _turn(self, at: float, turn: int) -> float:
        """One turn from a moment on; when the next one may begin."""
        kind, dice, name = turn % len(_ASKED), self._dice, f"{turn:04}ABCDEFGHIJKL"
        spoken = 1.2 + dice.random() * 1.5
        self._said.append((at, voice(spoken, turn)))
        item = f"item_user{name}"
        self._gets(at + 0.12, "input_audio_buffer.speech_started", audio_start_ms=round(at * 1000), item_id=item)
        stopped = at + spoken + 0.5
        self._gets(stopped, "input_audio_buffer.speech_stopped", audio_end_ms=round(stopped * 1000), item_id=item)
        self._gets(stopped + 0.002, "input_audio_buffer.committed", item_id=item, previous_item_id=None)
        self._gets(
            stopped + 0.3,
            "conversation.item.input_audio_transcription.completed",
            item_id=item,
            content_index=0,
            transcript=_ASKED[kind],
        )
        begun = stopped + 0.25 + dice.random() * 0.3
        if kind == 0:
            begun = self._tool(begun, f"resp_tool{name}", f"call_{name}")
        end = self._answer(begun, f"resp_{name}", f"item_model{name}", kind, cut=kind == 2)
        if turn % 17 == 11:
            error = {"type": "invalid_request_error", "code": "response_cancel_not_active", "message": "nothing runs"}
            self._sends(end + 0.1, "response.cancel", by="/cancel", event_id=f"e{turn}")
            self._gets(end + 0.15, "error", error={**error, "event_id": f"e{turn}"})
        if turn % 20 == 3:
            self._at(end + 0.2, lambda now: Mark(now, "it answered too late"))
        return end + (0.05 if kind == 2 else 0.4 + dice.random() * (1.0 if self.seconds < 60 else 6.0))

    def _tool(self, at: float, response: str, call: str) -> float:
        self._gets(at, "response.created", response={"id": response, "status": "in_progress"})
        arguments = '{"city":"Bonn","day":"tomorrow"}'
        for start in range(0, len(arguments), 8):
            self._gets(
                at + 0.05 + start * 0.004,
                "response.function_call_arguments.delta",
                response_id=response,
                item_id=f"item_{call}",
                delta=arguments[start : start + 8],
            )
        item = {"type": "function_call", "id": f"item_{call}", "call_id": call, "name": "get_weather"}
        item |= {"arguments": arguments, "status": "completed"}
        self._gets(at + 0.25, "response.output_item.done", response_id=response, item=item)
        usage = {"total_tokens": 180, "input_tokens": 160, "output_tokens": 20}
        done = {"id": response, "status": "completed", "output": [item], "usage": usage}
        self._gets(at + 0.26, "response.done", response=done)
        output = {"type": "function_call_output", "call_id": call, "output": '{"sky":"sunny","degrees":18}'}
        self._sends(at + 0.75, "conversation.item.create", by="tool get_weather", item=output)
        self._sends(at + 0.76, "response.create", by="tool get_weather")
        return at + 0.95

    def _answer(self, at: float, response: str, item: str, kind: int, *, cut: bool) -> float:
        """Audio twice as fast as it is heard; `cut`: the user interrupts. When it is over."""
        words, seconds = _SAID[kind], len(_SAID[kind]) / 16
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        self._gets(at, "response.created", response={"id": response, "status": "in_progress"})
        self._gets(at + 0.01, "response.output_item.added", response_id=response, item={"id": item, "type": "message"})
        pcm, size = voice(seconds, kind + 50), _RATE * 2 // 20
        first = at + 0.2
        ends = first + seconds * (0.55 if cut else 1.0) + 0.06
        for index in range(0, len(pcm), size):
            sent = first + index / _RATE / 4
            if sent < ends:
                self._gets(sent, "response.output_audio.delta", **about, delta=encode_base64(pcm[index : index + size]))
        for index, word in enumerate(words.split(" ")):
            self._gets(first + 0.01 + index * 0.09, "response.output_audio_transcript.delta", **about, delta=word + " ")
        heard = 0.2
        while first + 0.06 + heard < ends:
            self._heard(first + 0.06 + heard, item, heard)
            heard += 0.2
        total = ends - first - 0.06
        self._heard(ends, item, total)
        usage = {"total_tokens": 240, "input_tokens": 170, "output_tokens": 70}
        over = {"id": response, "status": "completed", "usage": usage, "output": []}
        if cut:
            self._sends(
                ends + 0.01, "conversation.item.truncate", by="/interrupt", item_id=item, content_index=0,
                audio_end_ms=round(total * 1000),
            )  # fmt: skip
            self._at(ends + 0.005, lambda now: Did(now, "/interrupt"))
            over |= {"status": "cancelled", "status_details": {"reason": "turn_detected"}}
        self._gets(
            first + min(seconds / 2, ends - first) + 0.05,
            "response.output_audio_transcript.done",
            **about,
            transcript=words,
        )
        self._gets(ends + 0.03 if cut else first + seconds / 2 + 0.1, "response.done", response=over)
        return ends

    def _heard(self, at: float, item: str, seconds: float) -> None:
        self._at(at, lambda now: Heard(now, item, 0, round(seconds * 1000)))

    def _microphone(self) -> None:
        """What was said, and the noise of a room where nothing is."""
        room = (np.random.default_rng(7).standard_normal(_RATE * 10) * 25).astype("<i2")
        track = np.tile(room, int(self.seconds / 10) + 1)[: round(self.seconds * _RATE)]
        for at, pcm in self._said:
            samples, start = np.frombuffer(pcm, "<i2"), round(at * _RATE)
            track[start : start + len(samples)] += samples[: max(len(track) - start, 0)]
        size = round(self._piece * _RATE)
        for start in range(round(0.2 * _RATE), len(track), size):
            piece = track[start : start + size]
            audio = encode_base64(piece.tobytes())
            self._sends((start + len(piece)) / _RATE + 0.004, "input_audio_buffer.append", audio=audio)
