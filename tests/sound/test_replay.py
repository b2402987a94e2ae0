"""`rtcli replay` on a card: an answer is heard once more, and no more of it than in the session."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.record import Direction, Frame
from rtcli.protocol.record_lines import record_line
from tests.kit.events import CREATED
from tests.kit.retry_on_glitch import over_the_card, retry_on_glitch
from tests.kit.sound_card import SoundCard
from tests.kit.terminal import Terminal
from tests.kit.waveforms import RATE
from tests.sound.test_chat import until_heard, until_quiet

PIECES = 20  # of 100 ms, sent at once
CUT_AT = 1.0  # seconds


def recording_of(path: Path, noise: bytes, *, cut: bool) -> str:
    """An answer of two seconds, in the first moment of a session that goes on for three."""
    place = {"response_id": "resp_1", "item_id": "item_a", "output_index": 0, "content_index": 0}
    size = RATE // 10 * 2
    deltas = [
        {"type": "response.output_audio.delta", **place, "delta": encode_base64(noise[start : start + size])}
        for start in range(0, PIECES * size, size)
    ]
    truncate = {"type": "conversation.item.truncate", "item_id": "item_a", "content_index": 0, "audio_end_ms": 1000}
    events = [(0.0, Direction.RECEIVED, event) for event in (CREATED, *deltas)]
    events += [(CUT_AT, Direction.SENT, truncate)] if cut else []
    events += [(3.0, Direction.RECEIVED, {"type": "rate_limits.updated", "rate_limits": []})]
    frames = [Frame(number, at, way, event, 1) for number, (at, way, event) in enumerate(events, 1)]
    path.write_bytes(b"".join(record_line(frame) + b"\n" for frame in frames))
    return str(path)


@contextlib.contextmanager
def replaying(card: SoundCard, *arguments: str) -> Iterator[Terminal]:
    argv = [sys.executable, "-m", "rtcli", "replay", *arguments]
    with Terminal(argv, columns=100, environ=card.settings) as terminal:
        yield terminal
        terminal.wait_for("ended")
        terminal.send("\x15/quit\r")
        assert terminal.wait_exit() == 0


@retry_on_glitch
def test_an_answer_is_heard_again_and_stops_where_it_was_cut(card: SoundCard, noise: bytes, tmp_path: Path) -> None:
    """The whole of it, or the part that was heard in the session."""
    heard = {}
    for cut in (False, True):
        file = recording_of(tmp_path / f"{cut}.ndjson", noise, cut=cut)
        with card.record() as room, replaying(card, file, "--out", "room_a") as terminal:
            until_heard(terminal, room, 300)
            until_quiet(terminal, room)
            heard[cut] = len(room.sound()) * 1000 // RATE

    with over_the_card():
        assert 1900 <= heard[False] <= 2200
    assert 500 <= heard[True] <= 1500


def test_a_silent_replay_opens_no_device(card: SoundCard, noise: bytes, tmp_path: Path) -> None:
    """--silent, also where there is a speaker."""
    file = recording_of(tmp_path / "session.ndjson", noise, cut=False)
    with card.record() as room, replaying(card, file, "--silent") as terminal:
        terminal.wait_for("ended")
        assert len(room.sound()) == 0
