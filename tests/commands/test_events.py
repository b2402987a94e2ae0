"""Commands for the wire."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rtcli.errors import InputError, UsageError
from rtcli.protocol.filters import type_of
from rtcli.protocol.record import Frame
from rtcli.protocol.units import since
from rtcli.views import FrameRows, Json, Notice, Table, Text
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, Step, answers, fake_server, steps
from tests.kit.sessions import Live, live_session, session_on


async def test_the_view_of_events_is_chosen(live: Live) -> None:
    """By name; without one the choice is shown, and stays."""
    seen = []
    for line in ("/events all", "/events", "/events summ"):
        (notice,) = await live.run(line)
        seen.append((live.context.display.events, getattr(notice, "what", "")))

    assert seen == [("all", "events: all"), ("all", "events: all"), ("summary", "events: summary")]


async def test_a_filter_is_checked_before_it_is_set_and_shows_the_events(live: Live) -> None:
    """An expression that can match nothing is refused."""
    await live.run("/filter response.* -*.delta <")
    assert (live.context.display.filter, live.context.display.events) == ("response.* -*.delta <", "summary")
    with pytest.raises(UsageError):
        await live.run("/filter what=ever")
    (shown,) = await live.run("/filter")
    assert isinstance(shown, Notice) and shown.what == "filter: response.* -*.delta <"
    await live.run("/filter off")

    assert live.context.display.filter == ""


async def test_an_event_is_shown_whole_by_number_id_or_type(live: Live) -> None:
    """What the rows shorten can be had in full."""
    (last,) = await live.run("/last response.done")
    assert isinstance(last, Json) and last.value["type"] == "response.done"
    record = live.records("response.done")[0]
    (by_number,) = await live.run(f"/show {record.number}")
    (by_id,) = await live.run(f"/show {last.value['event_id']} --full")

    assert isinstance(by_number, Json) and isinstance(by_id, Json)
    assert by_number.value == by_id.value == last.value
    assert (by_number.full, by_id.full) == (False, True)
    assert by_number.title.startswith(f"#{record.number} < {since(record.at)}, ")
    assert re.search(r", \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$", by_number.title)


async def test_an_event_that_came_as_a_binary_message_says_so() -> None:
    """Another client may not be able to read it."""
    binary = Step("response.create", [json.dumps({"type": "brand.new"}).encode()])
    async with fake_server(steps(binary)) as server, session_on(server.url) as live:
        await live.run("/respond")
        await live.until(lambda: live.records("brand.new"))
        (shown,) = await live.run("/last brand.new")

    assert isinstance(shown, Json) and shown.title.endswith("binary message")


def numbers_in(view: FrameRows) -> list[int]:
    """Of the frames; what happened between them has none."""
    return [one.number for one in view.frames if isinstance(one, Frame)]


@pytest.mark.parametrize("events", ["off", "summary"])
async def test_past_events_are_listed_by_their_numbers(live: Live, events: str) -> None:
    """Also while none are shown, and whatever the filter hides."""
    live.context.display.events, live.context.display.filter = events, "error"
    last = live.session.state.log.last_number
    (some,) = await live.run("/events 2-#4")
    (one,) = await live.run("/events #3")
    (rest,) = await live.run(f"/events {last - 1}-")
    (beyond,) = await live.run(f"/events {last}-9999")

    for view, numbers in ((some, [2, 3, 4]), (one, [3]), (rest, [last - 1, last]), (beyond, [last])):
        assert isinstance(view, FrameRows) and numbers_in(view) == numbers
    assert live.context.display.events == events


async def test_a_long_list_of_events_says_how_it_goes_on(live: Live) -> None:
    """Five hundred at a time."""
    for _ in range(600):
        live.session.transport.send_event({"type": "input_audio_buffer.clear"})
    rows, more = await live.run("/events 1-600")

    assert isinstance(rows, FrameRows) and len(numbers_in(rows)) == 500
    assert more == Notice("100 more", hint="/events 501-600")


async def test_a_frame_that_is_not_an_event_is_shown_as_it_came() -> None:
    """Also when many have followed on it; and it is found by what it holds."""
    broken = Step("response.create", ['{"type": "response.created", "oops'])
    async with fake_server(steps(broken)) as server, session_on(server.url) as live:
        await live.run("/respond")
        frame = await live.until(lambda: [f for f in live.session.state.log.records if f.event is None])
        for _ in range(40):
            live.session.transport.send_event({"type": "input_audio_buffer.clear"})
        (shown,) = await live.run(f"/show {frame[0].number}")
        (found,) = await live.run("/grep oops")

    assert isinstance(shown, Text) and shown.text.endswith('{"type": "response.created", "oops')
    assert isinstance(found, Table) and found.rows[0][0] == str(frame[0].number)


@pytest.mark.parametrize("line", ["/events 9999", "/events 5-3", "/events 0", "/events nosuch", "/events 1-2-3"])
async def test_numbers_of_events_that_cannot_be_are_refused(live: Live, line: str) -> None:
    """Each in one line that names them."""
    with pytest.raises(UsageError, match=line.split()[1]):
        await live.run(line)


@pytest.mark.parametrize("line", ["/show 9999", "/show item_none", "/why 0", "/last response.never", "/grep ["])
async def test_what_is_not_there_is_named(live: Live, line: str) -> None:
    """With the numbers that there are, where that helps."""
    with pytest.raises(UsageError):
        await live.run(line)


async def test_grep_looks_into_events_and_not_into_base64(live: Live) -> None:
    """A match in sound is no match."""
    live.session.transport.send_audio(b"hello hello hello" * 40)
    (table,) = await live.run("/grep hello")
    (none,) = await live.run("/grep aGVsbG8gaGVsbG8")

    assert isinstance(table, Table) and any(row[3] == "conversation.item.create" for row in table.rows)
    assert isinstance(none, Notice) and "no event matches" in none.what


async def test_grep_shows_what_is_around_the_match(live: Live) -> None:
    """In one line, cut on both sides."""
    await live.run(f"/system {'before ' * 20}the needle\\n is here{' after' * 20}")
    (table,) = await live.run("/grep needle.*here")

    assert isinstance(table, Table)
    *_, match = table.rows[0]
    assert match.startswith("…") and match.endswith("…") and "before the needle" in match and "here after" in match
    assert len(match) < 150 and "\n" not in match


async def test_grep_shows_the_last_hits_of_many(live: Live) -> None:
    """Fifty rows are enough; the number of all is said."""
    for _ in range(60):
        live.session.transport.send_event({"type": "input_audio_buffer.clear"})
    (table,) = await live.run("/grep input_audio_buffer.clear")

    assert isinstance(table, Table)
    assert len(table.rows) == 50 and "the last 50" in table.title


async def test_why_tells_the_chain_and_the_command_it_began_with(live: Live) -> None:
    """The newest first, the command last."""
    (done,) = live.records("response.done")
    table, notice = await live.run(f"/why {done.number}")

    assert isinstance(table, Table) and isinstance(notice, Notice)
    assert [row[3] for row in table.rows] == ["response.done", "response.created", "response.create"]
    assert table.columns[-1] == "after"
    assert all(row[-1].endswith("ms") for row in table.rows[:-1]) and table.rows[-1][-1] == ""
    assert notice.what == "triggered by typed text"


async def test_why_says_when_nothing_is_known(live: Live) -> None:
    """session.created comes by itself."""
    (created,) = live.records("session.created")
    _, notice = await live.run(f"/why {created.number}")

    assert isinstance(notice, Notice) and "its cause is unknown" in notice.what


async def test_why_alone_is_about_the_last_thing_that_went_wrong(live: Live) -> None:
    """What one wants to know after an error; without one, the last frame."""
    (table, *_) = await live.run("/why")
    assert isinstance(table, Table) and table.rows[0][0] == str(len(live.session.state.log))
    await live.run('/send {"type": "response.cancel"}')
    await live.until(lambda: live.records("error"))
    await live.run("hello again")
    await live.idle()
    (table, *_) = await live.run("/why")

    assert isinstance(table, Table)
    assert [row[3] for row in table.rows] == ["error", "response.cancel"]


async def test_an_event_is_named_by_its_type_as_well(live: Live) -> None:
    """The last of that type; a glob will do."""
    (by_type,) = await live.run("/show response.created")
    (table, _) = await live.run("/why *item.done")

    assert isinstance(by_type, Json) and by_type.value["type"] == "response.created"
    assert isinstance(table, Table) and table.rows[0][3].endswith("item.done")


async def test_a_mark_has_its_place_and_time(live: Live) -> None:
    """Between two frames."""
    await live.run("/mark here it is")
    mark = live.views[-1]

    assert isinstance(mark, Notice)
    assert mark.what == "mark here it is" and f"after #{len(live.session.state.log)}" in mark.why


async def test_events_are_sent_from_a_file(live: Live, tmp_path: Path) -> None:
    """JSON lines or an array; what is not an event is refused; what looks odd is sent with a warning."""
    (tmp_path / "e.json").write_text('[{"type": "input_audio_buffer.clear"}]\n{"type": "input_audio_buffer.clear"}')
    await live.run(f"/send @{tmp_path / 'e.json'}")
    warning, _ = await live.run('/send {"type": "input_audio_buffer.clear", "extra": 1}')

    assert live.sent()[-3:] == ["input_audio_buffer.clear"] * 3
    assert isinstance(warning, Notice) and "extra" in warning.what
    for line in ("/send @none.json", '/send {"no": "type"}'):
        with pytest.raises((InputError, UsageError)):
            await live.run(line)
    (tmp_path / "b.json").write_bytes(b"\xff{}")
    with pytest.raises(InputError, match="UTF-8"):
        await live.run(f"/send @{tmp_path / 'b.json'}")


async def test_raw_passes_by_the_sequencer() -> None:
    """Two requests at once provoke the API's own refusal; without --raw the second waits."""
    async with live_session(server={"pace": 0.5}) as live:
        await live.run('/send {"type": "response.create"}')
        await live.run('/send --raw {"type": "response.create", "event_id": "second"}')
        await live.until(lambda: live.records("error"))

        assert live.sent().count("response.create") == 2
        assert live.events("error")[0]["error"]["code"] == "conversation_already_has_active_response"


async def test_a_request_that_waits_for_its_turn_keeps_its_text() -> None:
    """No event_id is added, and its digits stay as they are."""
    text = '{"type":"response.create", "response":{"metadata":{"a":"1","a":"2"}}}'
    async with live_session(server={"pace": 0.5}) as live:
        await live.run('/send {"type": "response.create"}')
        await live.run(f"/send {text}")
        await live.until(lambda: live.sent().count("response.create") == 2)

        sent = [
            frame for frame in live.session.state.log.records if frame.event and type_of(frame) == "response.create"
        ]
        assert sent[-1].raw == text.encode()
        assert not live.records("error")


async def test_a_frame_that_was_no_event_is_shown_as_such() -> None:
    """Its problem and its size; there is not JSON to show."""

    async def stammers(talk: Conversation) -> None:
        await talk.send(CREATED, "{nonsense")
        await answers(talk)

    async with fake_server(stammers) as server, session_on(server.url) as live:
        record = next(record for record in live.session.state.log.records if record.event is None)
        (text,) = await live.run(f"/show {record.number}")
        table, _ = await live.run(f"/why {record.number}")

        assert (
            isinstance(text, Text)
            and "not an event" in text.text
            and "9 bytes" in text.text
            and "{nonsense" in text.text
        )
        assert isinstance(table, Table) and table.rows[0][3] == "not an event"


async def test_an_event_that_fell_out_of_the_log_says_so(live: Live) -> None:
    """A number that was there once is no number that never was."""
    live.session.state.log.max_event_bytes = 2000
    await live.run("hello")
    await live.idle()
    oldest = live.session.state.log.records[0].number

    for line in ("/show 1", "/show #2", "/why 1"):
        with pytest.raises(UsageError, match="is no longer in the log") as caught:
            await live.run(line)
        assert caught.value.hint == f"the oldest is #{oldest}"
    with pytest.raises(UsageError, match="no event '99999' yet"):
        await live.run("/show 99999")
