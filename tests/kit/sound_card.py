"""A virtual sound card: a speaker whose monitor can be heard, a microphone that can be spoken into."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.kit.waiting import until_holds

_PROGRAMS = ("pulseaudio", "pactl", "pacat", "paplay", "parec")
_FORMAT = ("--format=s16le", "--rate=24000", "--channels=1", "--latency-msec=20")
_SETUP = """\
load-module module-native-protocol-unix socket={folder}/native auth-anonymous=1
load-module module-null-sink sink_name=rt_speaker rate=24000 channels=1 format=s16le
load-module module-null-sink sink_name=rt_mic_in rate=24000 channels=1 format=s16le
load-module module-remap-source master=rt_mic_in.monitor source_name=rt_mic channels=1 rate=24000
set-default-sink rt_speaker
set-default-source rt_mic
"""


def missing() -> list[str]:
    """The programs that this machine lacks for it."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


@dataclass(frozen=True, slots=True)
class SoundCard:
    """A running card. `environment` is what programs need to find it."""

    environment: dict[str, str]

    def speak(self, file: Path) -> None:
        """Play a WAV file into the microphone; returns when it has been played."""
        subprocess.run(["paplay", "--device=rt_mic_in", str(file)], env=self.environment, check=True)

    @contextlib.contextmanager
    def listening(self, file: Path) -> Iterator[None]:
        """Record what the speaker gives out, as raw 24 kHz PCM16."""
        with file.open("wb") as sink:
            command = ["parec", "--device=rt_speaker.monitor", *_FORMAT]
            with _running(command, self.environment, stdout=sink):
                until_holds(lambda: file.stat().st_size > 0)
                yield


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], stdout: object = subprocess.DEVNULL) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.DEVNULL)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def sound_card(folder: Path) -> Iterator[SoundCard]:
    """Start a card of one's own in a folder, ready to play and record."""
    (folder / "default.pa").write_text(_SETUP.format(folder=folder))
    own = {name: str(folder) for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH")}
    daemon = ["pulseaudio", "-n", "-F", str(folder / "default.pa"), "--daemonize=no", "--use-pid-file=no"]
    daemon += ["--exit-idle-time=-1", "--disable-shm=yes", "--realtime=no", "--high-priority=no"]
    clients = {**os.environ, "PULSE_SERVER": f"unix:{folder}/native"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_running(daemon, {**os.environ, **own}))
        until_holds((folder / "native").exists)
        for sink in ("rt_mic_in", "rt_speaker"):  # a sink that sleeps loses the first second of what wakes it
            silence = ["pacat", "-p", f"--device={sink}", *_FORMAT, "/dev/zero"]
            stack.enter_context(_running(silence, clients))
        until_holds(lambda: _sinks_running(clients) == 2)
        yield SoundCard(clients)


def _sinks_running(environment: dict[str, str]) -> int:
    listed = subprocess.run(
        ["pactl", "list", "short", "sinks"], env=environment, capture_output=True, text=True, check=False
    )
    return listed.stdout.count("RUNNING")
