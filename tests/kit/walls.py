"""A room around the virtual card, in a process of its own: the microphone hears what its walls give back of a speaker.

`python -m tests.kit.walls GAIN`, until it is killed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import numpy as np

from tests.kit.simulated_card import Room
from tests.kit.sound_card import MICROPHONE, SPEAKERS, SoundCard
from tests.kit.waveforms import RATE

_BLOCK = RATE // 50
_SIZE = 4096  # of the transform: a block and the room's response
_FORMAT = ("--format=s16le", f"--rate={RATE}", "--channels=1")


@contextlib.contextmanager
def walls(card: SoundCard, gain: float = 1.0) -> Iterator[None]:
    """Meanwhile the card's microphone hears its first speaker."""
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.walls", str(gain)], env=card.environ)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main(gain: float) -> None:
    """Echo block by block."""
    response = np.fft.rfft(Room(delay=0.02, ring=0.1, gain=gain).response(RATE), _SIZE)
    record = ("parec", f"--device={SPEAKERS[0]}.monitor", *_FORMAT, "--latency-msec=20")
    play = ("pacat", "-p", f"--device={MICROPHONE}_in", *_FORMAT, "--latency-msec=60")
    ringing = np.zeros(_SIZE)
    with (
        subprocess.Popen(record, stdout=subprocess.PIPE) as monitor,
        subprocess.Popen(play, stdin=subprocess.PIPE) as microphone,
    ):
        assert monitor.stdout is not None and microphone.stdin is not None
        while len(block := monitor.stdout.read(_BLOCK * 2)) == _BLOCK * 2:
            spectrum = np.fft.rfft(np.frombuffer(block, "<i2").astype(np.float64), _SIZE)
            ringing += np.fft.irfft(spectrum * response, _SIZE)
            microphone.stdin.write(ringing[:_BLOCK].clip(-32_768, 32_767).astype("<i2").tobytes())
            microphone.stdin.flush()
            ringing = np.concatenate([ringing[_BLOCK:], np.zeros(_BLOCK)])
        microphone.terminate()


if __name__ == "__main__":
    main(float(sys.argv[1]))
