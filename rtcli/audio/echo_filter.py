"""What of the microphone goes out: itself, itself without the echo, or nothing."""

from __future__ import annotations

from rtcli.audio.canceller import EchoCanceller
from rtcli.audio.echo import EchoGuard, EchoMode
from rtcli.dsp.levels import rms_db


class EchoFilter:
    """Asked for each 20 ms piece. `canceller` is None where the mode does without one.

    A canceller damages speech that has no echo in it. So one guard learns from the microphone as it is whether the room
    gives anything back; only then the cleaned piece goes out, past a second guard that has learned what is left.
    """

    def __init__(self, mode: EchoMode = EchoMode.AUTO) -> None:
        """Raises AudioUnavailableError for `aec` where it cannot be loaded."""
        self.mode = mode
        self.canceller: EchoCanceller | None = None
        self._room, self._residue = EchoGuard(mode), EchoGuard(mode)
        if mode is EchoMode.AEC:
            self.canceller = EchoCanceller()

    @property
    def method(self) -> str:
        """What keeps the echo out at present, and how much of it was taken out lately."""
        if self.canceller is None:
            return "gate" if self.mode is EchoMode.AUTO else self.mode.value
        taken = self.canceller.attenuation_db
        return "aec" if taken is None or not self._room.echoes else f"aec {taken:.0f} dB"

    def passed(self, pcm: bytes, microphone_db: float, speaker_db: float, *, audible: bool) -> bytes | None:
        """What goes out of a piece while the speaker plays at `speaker_db`, both levels in dBFS; None: nothing."""
        passes = self._room.passes(microphone_db, speaker_db, audible=audible)
        if self.canceller is None:
            return pcm if passes else None
        cleaned = self.canceller.clean(pcm)  # always: it has to know the room by the time that it is needed
        left = self._residue.passes(rms_db(cleaned), speaker_db, audible=audible)
        if not self._room.echoes:
            return pcm if passes else None
        return cleaned if left else None
