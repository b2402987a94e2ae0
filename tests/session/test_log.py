"""The record of every frame, and what of it is evicted."""

from __future__ import annotations

from typing import Any

from rtcli.protocol.record import Direction, Frame
from rtcli.session.log import WireLog


def log_with(*events: dict[str, Any], max_bytes: int = 10_000) -> WireLog:
    """A log that received these events, a tenth of a second apart."""
    log = WireLog(max_bytes=max_bytes)
    for number, event in enumerate(events, 1):
        log.add(Frame(number, number / 10, Direction.RECEIVED, event, size=100))
    return log


def sound(length: int, number: int = 0) -> dict[str, Any]:
    """An event with so many characters of base64."""
    return {"type": "response.output_audio.delta", "event_id": f"event_{number}", "item_id": "i", "delta": "A" * length}


def test_records_count_from_one_and_know_their_time() -> None:
    """Numbers and times are those that the event view shows."""
    log = log_with({"type": "a"}, {"type": "b"})

    assert [(record.number, round(record.at, 3)) for record in log.records] == [(1, 0.1), (2, 0.2)]
    assert len(log) == 2


def test_only_the_newest_frames_keep_the_text_that_crossed_the_wire() -> None:
    """Whoever hands it on does so at once; an hour of frames would take twice the memory."""
    log = WireLog()
    for number in range(1, 101):
        log.add(Frame(number, 0.0, Direction.RECEIVED, {"type": "a"}, size=9, raw="{}"))

    assert log.records[-1].raw == "{}"
    assert sum(record.raw != "" for record in log.records) <= 20
    assert all(record.event == {"type": "a"} and record.size == 9 for record in log.records)


def test_a_log_may_begin_when_frames_have_crossed_already() -> None:
    """Somebody else has watched the transport for longer: the numbers stay the transport's."""
    log = WireLog(max_bytes=10)
    for number in range(41, 45):
        way = Direction.SENT if number % 2 else Direction.RECEIVED
        log.add(Frame(number, 0.0, way, {**sound(4000), "event_id": f"e{number}"}, size=9, parent=number - 1))

    assert (log.last_number, len(log)) == (44, 4)
    assert [log.find(key) for key in (40, 45, 1)] == [None, None, None]
    assert (log.find("#41"), log.find("e44")) == (log.records[0], log.records[3])
    assert [link.number for link in log.why(44)] == [43, 42, 41]
    assert [frame.number for frame in log.sent_since(41)] == [43]
    assert all("evicted" in record.event["delta"] for record in log.records if record.event)


def test_a_frame_that_is_no_event_is_kept_with_its_problem() -> None:
    """What cannot be decoded is in the record like everything else."""
    log = log_with()
    log.add(Frame(1, 5.0, Direction.RECEIVED, None, size=3, problem="not JSON"))
    (record,) = log.records

    assert log.find(1) == record
    assert log.find("abc") is None
    assert log.last("*") == record


def test_a_record_is_found_by_number_event_id_and_any_id_in_it() -> None:
    """What the event view shows of an event is enough to name it."""
    log = log_with(
        {"type": "conversation.item.added", "event_id": "event_1", "item": {"id": "item_abcdef"}},
        {"type": "response.created", "event_id": "event_2", "response": {"id": "resp_xyz123"}},
        {"type": "response.output_text.delta", "event_id": "event_3", "item_id": "item_abcdef"},
    )

    def number(key: int | str) -> int | None:
        record: Frame | None = log.find(key)
        return record.number if record else None

    assert (number(2), number("#2"), number("event_1")) == (2, 2, 1)
    assert number("item_abcdef") == 3, "the last that names it"
    assert (number("item_…bcdef"), number("…cdef"), number("z123")) == (3, 3, 2), "as rows show it, or by its end"
    assert (number(4), number(0), number("item_nothing")) == (None, None, None)


def test_the_last_of_a_type_is_found_by_glob() -> None:
    """/last response.* finds the newest."""
    log = log_with({"type": "response.created"}, {"type": "response.done"}, {"type": "error"})

    assert [log.last(p).number if log.last(p) else None for p in ("response.*", "error", "x")] == [2, 3, None]  # type: ignore[union-attr]


def test_old_sound_is_let_go_first_and_no_event_is_lost() -> None:
    """Beyond the bound the oldest payloads become a note; events, ids and sizes stay."""
    log = log_with(*(sound(4000, number) for number in range(5)), {"type": "response.done"})
    deltas = [str(record.event["delta"]) for record in log.records if record.event and "delta" in record.event]

    assert [len(delta) for delta in deltas[3:]] == [4000, 4000], "what fits in 10,000 is whole"
    assert deltas[:3] == ["<4000 characters of base64 evicted>"] * 3
    assert [record.number for record in log.records] == [1, 2, 3, 4, 5, 6]
    assert log.find("event_0") == log.records[0]


def test_what_others_hold_of_an_event_is_not_changed() -> None:
    """Letting go makes a new event: listeners share the old one."""
    event = sound(8000)
    log_with(event, sound(8000, 1))

    assert len(event["delta"]) == 8000


def test_images_and_audio_inside_items_are_evicted_too() -> None:
    """Items hold the largest payloads of all."""
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9000},
        {"type": "input_audio", "audio": "B" * 9000},
        "odd",
    ]
    log = log_with({"type": "conversation.item.create", "item": {"id": "x", "content": content}}, sound(6000))
    event = log.records[0].event
    assert event is not None

    text, image, audio, odd = event["item"]["content"]
    assert text == {"type": "input_text", "text": "look"} and odd == "odd"
    assert image["image_url"].startswith("<") and audio["audio"].startswith("<")


def test_an_hour_of_microphone_shares_one_thin_event() -> None:
    """Frames that are alike once they are thin are one object, so that a long session stays small."""
    log = log_with(*({"type": "input_audio_buffer.append", "audio": "A" * 1280} for _ in range(100)), max_bytes=2000)

    assert len({id(record.event) for record in log.records[:98]}) == 1


def test_a_full_log_forgets_its_oldest_frames() -> None:
    """Whatever they hold: its bytes are bounded, numbers and links stay right, and it says where it begins now."""
    log = WireLog(max_bytes=50_000, max_event_bytes=100_000)
    for number in range(1, 2001):
        event = {"type": f"type.{number}", "event_id": f"event_{number}", "text": "x" * 744}
        heavy = {**sound(4000), "event_id": f"event_{number}"}
        log.add(Frame(number, 0.0, Direction.RECEIVED, heavy if number % 9 == 0 else event, 1000, parent=number - 1))
        assert len(log) <= 200

    assert (log.last_number, log.records[-1].number) == (2000, 2000)
    assert log.forgotten + len(log) == 2000
    assert log.records[0].number == log.forgotten + 1
    assert [log.find(key) for key in (log.forgotten, f"event_{log.forgotten}", 1)] == [None, None, None]
    assert log.last("type.1") is None
    assert log.find(log.forgotten + 1) is log.records[0]
    assert log.why(2000)[-1].number >= log.forgotten + 1
    assert len(log.sent_since(0)) == 0


def test_the_newest_frame_stays_however_large_it_is() -> None:
    """It is what is being looked at."""
    log = WireLog(max_event_bytes=1000)
    for number in range(1, 4):
        log.add(Frame(number, 0.0, Direction.RECEIVED, {"type": "a"}, size=5000))

    assert [record.number for record in log.records] == [3]
