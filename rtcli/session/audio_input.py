"""Audio in: what the microphone hears goes out in the session's format, guarded against echo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rtcli.audio.device_clock import BlockTime
from rtcli.audio.echo import EchoMode
from rtcli.audio.echo_filter import EchoFilter
from rtcli.audio.stream import Lost
from rtcli.dsp.codec import Encoder
from rtcli.dsp.levels import SILENCE_DB
from rtcli.errors import AudioUnavailableError, RtcliError
from rtcli.protocol.audio_formats import PCM16, encode_base64
from rtcli.protocol.events import Event
from rtcli.protocol.provenance import caused_by
from rtcli.session.audio_output import AudioOutput
from rtcli.session.echo_watch import EchoWatch
from rtcli.session.level_history import LevelHistory
from rtcli.session.link import Link
from rtcli.session.neighbors import append_type
from rtcli.session.track_input import TrackInput
from rtcli.views import Level, Notice

_APPEND = "input_audio_buffer.append"


class MicrophoneLike(Protocol):
    """Gives 20 ms pieces of 24 kHz PCM16 mono to `on_chunk` on the loop (see `rtcli.audio.microphone`)."""

    on_chunk: Callable[[bytes], None] | None
    on_lost: Lost | None
    level_db: float | None
    captured: BlockTime
    """When the last piece was heard."""
    more: bool
    """Another piece follows at once."""

    @property
    def held_ms(self) -> int:
        """For how long audio waits before `on_chunk` gets it, at least."""

    def open(self) -> None: ...
    def close(self) -> None: ...
    def discard(self) -> None: ...
    @property
    def name(self) -> str: ...


ECHO_ADVICE = Notice(
    "the speaker and the microphone are both on",
    hint="use headphones, or /echo half if the assistant hears itself",
)


class AudioInput:
    """Owns the microphone and the echo guard. The microphone opens only when `open` is called."""

    def __init__(self, link: Link, output: AudioOutput, microphone: MicrophoneLike | None) -> None:
        self._link = link
        self._output = output
        self.microphone = microphone
        self.recording = False  # open, whether or not it is muted
        self.echo = EchoFilter()
        self.held_back = False  # the last piece went out as silence, for it may be an echo
        self._echo_watch: EchoWatch | None = EchoWatch()  # None: told already
        self._dropped = self._dropped_before = 0  # milliseconds, on this connection and on those before it
        self.levels = LevelHistory()  # of what was captured while it was live
        self._advised = False  # about headphones: once a session
        self.call: TrackInput | None = None  # takes what is sent where it goes over a track
        self._unsent: list[bytes] = []  # pieces that go out with those that follow at once
        self._encoder: Encoder | None = None  # one stream: what it holds back belongs to the next piece
        link.transport.on("input_audio_buffer.speech_started", self._on_input_audio_buffer_speech_started)

    def __repr__(self) -> str:
        return f"<AudioInput: {self.microphone.name if self.microphone else None}, recording={self.recording}>"

    # -- devices -----------------------------------------------------------------------------------

    def open(self) -> None:
        """Start to record, on the default device if none was chosen. Raises AudioUnavailableError."""
        if not self.recording:
            self._start(self.microphone or _default_microphone())
        elif self.muted and self.microphone is not None:
            self.microphone.discard()  # what was captured while it was muted stays here
        if self.muted:
            self.forget()
        if self._output.speaker is not None and not self._advised and self.echo.mode is EchoMode.AUTO:
            self._advised = True
            self._link.show(ECHO_ADVICE)

    def use(self, microphone: MicrophoneLike) -> None:
        """Record from another device from now on. Raises AudioUnavailableError, and then changes nothing."""
        old = self.microphone
        self._start(microphone)
        if old is not None:
            old.close()

    def _start(self, microphone: MicrophoneLike) -> None:
        self._prepare_echo()
        microphone.on_chunk = self._on_chunk
        microphone.on_lost = self._on_lost
        microphone.open()
        self.microphone, self.recording = microphone, True

    def _on_lost(self, error: AudioUnavailableError) -> None:
        self.recording = False
        self._link.transport.mute(True)
        self._link.show(Notice(error.what, error.why, "/audio in DEVICE, then /unmute", Level.WARNING))

    def close(self) -> None:
        """Give the device back."""
        self.recording = False
        if self.microphone is not None:
            self.microphone.close()
        self._output.tell_blocks(None)
        self.echo.release()
        self.forget()

    # -- sending -----------------------------------------------------------------------------------

    @property
    def muted(self) -> bool:
        """The transport owns this: what has the transport can mute."""
        return self._link.transport.muted is not False

    @property
    def level_db(self) -> float | None:
        """How loud the microphone is, in dBFS; None while nothing is recorded or it is muted."""
        return self.microphone.level_db if self.microphone and self.recording and not self.muted else None

    def _on_chunk(self, pcm: bytes) -> None:
        if self.muted or self._link.transport.status != "connected":
            self.held_back = False
            return
        level, speaker_db, audible = self.level_db, self._output.level_db, self._output.audible
        level = SILENCE_DB if level is None else level
        time = self.microphone.captured if self.microphone is not None else BlockTime(self._link.now, False)
        if audible and self._echo_watch is not None:
            self._echo_watch.add(level, speaker_db)
        passed = self.echo.passed(pcm, level, speaker_db, audible=audible, time=time)
        self.held_back = passed is None
        seconds = len(pcm) / PCM16.bytes_per_second
        begin = self._link.now - seconds - (self.microphone.held_ms if self.microphone else 0) / 1000
        self.levels.add(begin, seconds, level, held_back=passed is None)
        # silence keeps the server's time in step
        self._unsent.append(bytes(len(pcm)) if passed is None else passed)
        if self.microphone is not None and self.microphone.more:
            return
        pcm = b"".join(self._unsent)
        self._unsent.clear()
        try:
            with caused_by("microphone"):
                self.send(pcm)
        except RtcliError as error:  # a telephone call carries its own audio, for one
            self._link.transport.mute(True)
            self._link.show(Notice(f"{error.what}; microphone muted", error.why, error.hint, Level.WARNING))

    def send(self, pcm: bytes) -> None:
        """24 kHz PCM16 into the server's input buffer, in the format that the session listens to."""
        if self.call is not None:
            self.call.send(pcm)
            return
        audio_format = self._link.state.audio.input_format
        if self._encoder is None or self._encoder.format != audio_format:
            self._encoder = Encoder(audio_format)
        self._append(self._encoder.encode(pcm))

    def finish(self) -> None:
        """What was said ends here: send what the encoder holds back of it."""
        if self._encoder is not None:
            self._append(self._encoder.flush())

    def forget(self) -> None:
        """What the encoder holds back belongs to nothing any more."""
        self._encoder = None

    def _append(self, data: bytes) -> None:
        if not data:
            return
        if (append := append_type(self._link.kind)) == _APPEND:
            self._link.transport.send_audio(data)
            self._count_dropped()
        elif self._link.transport.status == "connected":
            self._link.transport.send_event({"type": append, "audio": encode_base64(data)})

    @property
    def dropped_ms(self) -> int:
        """Milliseconds that connections were too slow for, in the session so far."""
        self._count_dropped()
        return self._dropped_before + self._dropped

    def _count_dropped(self) -> None:
        """Each connection counts from 0; the first of it that is lost is told."""
        now = self._link.transport.dropped_audio_ms
        if now < self._dropped:
            self._dropped_before, self._dropped = self._dropped_before + self._dropped, 0
        if now and not self._dropped:
            why, hint = "the server or the network takes it too slowly", "the toolbar and /status count it"
            self._dropped = now
            self._link.show(Notice("audio of the microphone is being dropped", why, hint, Level.WARNING))
        self._dropped = now

    # -- echo --------------------------------------------------------------------------------------

    def set_echo(self, mode: EchoMode) -> None:
        """Guard against echo in another way, and learn the room anew. Raises AudioUnavailableError for `aec`."""
        self.echo, self._echo_watch = EchoFilter(mode), EchoWatch()
        self._prepare_echo()

    def _prepare_echo(self) -> None:
        self.echo.prepare()
        canceller = self.echo.canceller
        self._output.tell_blocks(canceller.played if canceller is not None else None)

    def _on_input_audio_buffer_speech_started(self, _event: Event) -> None:
        """The server hears speech: while the speaker plays, that may be the assistant itself. Told once a mode."""
        if self._echo_watch is None or not self._output.audible or not self._echo_watch.follows:
            return
        self._echo_watch = None
        stronger = "/echo gate" if self.echo.mode is EchoMode.OFF else "/echo half"
        why = "the microphone follows what the loudspeaker plays"
        hint = f"use headphones, or {stronger}"
        self._link.show(Notice("the assistant may have interrupted itself", why, hint, Level.WARNING))


def _default_microphone() -> MicrophoneLike:
    from rtcli.audio.microphone import Microphone

    return Microphone()
