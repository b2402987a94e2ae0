"""A session as a stereo WAV file in true time: the user on the left, what was heard of the answers on the right."""

from __future__ import annotations

from rtcli.dsp.wav import SPEECH_RATE, interleaved, wav_header
from rtcli.errors import UsageError
from rtcli.recording.export.source import Exported, Source, Write, forgotten
from rtcli.recording.tracks import Track, Tracks
from rtcli.timeline.timeline import read

_BLOCK = 2**18  # samples of each track that are in memory at a time
_MAX_HOURS = 12  # a WAV file can hold little more
_AS_ARRIVED = "no player told what was heard: the answers stand where they arrived"


def export_wav(source: Source, write: Write) -> Exported:
    """Both tracks, 24 kHz; a moment of the file is that moment of the session. Raises UsageError without audio."""
    tracks = Tracks()
    timeline = read(source.records(), tracks)
    heard = tracks.heard()
    seconds = max(tracks.user.end, heard.end)
    if not seconds:
        raise UsageError("this session has no audio")
    if seconds > _MAX_HOURS * 3600:
        raise UsageError(f"{seconds / 3600:,.0f} hours of audio are more than a WAV file can hold")
    samples = round(seconds * SPEECH_RATE)
    write(wav_header(samples * 4, SPEECH_RATE, channels=2))
    left, right = _Channel(tracks.user), _Channel(heard)
    # The header comes first and needs the length, so the length is known before anything is decoded.
    for first in range(0, samples, _BLOCK):
        count = min(_BLOCK, samples - first)
        write(interleaved(left.take(first, count), right.take(first, count)))
    notes = (_AS_ARRIVED,) if heard.runs and not tracks.played else ()
    return Exported(f"{seconds:.1f} s of audio", (*notes, *forgotten(timeline)))


class _Channel:
    """A track without gaps, window by window."""

    def __init__(self, track: Track) -> None:
        self._blocks = track.blocks(SPEECH_RATE)
        self._at, self._pcm = 0, b""  # the sample at which a block begins, and what is left of it

    def take(self, first: int, count: int) -> bytes:
        """The samples from one on, as PCM16; the windows follow on each other."""
        window = bytearray(2 * count)
        while self._pcm or self._next():
            skipped = max(first - self._at, 0)  # a voice may have begun before the session
            where = max(self._at - first, 0)
            if where >= count:  # it begins in a later window
                break
            piece = self._pcm[2 * skipped : 2 * (skipped + count - where)]
            window[2 * where : 2 * where + len(piece)] = piece
            taken = skipped + len(piece) // 2
            self._at, self._pcm = self._at + taken, self._pcm[2 * taken :]
        return bytes(window)

    def _next(self) -> bool:
        """Go on to the next block, if there is one."""
        begin, self._pcm = next(self._blocks, (0.0, b""))
        self._at = round(begin * SPEECH_RATE)
        return bool(self._pcm)
