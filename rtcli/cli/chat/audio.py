"""Which microphone and speaker a chat gets: devices, WAV files in their place, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtcli.errors import UsageError

if TYPE_CHECKING:
    from rtcli.session.audio_input import MicrophoneLike
    from rtcli.session.audio_output import SpeakerLike


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """What was asked for. `microphone_on` and a named device must be had (exit code 7 if not)."""

    microphone_on: bool = False
    input_device: str | None = None
    output_device: str | None = None
    input_file: str | None = None
    input_notes: tuple[str, ...] = ()  # what is odd about that file
    output_file: str | None = None
    replace_output: bool = False
    text: bool = False
    required_input: bool = False  # it was named: its absence is an error
    required_output: bool = False

    def speaker(self, *, default: bool) -> SpeakerLike | None:
        """The speaker, opened if it was asked for; `default`: try the system's if none was named.

        Raises AudioUnavailableError, InputError.
        """
        if self.output_file and self.output_device and self.required_output:
            raise UsageError("--out and --audio-out exclude each other")
        if self.output_file:
            from rtcli.audio.files import WavSpeaker

            writer = WavSpeaker(self.output_file, replace=self.replace_output)
            writer.open()
            return writer
        # without a terminal nobody listens
        if self.text or not (default or self.required_output):
            return None
        from rtcli.audio.speaker import Speaker

        speaker = Speaker(self.output_device)
        if self.required_output:
            speaker.open()
        return speaker

    def microphone(self) -> MicrophoneLike | None:
        """The microphone, not open yet; None: the session takes the system's when it is asked to.

        Raises AudioUnavailableError for a named device that is not there.
        """
        if self.input_file:
            from rtcli.audio.files import WavMicrophone

            # Before the devices are looked at: with a file no sound card is needed.
            return WavMicrophone(self.input_file)
        if self.input_device is None and not self.microphone_on:
            return None
        from rtcli.audio.devices import choose, list_devices
        from rtcli.audio.microphone import Microphone

        if self.microphone_on or self.required_input:
            # told before dialling, not when the microphone is opened
            choose(list_devices(), "input", self.input_device)
        return Microphone(device=self.input_device)

    @property
    def listens(self) -> bool:
        """Audio goes out from the start."""
        return self.microphone_on or self.input_file is not None
