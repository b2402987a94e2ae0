"""Rules about audio that is sent: its amount, its bytes, its pace."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.lint.facts import PACE_SECONDS, Facts
from rtcli.lint.rule import AnyEvent, Severity, rule
from rtcli.protocol.audio_formats import PCM16, base64_length, decode_base64
from rtcli.protocol.events import mapping_of
from rtcli.protocol.record import Frame

_APPEND = ">input_audio_buffer.append"
_MIN_COMMIT_MS = 100
_MAX_APPEND_BYTES = 15 * 2**20
_HEAD = 64  # base64 characters that are decoded to look at the beginning
_FILES = (
    (b"RIFF", "a WAV file"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"\x1aE\xdf\xa3", "a WebM file"),
    (b"fLaC", "a FLAC file"),
)

# What audio of another format looks like, by how its amount differs from the time that it took.
_BYTES_PER_SECOND = (
    (96_000, "PCM16 of 48 kHz"),
    (88_200, "PCM16 of 44.1 kHz"),
    (48_000, "PCM16 of 24 kHz"),
    (32_000, "PCM16 of 16 kHz"),
    (16_000, "PCM16 of 8 kHz"),
    (8_000, "G.711"),
)
_TOLERANCE = 0.04  # the nearest two rates, 44.1 and 48 kHz, are 9 % apart


@rule(
    "commit-too-short",
    Severity.ERROR,
    ">input_audio_buffer.commit",
    prevents="less than 100 ms is refused: input_audio_buffer_commit_empty",
)
def commit_too_short(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A commit holds at least 100 ms of audio."""
    milliseconds = facts.input_format.milliseconds(facts.buffered)
    # With turn detection the buffer may have been committed a moment ago; that is a rule of its own, and a mere note.
    if milliseconds < _MIN_COMMIT_MS and not _detects_turns(facts):
        yield f"commit of {milliseconds} ms of audio, the API takes {_MIN_COMMIT_MS} ms and more"


@rule(
    "commit-with-detection",
    Severity.NOTE,
    ">input_audio_buffer.commit",
    prevents="turn detection commits by itself, and what is committed by hand may be empty by then",
)
def commit_with_detection(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """The client does not commit while turn detection does."""
    if _detects_turns(facts) and facts.input_format.milliseconds(facts.buffered) < _MIN_COMMIT_MS:
        yield "commit by hand while turn detection is on, and hardly anything is in the buffer"


def _detects_turns(facts: Facts) -> bool:
    return bool(mapping_of(mapping_of(facts.session.get("audio")).get("input")).get("turn_detection"))


@rule("append-too-large", Severity.ERROR, _APPEND, prevents="an event of more than 15 MiB of audio is refused")
def append_too_large(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An event holds at most 15 MiB of audio."""
    if (size := base64_length(event.get("audio"))) > _MAX_APPEND_BYTES:
        yield f"{size / 2**20:.1f} MiB of audio in one event, the API takes 15 MiB"


@rule("audio-not-base64", Severity.ERROR, _APPEND, prevents="audio that cannot be decoded is refused")
def audio_not_base64(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Audio is base64."""
    audio = event.get("audio")
    if not isinstance(audio, str):
        if "audio" in event:
            yield f"audio is a {type(audio).__name__}, not base64 text"
    elif audio.startswith("data:"):
        yield "audio is a data: URL; send only the base64"
    # A few bytes tell: decoding all audio of an hour's session would take longer than all other rules together.
    elif _head(audio) is None:
        yield "audio is not base64"


@rule("audio-is-a-file", Severity.WARNING, _APPEND, prevents="the head of a file is heard as noise, or all of it is")
def audio_is_a_file(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Audio is samples, not a file."""
    audio = event.get("audio")
    head = _head(audio) if isinstance(audio, str) else None
    for sign, kind in _FILES:
        if head is not None and head.startswith(sign):
            yield f"the audio begins like {kind}: send samples alone"


def _head(audio: str) -> bytes | None:
    try:
        # 64 is a multiple of 4: no padding is cut off
        return decode_base64(audio[:_HEAD] if len(audio) > _HEAD else audio)
    except ValueError:
        return None


@rule("audio-odd-bytes", Severity.ERROR, _APPEND, prevents="from half a sample on, everything is noise")
def audio_odd_bytes(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """16-bit audio comes in whole samples."""
    size = base64_length(event.get("audio"))
    if facts.input_format.type == PCM16.type and size % 2:
        yield f"{size} bytes are not a whole number of 16-bit samples"


@rule(
    "audio-format",
    Severity.WARNING,
    _APPEND,
    prevents="audio of another rate than declared is heard too fast or too slow, and is understood badly",
)
def audio_format(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Audio that is sent live has the declared format."""
    pace, declared = facts.pace, facts.input_format
    # Over some seconds: a sender catches up after a stall, so single pieces come at any rate.
    elapsed = pace.last - pace.since
    if elapsed < PACE_SECONDS:
        return
    rate = pace.bytes / elapsed
    if abs(rate / declared.bytes_per_second - 1) <= _TOLERANCE:
        return
    # A rate that no format has is a sender that is slow or sends a file, and is not reported.
    for known, name in _BYTES_PER_SECOND:
        if abs(rate / known - 1) <= _TOLERANCE:
            told = f"{declared.type} of {declared.rate / 1000:g} kHz"
            yield f"{rate:,.0f} bytes a second were sent, which looks like {name}; declared is {told}"
            return
