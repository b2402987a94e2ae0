"""What the assistant said in a recording is heard in a replay, as it was in the session."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from rtcli.protocol.audio_formats import PCM16, PCMU
from rtcli.protocol.record import Audio, Direction, Frame, Record
from rtcli.protocol.record_lines import record_line
from rtcli.recording.reader import open_recording
from rtcli.session.replay import Replay
from rtcli.session.replay_audio import ReplayAudio
from rtcli.views import Notice
from tests.kit.events import audio_delta
from tests.kit.sessions import ManualSpeaker

SECOND = bytes(48_000)


def frame(number: int, event: dict[str, Any], way: Direction = Direction.RECEIVED) -> Frame:
    return Frame(number, number / 10, way, event, 1)


CUT = {"type": "conversation.item.truncate", "item_id": "item_a", "content_index": 0, "audio_end_ms": 100}
DONE = {"type": "response.output_audio.done", "item_id": "item_a", "content_index": 0, "response_id": "resp_1"}


def played(*records: Record, speaker: ManualSpeaker | None = None) -> tuple[ManualSpeaker, list[Notice]]:
    speaker = speaker or ManualSpeaker()
    notices: list[Notice] = []
    audio = ReplayAudio(speaker, notices.append)
    for record in records:
        audio.observe(record, PCM16)
    return speaker, notices


@pytest.mark.parametrize("name", ["response.output_audio.delta", "response.audio.delta"])
def test_deltas_are_played_and_parts_are_finished(name: str) -> None:
    """In the order in which they came, whatever name the server gave them."""
    delta = {**audio_delta(SECOND), "type": name}
    speaker, _ = played(frame(1, delta), frame(2, delta), frame(3, DONE))

    assert speaker.queued == {("item_a", 0): 2000}
    assert speaker.finished == [("item_a", 0)]


def test_what_came_under_two_names_is_played_once() -> None:
    """As some servers send it for clients of both versions."""
    beta = {**audio_delta(SECOND), "type": "response.audio.delta"}
    speaker, _ = played(frame(1, audio_delta(SECOND)), frame(2, beta), frame(3, DONE))

    assert speaker.queued == {("item_a", 0): 1000}


def test_a_cut_silences_what_was_not_heard() -> None:
    """As the client cut it then."""
    speaker, _ = played(frame(1, audio_delta(SECOND)), frame(2, CUT, Direction.SENT))

    assert speaker.stops == 1 and not speaker.audible


def test_sound_beside_the_events_is_played_at_its_own_rate() -> None:
    """Of a call; what the user said is not."""
    speaker, _ = played(
        Audio(0.1, Direction.RECEIVED, bytes(9_600), 48_000, "item_b"),
        Audio(0.1, Direction.SENT, bytes(9_600), 48_000),
    )

    assert list(speaker.queued) == [("item_b", 0)]


def test_another_format_is_decoded() -> None:
    """8,000 bytes of G.711 are a second."""
    speaker = ManualSpeaker()
    audio = ReplayAudio(speaker, lambda _: None)
    audio.observe(frame(1, audio_delta(b"\xff" * 8_000)), PCMU)
    audio.observe(frame(2, DONE), PCMU)

    assert abs(speaker.queued["item_a", 0] - 1000) <= 1


def test_a_machine_without_a_speaker_tells_it_once() -> None:
    """And the replay goes on."""
    deltas = [frame(number, audio_delta(SECOND)) for number in range(1, 4)]
    speaker, notices = played(*deltas, speaker=ManualSpeaker(available=False))

    assert [notice.what for notice in notices] == ["no output device: the replay is silent"]
    assert speaker.queued == {}


def test_what_is_not_base64_costs_nothing_but_itself() -> None:
    speaker, _ = played(frame(1, {**audio_delta(b""), "delta": "***"}), frame(2, audio_delta(SECOND)))

    assert speaker.queued == {("item_a", 0): 1000}


# -- in a replay -------------------------------------------------------------------------------------------------------


def replay_of(path: Path, records: Iterable[Record], *, speed: float | None = 1.0) -> tuple[Replay, ManualSpeaker]:
    path.write_bytes(b"".join(record_line(record) + b"\n" for record in records))
    speaker = ManualSpeaker()
    replay = Replay(lambda: open_recording(str(path)), speed=speed)
    replay.audio = ReplayAudio(speaker, lambda _: None)
    return replay, speaker


def test_a_replay_is_heard_at_its_own_speed_alone(tmp_path: Path) -> None:
    """Twice as fast, all at once, and in steps, it is silent."""
    records = [frame(number, audio_delta(SECOND)) for number in range(1, 4)]
    for speed, queued in ((1.0, 1000), (2.0, 0), (None, 0)):
        replay, speaker = replay_of(tmp_path / "session.ndjson", records, speed=speed)
        replay.feed_next()
        assert sum(speaker.queued.values()) == queued, speed
        replay.close()
    replay, speaker = replay_of(tmp_path / "session.ndjson", records)
    replay.step()

    assert speaker.queued == {}
    replay.close()
    assert speaker.closed


def test_a_pause_holds_the_sound_and_a_seek_drops_it(tmp_path: Path) -> None:
    """What was waiting when the pause began is played after it."""
    records = [frame(number, audio_delta(SECOND)) for number in range(1, 4)]
    replay, speaker = replay_of(tmp_path / "session.ndjson", records)
    replay.feed_next()
    speaker.hear(300)
    replay.pause()
    assert speaker.exported == 1
    replay.pause()
    assert speaker.resumed == 1
    replay.seek("0")

    assert speaker.stops == 1
    replay.close()
