"""Audio: the session's devices, what is muted, and how echo is kept out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.audio.echo import EchoMode
from rtcli.dsp.codec import decode
from rtcli.errors import AudioUnavailableError
from rtcli.protocol.audio_formats import decode_base64
from rtcli.protocol.record import Device
from rtcli.session.audio_input import AudioInput, MicrophoneLike
from rtcli.session.audio_output import AudioOutput, SpeakerLike
from rtcli.session.audio_stall import AudioStall
from rtcli.session.link import Link
from rtcli.session.track_input import TrackInput
from rtcli.session.track_output import TrackOutput
from rtcli.transports import OpenAIRealtimeWebRTC
from rtcli.transports.connection_errors import read_only


class SessionAudio:
    """The part of a session that has devices; `input` is the half that records.

    Without `microphone` the default one is taken when it is asked for.
    """

    def __init__(self, link: Link, *, speaker: SpeakerLike | None, microphone: MicrophoneLike | None) -> None:
        self._link = link
        self._output = AudioOutput(link, speaker)
        self._output.on_change = lambda: self._report_devices(self.muted)
        self.input = AudioInput(link, self._output, microphone)
        self._stall = AudioStall(link)
        self.handed_bytes = 0  # to `send`: of files, not of the microphone
        self._call: TrackOutput | None = None  # where audio is not in the events
        if isinstance(link.transport, OpenAIRealtimeWebRTC):
            self._call = TrackOutput(link, self._output, link.transport)
            self.input.call = TrackInput(link, link.transport)
        link.transport.attach_input(self._on_mute, muted=True)

    def __repr__(self) -> str:
        return f"<SessionAudio: in {self.input_name}, out {self.output_name}{', muted' if self.muted else ''}>"

    # -- in ----------------------------------------------------------------------------------------

    @property
    def muted(self) -> bool:
        """Nothing of the microphone is sent."""
        return self.input.muted

    def mute(self) -> None:
        """Send nothing of the microphone."""
        self._link.transport.mute(True)

    def unmute(self) -> None:
        """Send the microphone, which opens now if it is not open. Raises AudioUnavailableError, and UsageError where
        nothing can be sent.
        """
        if self._link.transport.read_only:
            raise read_only()
        self._link.transport.mute(False)

    def _on_mute(self, muted: bool) -> None:
        """The transport is about to be muted or not."""
        if not muted:
            self.input.open()
        elif self.input.call is not None:
            self.input.call.flush()
        self._report_devices(muted)

    @property
    def microphone(self) -> MicrophoneLike | None:
        """The microphone, open or not."""
        return self.input.microphone

    @property
    def input_name(self) -> str | None:
        """The microphone that is open; None: none is."""
        return self.microphone.name if self.microphone is not None and self.input.recording else None

    def close_microphone(self) -> None:
        """Give the microphone back; nothing is recorded until it is opened again."""
        self.input.close()
        self._report_devices(self.muted)

    def choose_input(self, name: str) -> None:
        """Record from the device that this index or part of a name stands for. Raises AudioUnavailableError."""
        from rtcli.audio.microphone import Microphone

        self.input.use(Microphone(device=name))
        self._report_devices(self.muted)

    def send(self, pcm: bytes) -> None:
        """24 kHz PCM16 into the server's input buffer, in the format that the session listens to."""
        self.handed_bytes += len(pcm)
        self.input.send(pcm)

    def finish_turn(self, *, discard: bool = False) -> None:
        """What was said ends here: nothing of it is held back any more; with `discard` it is not sent either."""
        if discard:
            self.input.forget()
        else:
            self.input.finish()

    @property
    def unsent_turn_ms(self) -> int:
        """Milliseconds sent since the last commit or discard."""
        return self._link.state.audio.unsent_turn_ms

    # -- echo --------------------------------------------------------------------------------------

    @property
    def held_back(self) -> bool:
        """What the microphone hears just now goes out as silence, for it may be the assistant's echo."""
        return self.input.held_back and not self.muted

    def set_echo(self, mode: str) -> None:
        """Guard against echo in another way, and learn the room anew."""
        self.input.set_echo(EchoMode(mode))

    # -- out ---------------------------------------------------------------------------------------

    def open_speaker(self) -> AudioUnavailableError | None:
        """Start the speaker, if there is one. One that cannot be had is given up, and the reason returned."""
        problem = self._output.open()
        self._report_devices(self.muted)
        return problem

    def choose_output(self, name: str) -> None:
        """Play on the device that this index or part of a name stands for. Raises AudioUnavailableError."""
        from rtcli.audio.speaker import Speaker

        self._output.use(Speaker(name))
        self._report_devices(self.muted)

    @property
    def speaker(self) -> SpeakerLike | None:
        """The speaker; None without one."""
        return self._output.speaker

    @property
    def output_name(self) -> str | None:
        """The speaker's name; None without one."""
        return self.speaker.name if self.speaker is not None else None

    @property
    def audible(self) -> bool:
        """Something is being played, or waits to be."""
        return self._output.audible or (self._call is not None and self._call.audible)

    @property
    def in_call(self) -> bool:
        """Audio goes over the tracks of a call, in the time in which it is spoken."""
        return self._call is not None

    @property
    def position(self) -> tuple[str, int, int | None] | None:
        """item_id, content_index and milliseconds heard of what is heard now; None in silence."""
        key = self._output.current
        return (*key, self._output.heard_ms(key)) if key else None

    def stop(self) -> None:
        """Play nothing more of what has arrived."""
        if self._call is not None:
            self._call.stop()
        self._output.stop()

    def of_item(self, item: Mapping[str, Any]) -> bytes:
        """The audio of a retrieved item as 24 kHz PCM16; empty where it has none."""
        meter = self._link.state.audio
        given = meter.output_format if item.get("role") == "assistant" else meter.input_format
        parts = item.get("content")
        texts = [part.get("audio") for part in (parts if isinstance(parts, list) else ()) if isinstance(part, Mapping)]
        return decode(b"".join(decode_base64(text) for text in texts if isinstance(text, str)), given)

    # -- both --------------------------------------------------------------------------------------

    def _report_devices(self, muted: bool) -> None:
        waits = self.microphone.held_ms if self.microphone is not None and self.input.recording else 0
        self._link.observe(Device(self._link.now, self.input_name, self.output_name, muted, waits))

    def connection_ended(self) -> None:
        """Nothing more of an answer is expected."""
        self._stall.forget()

    def close(self) -> None:
        """Give both devices back."""
        self._stall.forget()
        self.input.close()
        self._output.close()
