"""The wire's audio formats (PCM16, G.711 mu-law and A-law) to 24 kHz PCM16 and back, as streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rtcli.dsp import g711
from rtcli.dsp.resample import Resampler
from rtcli.protocol.audio_formats import PCM16, AudioFormat, decode_base64

_TO_PCM: Mapping[str, Callable[[bytes], bytes]] = {
    "audio/pcm": bytes,  # as it is
    "audio/pcmu": g711.ulaw_to_pcm,
    "audio/pcma": g711.alaw_to_pcm,
}
_FROM_PCM: Mapping[str, Callable[[bytes], bytes]] = {
    "audio/pcm": bytes,
    "audio/pcmu": g711.pcm_to_ulaw,
    "audio/pcma": g711.pcm_to_alaw,
}


class Decoder:
    """One stream of a wire format to 24 kHz PCM16.

    A sample whose second byte is still to come waits for it, and where the rate differs some milliseconds wait for
    what follows: `flush` brings them out at the end of the stream.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self._to_pcm = _TO_PCM[audio_format.type]
        self._resampler = Resampler(audio_format.rate, PCM16.rate)  # keeps the odd byte, also at equal rates

    def decode(self, data: bytes | str) -> bytes:
        """The whole samples that are ready after these bytes, or this base64 of them.

        Raises ValueError for text that is not base64.
        """
        return self._resampler.process(self._to_pcm(decode_base64(data) if isinstance(data, str) else data))

    def flush(self) -> bytes:
        """What waited; the next byte starts a new stream."""
        return self._resampler.flush()


class Encoder:
    """One stream of 24 kHz PCM16 to a wire format. What waits, and for what, is as in `Decoder`."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self._from_pcm = _FROM_PCM[audio_format.type]
        self._resampler = Resampler(PCM16.rate, audio_format.rate)

    def encode(self, pcm: bytes) -> bytes:
        """The wire's bytes that are ready after these samples."""
        # resampled first: the 8 bits of G.711 are not samples that could be interpolated
        return self._from_pcm(self._resampler.process(pcm))

    def flush(self) -> bytes:
        """What waited; the next sample starts a new stream."""
        return self._from_pcm(self._resampler.flush())


def decode(data: bytes | str, audio_format: AudioFormat) -> bytes:
    """A whole piece of audio as 24 kHz PCM16. Raises ValueError for text that is not base64."""
    decoder = Decoder(audio_format)
    return decoder.decode(data) + decoder.flush()


def to_pcm16(data: bytes, audio_format: AudioFormat) -> bytes:
    """PCM16 at the format's own rate: enough to measure a level, and no sample waits."""
    return _TO_PCM[audio_format.type](data)
