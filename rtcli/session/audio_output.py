"""Audio out: what arrives goes to the speaker, and what has been heard of it is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from rtcli.audio.playout import PendingPlayback
from rtcli.audio.speaker import OnBlock
from rtcli.audio.stream import BLOCK_MS, Lost
from rtcli.dsp.codec import Decoder
from rtcli.dsp.levels import SILENCE_DB
from rtcli.errors import AudioFileError, AudioUnavailableError, NotConnectedError
from rtcli.protocol.audio_formats import AudioFormat
from rtcli.protocol.events import Event
from rtcli.protocol.payloads import TransportAudio
from rtcli.protocol.playback import PartKey, part_of
from rtcli.protocol.record import Heard
from rtcli.protocol.remember import remember
from rtcli.protocol.session_kind import SessionKind
from rtcli.session.link import Link
from rtcli.views import Level, Notice

_MAX_BROKEN = 256
_REPORT_SECONDS = 0.2
"""How often a position is reported while something plays."""


class SpeakerLike(Protocol):
    """Plays 24 kHz PCM16 mono and counts what was heard (see `rtcli.audio.speaker`)."""

    on_lost: Lost | None
    on_block: OnBlock | None

    def open(self) -> None: ...
    def close(self) -> None: ...
    def play(self, item_id: str, content_index: int, pcm: bytes) -> None: ...
    def finish(self, item_id: str, content_index: int) -> None: ...
    def stop(self) -> None: ...
    def export(self) -> PendingPlayback: ...
    def resume(self, rest: PendingPlayback) -> None: ...
    def heard_ms(self, item_id: str, content_index: int) -> int | None: ...
    def first_heard_at(self, item_id: str, content_index: int) -> float | None: ...
    @property
    def name(self) -> str: ...
    @property
    def audible(self) -> bool: ...
    @property
    def current(self) -> PartKey | None: ...
    @property
    def level_db(self) -> float: ...


class AudioOutput:
    """Owns the speaker. Without one nothing is heard, and the session goes on in text."""

    def __init__(self, link: Link, speaker: SpeakerLike | None) -> None:
        self._link = link
        self.speaker = speaker
        self._on_block: OnBlock | None = None  # who needs to know what is played, on whatever device
        self._decoder: tuple[PartKey, Decoder] | None = None  # of the part that is arriving
        self._broken: dict[PartKey, int] = {}  # parts of which some was lost, and what was heard of them, in ms
        self._untold: set[PartKey] = set()  # those of them whose loss is still to be told
        self._bereft = False  # there was a speaker, and it was lost
        self._playing: set[PartKey] = set()  # parts whose position is still to be reported
        self._timer: asyncio.TimerHandle | None = None  # runs only while something plays
        self.on_change: Callable[[], object] = lambda: None  # the speaker is another one, or gone
        transport = link.transport
        transport.attach_playback(self._heard)  # so that interrupt() cuts at what the speaker gave out
        transport.on("audio", self._on_audio)
        transport.on("audio_interrupted", self._on_audio_interrupted)
        transport.on("response.output_audio.done", self._on_response_output_audio_done)

    def __repr__(self) -> str:
        return f"<AudioOutput: {self.speaker.name if self.speaker else None}, {len(self._playing)} parts playing>"

    # -- devices -----------------------------------------------------------------------------------

    def open(self) -> AudioUnavailableError | None:
        """Start the speaker, if there is one. One that cannot be had is given up, and the reason returned."""
        try:
            if self.speaker is not None:
                self.speaker.open()
                self.speaker.on_lost, self.speaker.on_block = self._on_lost, self._on_block
        except AudioUnavailableError as error:
            self.speaker = None
            return error
        return None

    def use(self, speaker: SpeakerLike) -> None:
        """Play on another device from now on, in the middle of an answer too.

        Raises AudioUnavailableError, and then changes nothing.
        """
        speaker.open()
        speaker.on_lost, speaker.on_block = self._on_lost, self._on_block
        self._report()
        old, self.speaker = self.speaker, speaker
        if old is not None:
            speaker.resume(old.export())
            old.close()
        self._tell_lost()
        self._bereft = False

    def _tell_lost(self) -> None:
        """What arrived of parts and was lost with the speaker, or after it: it was not heard, and will not be."""
        meter = self._link.state.audio
        lost = sum(max(meter.received_ms(*key) - self._broken.get(key, 0), 0) for key in self._untold)
        self._untold.clear()
        if lost:
            what = f"{lost / 1000:.1f} s of an answer were lost with the speaker"
            why = "they do not count as heard, and the rest of that answer is not played"
            self._link.show(Notice(what, why, "ask again", Level.WARNING))

    def tell_blocks(self, on_block: OnBlock | None) -> None:
        """Give what is played to `on_block` too, on this device and on those that follow."""
        self._on_block = on_block
        if self.speaker is not None:
            self.speaker.on_block = on_block

    def _on_lost(self, error: AudioUnavailableError) -> None:
        """The conversation goes on in text: what nobody hears is not to be spoken."""
        playing = tuple(self._playing)
        self._report()
        for key in playing:
            self._break(key, self._heard(*key) or 0)
        self._playing.clear()
        self.speaker, self._decoder, self._bereft = None, None, True
        self.on_change()
        if isinstance(error, AudioFileError):  # what the user asked for is incomplete
            self._link.codes.add(error.exit_code)
        what = f"{error.what}: answers will be text"
        self._link.show(Notice(what, error.why, "/audio out DEVICE", Level.WARNING))
        if (self._link.transport.session or {}).get("output_modalities") == ["audio"]:
            with suppress(NotConnectedError):
                session = {"type": "realtime", "output_modalities": ["text"]}
                self._link.transport.send_event({"type": "session.update", "session": session})

    def close(self) -> None:
        """Give the device back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.speaker is not None:
            self.speaker.close()

    # -- playing -----------------------------------------------------------------------------------

    @property
    def audible(self) -> bool:
        """Something is being played, or waits to be."""
        return self.speaker is not None and self.speaker.audible

    @property
    def current(self) -> PartKey | None:
        """The part that is heard now; None in silence."""
        return self.speaker.current if self.speaker is not None and self.speaker.audible else None

    @property
    def level_db(self) -> float:
        """How loud the speaker is, in dBFS."""
        return self.speaker.level_db if self.speaker is not None else SILENCE_DB

    @property
    def format(self) -> AudioFormat:
        """What the session speaks."""
        return self._link.state.audio.output_format

    def _break(self, key: PartKey, heard_ms: int) -> None:
        """Some of a part is lost: what comes of it now would be heard at a place where it does not stand."""
        if key not in self._broken:
            remember(self._broken, key, heard_ms, _MAX_BROKEN)
            self._untold.add(key)

    def _on_audio(self, audio: TransportAudio) -> None:
        if self._bereft and not audio.interrupted:
            self._break((audio.item_id, audio.content_index), 0)
        if self.speaker is None or audio.interrupted or (audio.item_id, audio.content_index) in self._broken:
            return
        if self._link.kind is SessionKind.LIVE and not audio.data.strip(b"\0"):
            return  # it sends its silence too, which would make the speaker busy for ever
        key = (audio.item_id, audio.content_index)
        if self._decoder is None or self._decoder[0] != key:
            self._decoder = (key, Decoder(self.format))  # parts must not share what a resampler holds back
        self.speaker.play(*key, self._decoder[1].decode(audio.data))
        self._playing.add(key)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_REPORT_SECONDS, self._report_again)

    def _on_response_output_audio_done(self, event: Event) -> None:
        key = part_of(event)
        if self.speaker is None or key in self._broken:
            return
        if self._decoder and self._decoder[0] == key:
            self.speaker.play(*key, self._decoder[1].flush())
            self._decoder = None
        self.speaker.finish(*key)

    def _on_audio_interrupted(self, *_: Any) -> None:
        """Where each part stopped is said before the server is told to cut it there."""
        now = self._link.now
        for cut in self._link.transport.last_interruption:
            self._link.observe(Heard(now, cut.item_id, cut.content_index, cut.heard_ms))
        self._playing.clear()  # what fades out now is not heard as far as the server is concerned
        self.stop()

    def stop(self) -> None:
        """Play nothing more of what has arrived."""
        self._decoder = None
        if self.speaker is not None:
            self.speaker.stop()

    # -- positions ---------------------------------------------------------------------------------

    def _heard(self, item_id: str, content_index: int) -> int | None:
        if (heard := self._broken.get((item_id, content_index))) is not None:
            return heard
        return self.speaker.heard_ms(item_id, content_index) if self.speaker else None

    def heard_ms(self, key: PartKey) -> int | None:
        """Milliseconds of a part that have left the device."""
        return self._heard(*key)

    def _report_again(self) -> None:
        self._timer = None
        self._report()
        if self._playing:
            self._timer = asyncio.get_running_loop().call_later(_REPORT_SECONDS, self._report_again)

    def _report(self) -> None:
        """Every position that has moved. What is silent by now will not move again."""
        for key in tuple(self._playing):
            heard, told = self._heard(*key), self._link.state.audio.heard_ms(*key)
            if heard and heard != told:
                now = self._link.now
                if told is None:
                    heard = self._since_first_sample(key, now, heard)
                self._link.observe(Heard(now, *key, heard))
        if not self.audible:
            self._playing.clear()

    def _since_first_sample(self, key: PartKey, now: float, heard: int) -> int:
        """A player counts in blocks; the first position is to tell to the millisecond when playing began."""
        first = self.speaker.first_heard_at(*key) if self.speaker is not None else None
        since = heard if first is None else round((now - self._link.at(first)) * 1000)
        return since if heard <= since <= heard + BLOCK_MS else heard
