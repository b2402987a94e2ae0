"""A sound card of our own: a private PulseAudio with speakers whose sound is recorded and a microphone that is told.

Two speakers (`room_a` runs at 24 kHz, `room_b` at 48 kHz stereo) and one microphone (`booth`) are devices of their own
to PortAudio; `default` is the first speaker and the microphone.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from tests.kit.waiting import until_holds
from tests.kit.waveforms import RATE, Samples, quiet_ms

SPEAKERS = ("room_a", "room_b")
MICROPHONE = "booth"
_FORMAT = ("--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20")
_LOUD = 80  # of 32768, the mean power of a block: -52 dBFS
_PIECES = 25  # on each side of a moment: half a second
_QUIET = 40  # of 32768: what resampling leaves of nothing
_STEADY_SECONDS = 0.4  # for which a speaker has to go on in small steps
_STEADY_GAP = 0.06

# A null sink counts its time in whole microseconds for each block, and at most rates is too fast by what it drops; then
# the two would drift apart, and the echo between them come ever later. A sample at this rate takes exactly 25 of them.
_RATE = 40_000
_DAEMON = """
load-module module-native-protocol-unix socket={folder}/native auth-anonymous=1
load-module module-null-sink sink_name=room_a rate={rate} channels=1 format=s16le norewinds=1
load-module module-null-sink sink_name=room_b rate=48000 channels=2 format=s16le norewinds=1
load-module module-null-sink sink_name=booth_in rate={rate} channels=1 format=s16le norewinds=1
load-module module-remap-source master=booth_in.monitor source_name=booth channels=1 rate={rate}
set-default-sink room_a
set-default-source booth
"""

# Each is what PortAudio calls a device, by the name that it has here.
_ALSA = """
</usr/share/alsa/alsa.conf>
pcm.room_a {{ type pulse server "{server}" device room_a hint {{ show on }} }}
pcm.room_b {{ type pulse server "{server}" device room_b hint {{ show on }} }}
pcm.booth {{ type pulse server "{server}" device booth hint {{ show on }} }}
pcm.!default {{ type pulse server "{server}" hint {{ show on }} }}
"""


def missing() -> str:
    """Why there can be no such card here; "" where there can."""
    for program in ("pulseaudio", "pacat", "parec", "pactl"):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt-get install pulseaudio pulseaudio-utils)"
    try:
        import sounddevice  # noqa: F401
    except OSError as error:
        return f"{error} (apt-get install libportaudio2)"
    if not list(Path("/usr/lib").glob("**/alsa-lib/libasound_module_pcm_pulse.so")):
        return "ALSA cannot reach PulseAudio (apt-get install libasound2-plugins)"
    return ""


class Recording:
    """What a speaker gives out, from now on; a context manager."""

    def __init__(self, source: str, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(["parec", f"--device={source}", *_FORMAT], stdout=subprocess.PIPE, env=environ)
        self._pcm = bytearray()
        self._arrivals: list[float] = []
        self._received: list[int] = []  # samples, by each arrival
        self._reader = threading.Thread(target=self._read, name=f"records {source}")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while data := os.read(stream.fileno(), 65536):
                self._pcm += data
                self._arrivals.append(time.monotonic())
                self._received.append(len(self._pcm) // 2)

    def __enter__(self) -> Recording:
        try:
            until_holds(lambda: self._pcm)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No more of it."""
        _end(self._process)
        self._reader.join()

    @property
    def samples(self) -> Samples:
        """24 kHz mono, all of it so far."""
        return np.frombuffer(bytes(self._pcm[: len(self._pcm) // 2 * 2]), np.int16)

    def loud_spans(self, *, pause: float = 0.25) -> list[tuple[float, float]]:
        """When something was heard, on the clock of `time.monotonic`: from its first to its last loud block of 2 ms.

        What comes within `pause` seconds goes on. The latency of the recording itself is in both moments.
        """
        step = RATE // 500
        samples = self.samples[: len(self.samples) // step * step].astype(np.float64).reshape(-1, step)
        loud = np.flatnonzero(np.sqrt(np.mean(np.square(samples), axis=1)) > _LOUD)
        spans: list[tuple[float, float]] = []
        for block in loud:
            start, end = self._moment(int(block) * step), self._moment(int(block + 1) * step)
            if spans and start - spans[-1][1] < pause:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return spans

    def _moment(self, sample: int) -> float:
        """When a sample was given out, judged by the quickest of the pieces around it: a busy machine loses some."""
        around = bisect.bisect_left(self._received, sample)
        pieces = range(max(around - _PIECES, 0), min(around + _PIECES, len(self._received)))
        return min(self._arrivals[piece] - (self._received[piece] - sample) / RATE for piece in pieces)

    @property
    def steady(self) -> bool:
        """The speaker goes on in small steps: PulseAudio begins with huge ones, in which a second of sound is lost."""
        now = time.monotonic()
        recent = [at for at in self._arrivals if at > now - _STEADY_SECONDS]
        gaps = np.diff([now - _STEADY_SECONDS, *recent, now])
        return bool(self._arrivals[0] < now - _STEADY_SECONDS and gaps.max() < _STEADY_GAP)

    def sound(self) -> Samples:
        """From the first to the last sample that is no silence."""
        samples = self.samples
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _QUIET)
        return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]

    def quiet_ms(self) -> int:
        """How long nothing has been heard, after something was; 0 before."""
        return quiet_ms(self.samples, quiet=_QUIET)


class SoundCard:
    """The daemon and its devices; a context manager that leaves no process behind."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rtcli-sound-"))
        self.server = f"unix:{self._folder}/native"
        self.settings = {"PULSE_SERVER": self.server, "ALSA_CONFIG_PATH": str(self._folder / "asound.conf")}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._said: list[subprocess.Popen[bytes]] = []
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a program that is to find these devices, and no others."""
        return {**os.environ, **self.settings}

    def __enter__(self) -> SoundCard:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        folder = str(self._folder)
        (self._folder / "asound.conf").write_text(_ALSA.format(server=self.server))
        (self._folder / "default.pa").write_text(_DAEMON.format(folder=folder, rate=_RATE))
        own = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH"), folder)
        options = ["--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"]
        self._daemon = subprocess.Popen(
            ["pulseaudio", "-n", "-F", f"{folder}/default.pa", *options, "--realtime=no", "--high-priority=no"],
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until_holds(lambda: self._control("info").returncode == 0)
        sinks = (*SPEAKERS, f"{MICROPHONE}_in")
        for sink in sinks:  # without a stream that never ends a sink sleeps, and swallows the beginning of what comes
            self._keep(["pacat", "-p", f"--device={sink}", *_FORMAT, "/dev/zero"])
        with contextlib.ExitStack() as stack:
            recordings = [stack.enter_context(self.record(sink)) for sink in sinks]
            until_holds(lambda: all(recording.steady for recording in recordings))

    def _keep(self, command: list[str]) -> subprocess.Popen[bytes]:
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(command, env=self.environ, stdin=nowhere, stdout=nowhere, stderr=nowhere)
        self._processes.append(process)
        return process

    def _control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["pactl", *words], env=self.environ, capture_output=True, text=True, check=False)

    def record(self, speaker: str = "room_a") -> Recording:
        """Record what a speaker gives out."""
        return Recording(f"{speaker}.monitor", self.environ)

    def speak(self, pcm: bytes) -> subprocess.Popen[bytes]:
        """Play 24 kHz PCM16 mono into the microphone; the process ends when all of it was said."""
        file = self._folder / f"said-{len(self._processes)}.raw"
        file.write_bytes(pcm)
        self._said.append(self._keep(["pacat", "-p", f"--device={MICROPHONE}_in", *_FORMAT, str(file)]))
        return self._said[-1]

    def hush(self) -> None:
        """Nobody speaks any more."""
        while self._said:
            _end(self._said.pop())

    @contextlib.contextmanager
    def loopback(self, speaker: str = "room_a", *, volume: str = "100%") -> Iterator[None]:
        """Meanwhile the microphone hears this speaker 60 ms later, as in a room; `volume` as pactl takes it."""
        places = (f"source={speaker}.monitor", f"sink={MICROPHONE}_in", "latency_msec=60", "remix=no")
        module = self._control("load-module", "module-loopback", *places).stdout.strip()
        assert module.isdecimal(), "PulseAudio has no module-loopback"
        try:
            self._control("set-sink-input-volume", self._stream_of(module), volume)
            yield
        finally:
            self._control("unload-module", module)

    def _stream_of(self, module: str) -> str:
        """The number of the stream that a module plays."""
        number = ""
        for line in self._control("list", "sink-inputs").stdout.splitlines():
            name, _, value = line.strip().partition(" #")
            number = value if name == "Sink Input" else number
            if line.strip() == f"Owner Module: {module}":
                return number
        raise AssertionError(f"module {module} plays nothing")

    def kill(self) -> None:
        """The daemon dies, and every device with it."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()

    def stop(self) -> None:
        """End everything that was started."""
        for process in (*self._processes, *([self._daemon] if self._daemon else ())):
            _end(process)
        shutil.rmtree(self._folder, ignore_errors=True)


def find_devices_anew() -> None:
    """Have PortAudio, which looks for devices once, look again: the environment says where to."""
    import sounddevice

    sounddevice._terminate()
    sounddevice._initialize()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
