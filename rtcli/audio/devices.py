"""Audio devices by index or part of a name, through PortAudio, which is loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from rtcli.errors import AudioUnavailableError
from rtcli.installation import portaudio_command

Kind = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """One device: channels it can take in and give out, and the rate it runs at by itself (samples per second)."""

    index: int  # PortAudio's number; it can change when something is plugged in
    name: str
    system: str  # the host API behind it: ALSA, Core Audio, WASAPI ...
    inputs: int  # channels; 0 for a device that only plays
    outputs: int  # channels; 0 for a device that only records
    rate: int  # samples per second that it prefers; streams run at it, and dsp resamples
    default_input: bool = False
    default_output: bool = False

    def channels(self, kind: Kind) -> int:
        """Channels in one direction; 0: it cannot do that."""
        return self.inputs if kind == "input" else self.outputs


@contextmanager
def device_errors(what: str) -> Iterator[None]:
    """PortAudio's errors as AudioUnavailableError. `what` says what was tried."""
    try:
        yield
    except AudioUnavailableError:  # already says what was tried, from a call inside
        raise
    except OSError as error:  # sounddevice raises it when the library cannot be loaded
        raise AudioUnavailableError(what, why=str(error), hint=f"install PortAudio: {portaudio_command()}") from error
    except Exception as error:
        # PortAudioError is a plain Exception of a module that may be missing, so it is known by its name.
        if type(error).__name__ not in ("PortAudioError", "ValueError"):
            raise
        raise AudioUnavailableError(what, why=str(error.args[0] if error.args else error)) from error


def portaudio() -> Any:
    """The sounddevice module. Raises AudioUnavailableError where PortAudio is not installed."""
    with device_errors("audio is not available"):
        import sounddevice

        return sounddevice


def list_devices() -> tuple[AudioDevice, ...]:
    """All devices of this machine; empty where there are none. Raises AudioUnavailableError without PortAudio."""
    sounddevice = portaudio()
    with device_errors("cannot list audio devices"):
        systems = [str(api["name"]) for api in sounddevice.query_hostapis()]
        default_input, default_output = sounddevice.default.device  # -1 where the system has none: equals no index
        return tuple(
            AudioDevice(
                index=index,
                name=str(row["name"]),
                system=systems[row["hostapi"]],
                inputs=int(row["max_input_channels"]),
                outputs=int(row["max_output_channels"]),
                rate=int(row["default_samplerate"]),
                default_input=index == default_input,
                default_output=index == default_output,
            )
            for index, row in enumerate(sounddevice.query_devices())
        )


def choose(devices: Sequence[AudioDevice], kind: Kind, requested: int | str | None) -> AudioDevice:
    """The device that `requested` names: an index, a part of its name (case does not matter), None: the default.

    Raises AudioUnavailableError that lists what there is, or what the part of a name leaves open.
    """
    able = [device for device in devices if device.channels(kind)]
    if not able:
        raise AudioUnavailableError(f"this machine has no {'microphone' if kind == 'input' else 'speaker'}")
    if requested is None:
        defaults = [d for d in able if (d.default_input if kind == "input" else d.default_output)]
        return (defaults or able)[0]  # a system may name no default though it has devices
    text = str(requested).strip()
    if text.isdecimal():
        found = [device for device in able if device.index == int(text)]
    else:
        found = [device for device in able if text.lower() in device.name.lower()]
        # "USB" must be able to name the device "USB" beside "USB Headset".
        exact = [device for device in found if device.name.lower() == text.lower()]
        found = exact or found
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{device.index} {device.name}" for device in (found or able))
    what = f"{len(found)} {kind} devices match {text!r}" if found else f"no {kind} device matches {text!r}"
    raise AudioUnavailableError(what, why=names if found else f"there are: {names}", hint="name one by its number")
