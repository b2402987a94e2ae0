"""The session's sound: what arrives goes to the speaker, what the microphone takes goes out, guarded against echo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from rtcli.audio.devices import Device, Kind, list_devices
from rtcli.audio.echo import EchoGuard, EchoMode
from rtcli.audio.playout import PendingPlayback
from rtcli.audio.stream import Lost, rescan_devices
from rtcli.dsp.codec import Decoder, Encoder, decode
from rtcli.dsp.levels import SILENCE_DB
from rtcli.errors import AudioUnavailableError, NotConnectedError, RtcliError
from rtcli.protocol.audio_formats import AudioFormat, decode_base64, parse_format
from rtcli.protocol.payloads import TransportAudio
from rtcli.session.echo_watch import EchoWatch
from rtcli.session.provenance import caused_by
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import Level, Notice


class SpeakerLike(Protocol):
    """Plays 24 kHz PCM16 mono and counts what was heard (see `rtcli.audio.speaker`)."""

    on_lost: Lost | None

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
    def audible(self) -> bool: ...
    @property
    def current(self) -> tuple[str, int] | None: ...
    @property
    def level_db(self) -> float: ...


class MicrophoneLike(Protocol):
    """Gives 20 ms pieces of 24 kHz PCM16 mono to `on_chunk` on the loop (see `rtcli.audio.microphone`)."""

    on_chunk: Callable[[bytes], None] | None
    on_lost: Lost | None
    muted: bool
    level_db: float | None

    def open(self) -> None: ...
    def close(self) -> None: ...


ECHO_ADVICE = Notice(
    "speaker and microphone are open together",
    hint="use headphones, or /echo half if the assistant hears itself",
)


class AudioIO:
    """Owns speaker, microphone and echo guard. The microphone opens only when `open_microphone` is called."""

    def __init__(
        self,
        transport: OpenAIRealtimeWebSocket,
        *,
        speaker: SpeakerLike | None,
        microphone: MicrophoneLike | None,
        show: Callable[[Notice], None],
    ) -> None:
        self._transport = transport
        self._show = show
        self.speaker = speaker
        self.microphone = microphone
        self.echo = EchoGuard()
        self._echo_watch: EchoWatch | None = EchoWatch()
        self.muted = True
        self.recording = False
        self._advised = False
        self._sent_ms = 0
        self._from_wire: tuple[str, int, Decoder] | None = None  # the part that is arriving: item_id, content_index
        self._to_wire: Encoder | None = None
        transport.attach_input(self.set_muted, muted=True)
        transport.attach_playback(self._heard)
        transport.on("audio", self._arrived)
        transport.on("audio_interrupted", self._interrupted)

    # -- out -------------------------------------------------------------------------------------

    def open_speaker(self) -> AudioUnavailableError | None:
        """Start the speaker, if there is one. One that cannot be had is given up, and the reason returned."""
        try:
            if self.speaker is not None:
                self.speaker.open()
                self.speaker.on_lost = self._speaker_lost
        except AudioUnavailableError as error:
            self.speaker = None
            return error
        return None

    def use_speaker(self, speaker: SpeakerLike) -> None:
        """Play on another device from now on, in the middle of an answer too.

        Raises AudioUnavailableError, and then changes nothing.
        """
        speaker.open()
        speaker.on_lost = self._speaker_lost
        old, self.speaker = self.speaker, speaker
        if old is not None:
            speaker.resume(old.export())
            old.close()

    def _speaker_lost(self, error: AudioUnavailableError) -> None:
        """The conversation goes on in text: what nobody hears is not to be spoken."""
        self.speaker = None
        self._show(Notice(f"{error.what}; asking for text", error.why, "/audio out DEVICE", Level.WARNING))
        if (self._transport.session or {}).get("output_modalities") == ["audio"]:
            with suppress(NotConnectedError):
                session = {"type": "realtime", "output_modalities": ["text"]}
                self._transport.send_event({"type": "session.update", "session": session})

    def _heard(self, item_id: str, content_index: int) -> int | None:
        return self.speaker.heard_ms(item_id, content_index) if self.speaker else None

    def _arrived(self, audio: TransportAudio) -> None:
        if self.speaker is None or audio.interrupted:
            return
        self.speaker.play(audio.item_id, audio.content_index, self._as_pcm(audio))

    def _as_pcm(self, audio: TransportAudio) -> bytes:
        """What arrived, in whatever format the session speaks, as 24 kHz PCM16."""
        if self._from_wire is None or self._from_wire[:2] != (audio.item_id, audio.content_index):
            self._from_wire = (audio.item_id, audio.content_index, Decoder(self.wire_format("output")))
        return self._from_wire[2].decode(audio.data)

    def finished(self, item_id: str, content_index: int) -> None:
        """All sound of this part has arrived."""
        if self.speaker is None:
            return
        if self._from_wire and self._from_wire[:2] == (item_id, content_index):
            self.speaker.play(item_id, content_index, self._from_wire[2].flush())
            self._from_wire = None
        self.speaker.finish(item_id, content_index)

    def _interrupted(self, *_: Any) -> None:
        self._from_wire = None
        if self.speaker is not None:
            self.speaker.stop()

    @property
    def audible(self) -> bool:
        """Something is being played, or waits to be."""
        return self.speaker is not None and self.speaker.audible

    def choose_output(self, name: str) -> None:
        """Play on the device that this index or part of a name stands for. Raises AudioUnavailableError."""
        from rtcli.audio.speaker import Speaker

        self.use_speaker(Speaker(name))

    # -- in --------------------------------------------------------------------------------------

    def open_microphone(self) -> None:
        """Start to record, on the default device if none was chosen. Raises AudioUnavailableError."""
        if self.recording:
            return
        microphone = self.microphone or _default_microphone()
        microphone.on_chunk = self._captured
        microphone.on_lost = self._microphone_lost
        microphone.open()
        self.microphone, self.recording = microphone, True
        if self.speaker is not None and not self._advised and self.echo.mode is EchoMode.AUTO:
            self._advised = True
            self._show(ECHO_ADVICE)

    def use_microphone(self, microphone: MicrophoneLike) -> None:
        """Record from another device from now on. Raises AudioUnavailableError, and then changes nothing."""
        microphone.on_chunk = self._captured
        microphone.on_lost = self._microphone_lost
        microphone.muted = self.muted
        microphone.open()
        old, self.microphone, self.recording = self.microphone, microphone, True
        if old is not None:
            old.close()

    def choose_input(self, name: str) -> None:
        """Record from the device that this index or part of a name stands for. Raises AudioUnavailableError."""
        from rtcli.audio.microphone import Microphone

        self.use_microphone(Microphone(device=name))

    def _microphone_lost(self, error: AudioUnavailableError) -> None:
        self.recording = False
        self._transport.mute(True)
        self._show(Notice(error.what, error.why, "/audio in DEVICE, then /unmute", Level.WARNING))

    def set_muted(self, muted: bool) -> None:
        """Mute where sound is captured. Unmuting opens the microphone, if it is not open."""
        if not muted:
            self.open_microphone()
        self.muted = muted
        if self.microphone is not None:
            self.microphone.muted = muted

    def _captured(self, pcm: bytes) -> None:
        if self.muted or self._transport.status != "connected":
            return
        microphone_db = self.microphone.level_db if self.microphone else None
        speaker_db = self.speaker.level_db if self.speaker else SILENCE_DB
        level = SILENCE_DB if microphone_db is None else microphone_db
        audible = self.audible
        if audible and self._echo_watch is not None:
            self._echo_watch.add(level, speaker_db)
        if not self.echo.passes(level, speaker_db, audible=audible):
            pcm = bytes(len(pcm))  # silence keeps the server's time in step
        try:
            with caused_by("microphone"):
                self.send(pcm)
        except RtcliError as error:  # a telephone call carries its own sound, for one
            self._transport.mute(True)
            self._show(Notice(f"{error.what}; microphone muted", error.why, error.hint, Level.WARNING))

    def send(self, pcm: bytes) -> None:
        """24 kHz PCM16 into the server's input buffer, in the format that the session listens to."""
        given = self.wire_format("input")
        if self._to_wire is None or self._to_wire.format != given:
            self._to_wire = Encoder(given)
        data = self._to_wire.encode(pcm)
        if data:
            self._transport.send_audio(data)
            self._sent_ms += given.milliseconds(len(data))

    def of_item(self, item: Mapping[str, Any]) -> bytes:
        """The sound of a retrieved item as 24 kHz PCM16; empty where it has none."""
        given = self.wire_format("output" if item.get("role") == "assistant" else "input")
        parts = item.get("content")
        texts = [part.get("audio") for part in (parts if isinstance(parts, list) else ()) if isinstance(part, Mapping)]
        data = b"".join(decode_base64(text) for text in texts if isinstance(text, str))
        return decode(data, given)

    @property
    def unsent_turn_ms(self) -> int:
        """Milliseconds sent since the last commit or discard."""
        return self._sent_ms

    def turn_ended(self) -> None:
        """The input buffer was committed or cleared."""
        self._sent_ms = 0

    def wire_format(self, side: str) -> AudioFormat:
        """The session's format of "input" or "output" audio."""
        session = self._transport.session or {}
        audio = session.get("audio")
        part = audio.get(side) if isinstance(audio, dict) else None
        return parse_format(part.get("format") if isinstance(part, dict) else None)

    @property
    def level_db(self) -> float | None:
        """How loud the microphone is, in dBFS; None while nothing is recorded or it is muted."""
        return self.microphone.level_db if self.microphone and self.recording and not self.muted else None

    def set_echo(self, mode: str) -> None:
        """Guard against echo in another way, and learn the room anew."""
        self.echo, self._echo_watch = EchoGuard(EchoMode(mode)), EchoWatch()

    def speech_started(self) -> None:
        """The server hears speech: while the speaker plays, that may be the assistant itself. Told once a mode."""
        if self._echo_watch is None or not self.audible or not self._echo_watch.follows:
            return
        self._echo_watch = None
        stronger = "/echo gate" if self.echo.mode is EchoMode.OFF else "/echo half"
        why = "the microphone follows what the loudspeaker plays"
        hint = f"use headphones, or {stronger}"
        self._show(Notice("the assistant may have interrupted itself", why, hint, Level.WARNING))

    def devices(self) -> tuple[Device, ...]:
        """The sound devices of this machine. Raises AudioUnavailableError without PortAudio."""
        rescan_devices()
        return list_devices()

    def device_names(self, kind: Kind) -> list[tuple[int, str]]:
        """Devices of one direction by index and name; none where sound is not to be had."""
        try:
            return [(device.index, device.name) for device in list_devices() if device.channels(kind)]
        except AudioUnavailableError:
            return []

    def close(self) -> None:
        """Give both devices back."""
        self.recording = False
        for device in (self.microphone, self.speaker):
            if device is not None:
                device.close()


def _default_microphone() -> MicrophoneLike:
    from rtcli.audio.microphone import Microphone

    return Microphone()
