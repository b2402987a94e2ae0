"""Wire formats to 24 kHz PCM16 and back: lengths, levels, and what is split between two pieces."""

from __future__ import annotations

import pytest

from rtcli.dsp.codec import Decoder, Encoder, decode, to_pcm16
from rtcli.dsp.levels import rms_db
from rtcli.protocol.audio_formats import PCM16, PCMA, PCMU, AudioFormat, encode_base64
from tests.server.playbook import voice

FORMATS = [PCM16, PCMU, PCMA, AudioFormat("audio/pcm", 16_000, 2)]
IDS = ["pcm16", "pcmu", "pcma", "pcm at 16 kHz"]


def encoded(pcm: bytes, audio_format: AudioFormat) -> bytes:
    encoder = Encoder(audio_format)
    return encoder.encode(pcm) + encoder.flush()


@pytest.mark.parametrize("audio_format", FORMATS, ids=IDS)
def test_a_second_stays_a_second(audio_format: AudioFormat) -> None:
    """There and back, in length (to within one sample) and in level (to half a decibel)."""
    wire = encoded(voice(1), audio_format)
    pcm = decode(wire, audio_format)

    assert abs(len(wire) - audio_format.bytes_per_second) <= audio_format.width
    assert abs(len(pcm) - PCM16.bytes_per_second) <= 4
    assert abs(rms_db(pcm) - rms_db(voice(1))) < 0.5


@pytest.mark.parametrize("audio_format", FORMATS, ids=IDS)
@pytest.mark.parametrize("size", [1, 7, 333])
def test_pieces_of_any_length_give_what_the_whole_gives(audio_format: AudioFormat, size: int) -> None:
    """A sample may be split between two of them, in both directions."""
    wire = encoded(voice(0.2), audio_format)
    decoder, encoder = Decoder(audio_format), Encoder(audio_format)
    pcm = b"".join(decoder.decode(wire[start : start + size]) for start in range(0, len(wire), size))
    again = b"".join(encoder.encode(voice(0.2)[start : start + size]) for start in range(0, len(voice(0.2)), size))

    assert pcm + decoder.flush() == decode(wire, audio_format)
    assert again + encoder.flush() == wire


def test_pcm_at_24_khz_passes_as_it_is() -> None:
    """No sample waits, and none changes."""
    assert Encoder(PCM16).encode(voice(0.1)) == Decoder(PCM16).decode(voice(0.1)) == voice(0.1)


def test_a_flush_starts_a_new_stream() -> None:
    """Half a sample at the end of one stream is not the beginning of the next."""
    decoder = Decoder(PCM16)
    assert decoder.decode(b"\x01\x00\x02") == b"\x01\x00"
    assert decoder.flush() == b""
    assert decoder.decode(b"\x03\x00") == b"\x03\x00"


def test_base64_is_decoded_too() -> None:
    """Text is base64, and text that is not is an error."""
    assert Decoder(PCM16).decode(encode_base64(b"\x01\x00")) == b"\x01\x00"
    with pytest.raises(ValueError, match="not base64"):
        Decoder(PCM16).decode("%")


def test_a_level_is_measured_at_the_format_s_own_rate() -> None:
    """Silence of the telephone is 0xFF in mu-law and zeros in PCM16: one sample for each byte."""
    assert to_pcm16(b"\xff" * 160, PCMU) == bytes(320)
