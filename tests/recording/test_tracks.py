"""What the user said and what was heard of the model, in the session's own time."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.dsp.g711 import pcm_to_ulaw
from rtcli.protocol.audio_formats import PCM16, encode_base64
from rtcli.protocol.record import Audio, Direction
from rtcli.recording.tracks import Track, Tracks
from rtcli.timeline.timeline import read
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone
from tests.kit.waveforms import samples_of


def tracks_of(told: Told) -> Tracks:
    tracks = Tracks()
    read(told.records, tracks)
    return tracks


def laid_out(track: Track, rate: int = PCM16.rate) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """The whole track as samples, silence between its blocks."""
    whole = np.zeros(round(track.end * rate) + rate, np.int16)
    for at, pcm in track.blocks(rate):
        samples = samples_of(pcm)
        whole[round(at * rate) : round(at * rate) + len(samples)] = samples
    return whole


def loud(track: Track) -> tuple[float, float]:
    """From when to when there is something to hear."""
    found = np.flatnonzero(np.abs(laid_out(track).astype(int)) > 100) / PCM16.rate
    return float(found[0]), float(found[-1])


def test_the_user_is_where_the_timeline_heard_the_voice() -> None:
    """Silence and voice, sent in pieces, each a little late."""
    told = Told()
    told.now = 5.0
    told.speaks(tone(1.0, level=0) + tone(1.5) + tone(0.5, level=0), late=0.02)

    tracks = tracks_of(told)
    assert loud(tracks.user) == pytest.approx((6.0, 7.5), abs=0.05)
    assert len(tracks.user.runs) == 1


def test_a_muted_microphone_leaves_a_gap() -> None:
    """Time goes on without audio."""
    told = Told()
    told.speaks(tone(1.0))
    told.now += 10.0
    told.speaks(tone(1.0))

    track = tracks_of(told).user
    assert [(round(run.start, 1), round(run.end, 1)) for run in track.runs] == [(0.0, 1.0), (11.0, 12.0)]


def test_a_file_that_is_sent_at_once_is_whole() -> None:
    """Its audio goes on behind the moment of its sending: nothing is lost, nothing lies over other audio."""
    told = Told()
    told.now = 3.0
    for _ in range(50):
        told.sends("input_audio_buffer.append", audio=encode_base64(tone(0.1)))
        told.now += 0.0001

    track = tracks_of(told).user
    assert sum(run.end - run.start for run in track.runs) == pytest.approx(5.0)


def test_of_an_answer_the_track_has_what_was_heard() -> None:
    """Two seconds arrived at once; 600 ms were heard until the user interrupted."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    (part,) = told.timeline.turns[0].parts

    tracks = tracks_of(told)
    (run,) = tracks.heard().runs
    assert tracks.played
    assert (run.start, run.end) == pytest.approx((part.heard[0].start, part.heard[0].start + 0.6))


def test_without_a_player_the_track_has_what_arrived() -> None:
    """As `send-event` records it; a cut ends it."""
    told = Told()
    told.types()
    told.begins("r1")
    told.now = 2.0
    told.plays("r1", "i1", tone(3.0))
    told.sends("conversation.item.truncate", item_id="i1", content_index=0, audio_end_ms=1200)
    told.now = 9.0
    told.begins("r2")
    told.plays("r2", "i2", tone(1.0))

    tracks = tracks_of(told)
    assert not tracks.played
    assert [(run.start, run.end) for run in tracks.heard().runs] == [pytest.approx((2.0, 3.2)), pytest.approx((9, 10))]


def test_audio_beside_the_events_is_there_as_well() -> None:
    """As WebRTC has it, in both directions, at a rate of its own."""
    told = Told()
    told.types()
    told.begins("r1")
    told.now = 1.0
    for _ in range(10):
        told.now += 0.1
        for way in Direction:
            told.records.append(Audio(told.now, way, bytes(9600), 48_000))

    tracks = tracks_of(told)
    for track in (tracks.user, tracks.heard()):
        (run,) = track.runs
        assert (run.start, run.end) == pytest.approx((1.0, 2.0), abs=0.01)
        assert run.format.rate == 48_000


def test_every_format_comes_out_at_the_rate_that_is_asked_for() -> None:
    """G.711 at 8 kHz, as 16 kHz PCM16, block by block."""
    told = Told()
    form = {"type": "audio/pcmu"}
    told.gets("session.created", session={"audio": {"input": {"format": form}}})
    for _ in range(230):
        told.now += 0.1
        told.sends("input_audio_buffer.append", audio=encode_base64(pcm_to_ulaw(tone(0.1)[::3][:1600])))

    blocks = list(tracks_of(told).user.blocks(16_000))
    assert [len(pcm) for _, pcm in blocks[:-1]] == [320_000] * (len(blocks) - 1)
    assert sum(len(pcm) for _, pcm in blocks) == pytest.approx(230 * 1600 * 2, rel=0.01)
    assert [at for at, _ in blocks] == pytest.approx([0.0, 10.0, 20.0], abs=0.02)


def test_audio_that_cannot_be_read_is_left_out() -> None:
    """What is not base64 the server refuses; the track goes on."""
    told = Told()
    told.sends("input_audio_buffer.append", audio="not base64!")
    told.speaks(tone(1.0))

    assert loud(tracks_of(told).user)[1] == pytest.approx(1.0, abs=0.05)
