"""What of the microphone goes out: itself, itself without the echo, or nothing."""

from __future__ import annotations

from contextlib import suppress

from rtcli.audio.canceller import EchoCanceller
from rtcli.audio.device_clock import BlockTime
from rtcli.audio.echo import EchoGuard, EchoMode
from rtcli.dsp.levels import rms_db
from rtcli.errors import AudioUnavailableError

_MARGIN_DB = 12.0  # a canceller leaves little, but not evenly little
_REVERBERATION = 12  # pieces: 240 ms, for which a room rings after what the canceller knows to be in the air


class EchoFilter:
    """Asked for each 20 ms piece. `canceller` is None where the mode does without one, or the library is missing.

    A canceller damages speech that has no echo in it. So one guard learns from the microphone as it is whether the room
    gives anything back; only then the cleaned piece goes out, past a second guard that has learned what is left.
    """

    def __init__(self, mode: EchoMode = EchoMode.AUTO) -> None:
        """Raises AudioUnavailableError for `aec` where it cannot be loaded."""
        self.mode = mode
        self.canceller: EchoCanceller | None = None
        self._room, self._residue = EchoGuard(mode), EchoGuard(mode, chunks=_REVERBERATION, margin_db=_MARGIN_DB)
        if mode is EchoMode.AEC:
            self.canceller = EchoCanceller()

    def prepare(self) -> None:
        """There is a microphone now: what `auto` stands for is decided, and the library loaded no sooner than that."""
        if self.mode in (EchoMode.AUTO, EchoMode.AEC) and self.canceller is None:
            with suppress(AudioUnavailableError):
                self.canceller = EchoCanceller()

    def release(self) -> None:
        """The microphone is closed: give back what native libraries hold, until `prepare`."""
        self.canceller = None

    @property
    def method(self) -> str:
        """What keeps the echo out at present, and how much of it was taken out lately."""
        if self.canceller is None:
            return "gate" if self.mode is EchoMode.AUTO else self.mode.value
        taken = self.canceller.attenuation_db
        return "aec" if taken is None or not self._room.echoes else f"aec {taken:.0f} dB"

    def passed(
        self, pcm: bytes, microphone_db: float, speaker_db: float, *, audible: bool, time: BlockTime
    ) -> bytes | None:
        """What goes out of a piece while the speaker plays at `speaker_db`, both levels in dBFS; None: nothing."""
        passes = self._room.passes(microphone_db, speaker_db, audible=audible)
        if self.canceller is None:
            return pcm if passes else None
        cleaned = self.canceller.clean(pcm, time)  # always: it has to know the room by the time that it is needed
        if self.canceller.settled:
            left_db = microphone_db if cleaned is pcm else rms_db(cleaned)
            left = self._residue.passes(left_db, self.canceller.reference_db, audible=audible)
        else:  # what is left may be echo: only a voice that is louder than that goes out
            self._residue.shut()
            left = passes
        if not self._room.echoes:
            return pcm if passes else None
        return cleaned if left else None
