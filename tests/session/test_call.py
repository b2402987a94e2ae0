"""A session by WebRTC: microphone and speaker, where an answer was heard, records, and interruptions."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rtcli.commands import Context, default_registry, run_line
from rtcli.config.endpoints import Endpoint
from rtcli.dsp.wav import wav_header
from rtcli.errors import UnsupportedError
from rtcli.protocol.record import Audio, Connected, Connection, Direction, Heard, Record
from rtcli.rtc.peer import PeerEnd
from rtcli.session.session import RealtimeSession
from rtcli.timeline.timeline import Timeline
from rtcli.transports import OpenAIRealtimeWebRTC
from rtcli.views import DisplaySettings, Notice, View
from tests.kit.fake_peer import CallPlace, FakePeer, Peers
from tests.kit.sessions import ManualMicrophone, ManualSpeaker
from tests.kit.waiting import until

LOUD = b"\0\x10" * 480
QUIET = bytes(960)
CREATED = {"type": "response.created", "event_id": "c", "response": {"id": "r", "status": "in_progress"}}
PART = {
    "type": "response.content_part.added",
    "event_id": "p",
    "response_id": "r",
    "item_id": "i",
    "content_index": 0,
    "part": {"type": "audio"},
}
STARTED = {"type": "output_audio_buffer.started", "event_id": "s", "response_id": "r"}
STOPPED = {"type": "output_audio_buffer.stopped", "event_id": "x", "response_id": "r"}
CLEARED = {"type": "output_audio_buffer.cleared", "event_id": "y", "response_id": "r"}
TRUNCATED = {
    "type": "conversation.item.truncated",
    "event_id": "t",
    "item_id": "i",
    "content_index": 0,
    "audio_end_ms": 40,
}
WORDS = {"response_id": "r", "item_id": "i", "content_index": 0, "output_index": 0}
TRANSCRIPT = "one two three four five six seven eight nine ten eleven twelve"


class Called:
    """A session in a call whose other side is the test."""

    def __init__(self, place: CallPlace) -> None:
        self.now, self.number = 100.0, 0
        self.peers = Peers()
        self.speaker, self.microphone = ManualSpeaker(), ManualMicrophone()
        self.transport = OpenAIRealtimeWebRTC(
            api_key="sk", base_url=place.url, create_peer=self.peers, auto_tracing=False, clock=lambda: self.now
        )
        endpoint = Endpoint(place.url.replace("http", "ws").removesuffix("/calls"), "m", "here", webrtc=True)
        self.session = RealtimeSession(
            self.transport,
            endpoint=endpoint,
            speaker=self.speaker,
            microphone=self.microphone,
            clock=lambda: self.now,
        )
        self.records: list[Record] = []
        self.views: list[View] = []
        self.session.subscribe(self.views.append)

    @property
    def peer(self) -> FakePeer:
        return self.peers.last

    async def say(self, *events: dict[str, Any]) -> None:
        """Messages of the server, handled."""
        for event in events:
            self.peer.say(event)
            kind = event["type"]
            await until(functools.partial(self.session.state.log.last, kind), kind)
            await asyncio.sleep(0)

    def hear(self, *frames: bytes) -> None:
        """Audio of the server, 20 ms each."""
        for pcm in frames:
            self.peer.handlers.on_audio(pcm, self.number * 480)
            self.number += 1
            self.now += 0.02

    def audio(self, direction: Direction) -> list[Audio]:
        return [record for record in self.records if isinstance(record, Audio) and record.direction is direction]

    @property
    def sent(self) -> list[str]:
        return [event["type"] for event in self.peer.sent]

    @property
    def notices(self) -> list[str]:
        return [str(view.what) for view in self.views if isinstance(view, Notice)]


@asynccontextmanager
async def called() -> AsyncIterator[Called]:
    async with CallPlace().running() as place:
        call = Called(place)
        link = call.session._link
        link.record = call.records.append
        await call.session.start()
        try:
            yield call
        finally:
            await call.session.close()


async def test_an_answer_is_heard_as_the_item_that_plays() -> None:
    """And recorded in lines of 100 ms that name it; silence is neither played nor recorded."""
    async with called() as call:
        await call.say(CREATED, PART, STARTED)
        call.hear(QUIET, *[LOUD] * 7, *[QUIET] * 20)
        await call.say(STOPPED)

        lines = call.audio(Direction.RECEIVED)
        assert bytes(call.speaker.pcm) == LOUD * 7 + QUIET * 12
        assert call.speaker.queued == {("i", 0): 19 * 20}
        assert call.speaker.finished[-1] == ("i", 0)
        assert b"".join(line.data for line in lines) == bytes(call.speaker.pcm)
        assert [len(line.data) for line in lines] == [4_800, 4_800, 4_800, 3_840]
        assert {(line.rate, line.item_id) for line in lines} == {(24_000, "i")}
        assert call.session.state.audio.heard_ms("i", 0) == 380


async def test_the_microphone_goes_over_the_track() -> None:
    """And not into the events; it is recorded while it is not muted, and counts for a turn that is ended by hand."""
    async with called() as call:
        call.microphone.speak(LOUD)
        call.session.audio.unmute()
        call.microphone.speak(LOUD * 6)
        assert [call.peer.source() for _ in range(7)] == [LOUD] * 6 + [None]
        call.session.audio.mute()

        assert [len(line.data) for line in call.audio(Direction.SENT)] == [4_800, 960]
        assert call.session.audio.unsent_turn_ms == 120
        call.session.talk.commit()
        await call.transport.flush()
        assert "input_audio_buffer.append" not in call.sent
        assert call.sent[-1] == "input_audio_buffer.commit"


async def test_an_interruption_is_the_servers() -> None:
    """Silence at once; the server's position counts, and the words after it are told as not heard."""
    async with called() as call:
        done = {"type": "response.output_audio_transcript.done", "event_id": "d", "transcript": TRANSCRIPT}
        await call.say(CREATED, PART, STARTED, {**done, **WORDS})
        call.hear(*[LOUD] * 10)
        assert call.session.talk.interrupt()
        call.hear(*[LOUD] * 5)  # on its way
        await call.transport.flush()
        cancelled = {"id": "r", "status": "cancelled", "status_details": {"reason": "client_cancelled"}}
        await call.say({"type": "response.done", "event_id": "f", "response": cancelled}, CLEARED, TRUNCATED)

        assert not [line for line in call.notices if "cancelled" in line]  # it is told once
        assert call.sent[-3:-1] == ["response.cancel", "output_audio_buffer.clear"]
        assert "conversation.item.truncate" not in call.sent
        assert bytes(call.speaker.pcm) == LOUD * 10
        assert call.speaker.stops >= 1
        assert [(heard.item_id, heard.ms) for heard in call.records if isinstance(heard, Heard)] == [("i", 40)]
        assert "interrupted i: heard 40 ms, as the server counts" in call.notices
        heard = call.session.state.transcripts.heard("i", 0)
        assert heard is not None
        assert heard < len(TRANSCRIPT) // 2


async def test_a_user_who_speaks_silences_the_speaker() -> None:
    """The server has cleared its buffer; what is in ours is not heard either."""
    async with called() as call:
        await call.say(CREATED, PART, STARTED)
        call.hear(*[LOUD] * 3)
        await call.say(CLEARED)
        call.hear(LOUD, LOUD)

        assert bytes(call.speaker.pcm) == LOUD * 3
        assert call.speaker.stops == 1
        assert not {"response.cancel", "output_audio_buffer.clear"} & {*call.sent}


async def test_nothing_is_interrupted_in_silence() -> None:
    """The transport would clear in any case."""
    async with called() as call:
        assert not call.session.talk.interrupt()
        await call.transport.flush()

        assert call.sent == ["session.update"]


async def test_a_session_is_idle_when_an_answer_has_been_played() -> None:
    """It is played long after it is done."""
    async with called() as call:
        await call.say(CREATED, PART, STARTED)
        await call.say({"type": "response.done", "event_id": "e", "response": {"id": "r", "status": "completed"}})
        idle = asyncio.create_task(call.session.idle(60))
        await asyncio.sleep(0)
        assert not call.session.quiet
        await call.say(STOPPED)
        await idle


async def test_a_cancelled_answer_is_not_waited_for() -> None:
    """It never began to play, and nothing will stop."""
    async with called() as call:
        await call.say(CREATED, PART)
        await call.say({"type": "response.done", "event_id": "e", "response": {"id": "r", "status": "cancelled"}})

        assert call.session.quiet


async def test_the_records_name_the_address_of_calls_and_make_a_timeline() -> None:
    """What was heard has its place in /turn and /stats, as over a WebSocket; no answer is missed in the events."""
    async with called() as call:
        await call.say(CREATED, PART, STARTED)
        call.hear(*[LOUD] * 10)
        output = [{"id": "i", "type": "message", "role": "assistant", "content": [{"type": "output_audio"}]}]
        response = {"id": "r", "status": "completed", "output": output}
        await call.say({"type": "response.done", "event_id": "e", "response": response}, STOPPED)
        call.hear(*[QUIET] * 20)
        timeline = Timeline()
        for record in call.records:
            timeline.observe(record)

        urls = {record.url for record in call.records if isinstance(record, Connection)}
        assert {url.rpartition("/")[2] for url in urls} == {"calls"}
        (turn,) = timeline.turns
        (part,) = turn.responses[-1].parts.values()
        assert part.key == ("i", 0)
        assert part.heard_ms is not None
        assert part.heard_ms >= 200
        assert not [line for line in call.notices if "no audio came" in line]


async def test_the_statistics_do_without_a_ping() -> None:
    """A call has none; asked for by itself, that is said."""
    async with called() as call:
        context = Context(live=call.session, display=DisplaySettings(), registry=default_registry())
        await call.say(CREATED, PART, STARTED)
        views = await run_line("/stats", context)

        assert not [view for view in views if isinstance(view, Notice) and "ping" in view.what]
        with pytest.raises(UnsupportedError, match="no ping"):
            await call.session.lifecycle.ping()


async def test_a_file_is_played_in_the_time_that_it_takes(tmp_path: Path) -> None:
    """The track takes 20 ms in 20 ms: none of it is dropped, and it is a turn."""
    path = tmp_path / "hello.wav"
    path.write_bytes(wav_header(len(LOUD) * 25) + LOUD * 25)
    async with called() as call:
        taken: list[bytes] = []

        async def track() -> None:
            while True:
                if frame := call.peer.source():
                    taken.append(frame)
                await asyncio.sleep(0.002)

        playing = asyncio.create_task(track())
        await call.session.talk.play(path, commit=True)
        await until(lambda: len(taken) == 25, "all of it")
        playing.cancel()
        await call.transport.flush()

        assert b"".join(taken) == LOUD * 25
        assert call.transport.dropped_audio_ms == 0
        assert {"input_audio_buffer.commit", "response.create"} <= {*call.sent}


async def test_a_call_is_made_again_with_what_was_said() -> None:
    """On a peer of its own; audio counts from its beginning, and the recording names both."""
    async with called() as call:
        await call.say(CREATED, PART, STARTED)
        call.hear(*[LOUD] * 5)
        first = call.peer
        first.end(PeerEnd.LOST)
        await until(lambda: call.transport.status == "disconnected", "the end")
        assert "the connection was lost" in " ".join(call.notices)
        await call.session.lifecycle.reconnect()
        call.number = 0
        call.hear(*[LOUD] * 5)

        assert call.peer is not first
        assert first.closed
        assert bytes(call.speaker.pcm) == LOUD * 10
        assert call.session.state.connection is Connected.OPEN
