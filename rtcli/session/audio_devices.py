"""The audio devices of this machine, for those who list and complete them."""

from __future__ import annotations

from rtcli.audio.devices import AudioDevice, Kind, list_devices
from rtcli.audio.stream import rescan_devices
from rtcli.errors import AudioUnavailableError


def devices() -> tuple[AudioDevice, ...]:
    """The audio devices of this machine. Raises AudioUnavailableError without PortAudio."""
    rescan_devices()
    return list_devices()


def device_names(kind: Kind) -> list[tuple[int, str]]:
    """Devices of one direction by index and name; none where there is no audio."""
    try:
        return [(device.index, device.name) for device in list_devices() if device.channels(kind)]
    except AudioUnavailableError:
        return []
