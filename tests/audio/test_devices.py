"""Devices by index and name, and machines without any."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rtcli.audio.devices import AudioDevice, choose, device_errors
from rtcli.errors import AudioUnavailableError

DEVICES = (
    AudioDevice(0, "Built-in Microphone", "ALSA", 1, 0, 48_000, default_input=True),
    AudioDevice(1, "Built-in Output", "ALSA", 0, 2, 48_000),
    AudioDevice(2, "USB Headset", "ALSA", 1, 2, 44_100, default_output=True),
    AudioDevice(3, "USB Headset Pro", "ALSA", 1, 2, 44_100),
)


def test_a_device_is_chosen_by_index_name_or_not_at_all() -> None:
    """Case does not matter; a whole name wins over a longer one that contains it."""
    assert choose(DEVICES, "input", 2).index == 2
    assert choose(DEVICES, "output", "1").index == 1
    assert choose(DEVICES, "input", "built").index == 0
    assert choose(DEVICES, "output", "usb headset").index == 2
    assert choose(DEVICES, "input", None).index == 0
    assert choose(DEVICES, "output", None).index == 2


def test_without_a_default_the_first_that_can_is_taken() -> None:
    """Some systems name none."""
    assert choose(DEVICES[1:2], "output", None).index == 1


@pytest.mark.parametrize(
    ("kind", "wanted", "why"),
    [
        ("input", "usb", "2 USB Headset, 3"),
        ("input", 1, "there are"),
        ("output", "nothing", "there are"),
        ("input", "9", "there are"),
    ],
)
def test_what_fits_none_or_several_lists_what_there_is(kind: object, wanted: object, why: str) -> None:
    """The next try can be right."""
    with pytest.raises(AudioUnavailableError) as caught:
        choose(DEVICES, kind, wanted)  # type: ignore[arg-type]

    assert why in caught.value.why and "USB Headset" in caught.value.why and caught.value.hint


def test_a_machine_without_devices_says_so() -> None:
    """A container has no sound card, and that is no crash."""
    with pytest.raises(AudioUnavailableError, match="this machine has no microphone"):
        choose((), "input", None)


def test_errors_of_portaudio_become_ours_and_others_stay() -> None:
    """A missing library comes with the command that installs it."""

    class PortAudioError(Exception):
        pass

    with pytest.raises(AudioUnavailableError, match="cannot play: busy"), device_errors("cannot play"):
        raise PortAudioError("busy", -9985)
    with pytest.raises(AudioUnavailableError) as caught, device_errors("audio is not available"):
        raise OSError("PortAudio library not found")
    assert "install" in caught.value.hint
    with pytest.raises(KeyError), device_errors("x"):
        raise KeyError("a mistake of ours")
    with pytest.raises(AudioUnavailableError, match="inner"), device_errors("outer"), device_errors("inner"):
        raise PortAudioError


WITHOUT_PORTAUDIO = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
sys.meta_path.insert(0, Finder())
from rtcli.audio.speaker import Speaker
from rtcli.errors import AudioUnavailableError
assert "numpy" not in sys.modules, "nothing heavy is loaded to find out"
try:
    Speaker().open()
except AudioUnavailableError as error:
    assert "PortAudio library not found" in error.why and "libportaudio2" in error.hint, error
else:
    raise SystemExit("it opened")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the hint names Debian's package")
def test_without_portaudio_the_package_is_named() -> None:
    """A bare Debian machine learns what to install, and text goes on working."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_PORTAUDIO], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
