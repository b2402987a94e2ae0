"""A call over a bad network: an impairer between its two sockets."""

from __future__ import annotations

from rtcli.rtc.live_stream import LiveStream
from tests.kit.calls import make_side, needs_webrtc
from tests.kit.impairer import Impairer
from tests.kit.waiting import until

pytestmark = needs_webrtc

LOUD = (b"\0\x40" * 4 + b"\0\xc0" * 4) * 60
FRAMES = 150


async def test_only_what_is_lost_is_missing() -> None:
    """The library's own buffer loses five frames for each lost one, and stays behind for the rest of the call."""
    caller, called = make_side(lambda: LOUD), make_side()
    async with Impairer(loss=0.05, jitter=0.02).running() as impairer:
        await caller.peer.answer(await impairer.between(await called.peer.accept(await caller.peer.offer())))
        await until(lambda: len(called.audio) >= FRAMES, "the audio")
        await caller.peer.close()
        await called.peer.close()

    starts = [start for start, _ in called.audio]
    assert impairer.lost > 0
    assert starts == sorted(set(starts))
    missing = (starts[-1] - starts[0]) // 480 + 1 - len(starts)
    assert 0 < missing <= impairer.lost  # some of what was lost was no audio, or went the other way


async def test_a_speaker_gets_a_stream_without_gaps() -> None:
    """What is missing is concealed: the samples that are played are as many as were sent."""
    caller, called = make_side(lambda: LOUD), make_side()
    async with Impairer(loss=0.05, jitter=0.02, seed=2).running() as impairer:
        await caller.peer.answer(await impairer.between(await called.peer.accept(await caller.peer.offer())))
        await until(lambda: len(called.audio) >= FRAMES, "the audio")
        await caller.peer.close()
        await called.peer.close()
    stream = LiveStream()
    heard = called.audio[5:]  # a decoder needs a moment
    played = [stream.push(pcm, start, start / 24_000) for start, pcm in heard]

    samples = heard[-1][0] - heard[0][0] + 480
    assert sum(len(pcm) // 2 for pcm in played) == samples
    assert stream.lost_ms > 0
