"""SessionState knows a session by its records alone."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from rtcli.errors import ExitCode
from rtcli.protocol.history import History
from rtcli.protocol.items import FunctionCallItem
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Connected, Connection, Direction, Frame, Heard, Mark, Record
from rtcli.session.log import WireLog
from rtcli.session.metrics import SessionMetrics
from rtcli.session.state import SessionState
from rtcli.views import Level, Notice, SpeechDone, View
from tests.kit.events import item_events, text_response
from tests.kit.records import Feeder
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker, live_session


def whats(views: list[View]) -> list[str]:
    return [view.what for view in views if isinstance(view, Notice)]


def modules_of(name: str, seen: set[str]) -> set[str]:
    """The modules of rtcli that one imports when it is loaded, and those that these import."""
    if name in seen:
        return seen
    seen.add(name)
    for node in ast.parse(inspect.getsource(sys.modules[name])).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rtcli"):
            for module in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                if module in sys.modules and inspect.ismodule(sys.modules[module]):
                    modules_of(module, seen)
    return seen


class Counted(list[Frame]):
    """A list that counts how many of its entries are looked at."""

    looked_at = 0

    def __getitem__(self, index: Any) -> Any:
        self.looked_at += len(range(*index.indices(len(self)))) if isinstance(index, slice) else 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Frame]:
        self.looked_at += len(self)
        return super().__iter__()

    def __reversed__(self) -> Iterator[Frame]:
        self.looked_at += len(self)
        return super().__reversed__()


@pytest.mark.parametrize("named", [True, False], ids=["named", "spoken of"])
def test_neither_an_error_nor_its_cause_is_searched_for_in_the_log(named: bool) -> None:
    """However long the microphone was open: only the frames of the chain are looked at."""
    state = SessionState()
    feed = Feeder(state)
    feed.sent({"type": "response.create"})
    feed.received({"type": "response.created", "response": {"id": "r"}})
    call = {"id": "f", "type": "function_call", "call_id": "c"}
    feed.received({"type": "response.output_item.done", "event_id": "e", "response_id": "r", "item": call})
    for _ in range(2000):
        feed.sent({"type": "input_audio_buffer.append", "audio": "AAAA"})
    output = {"type": "function_call_output", "call_id": "c", "output": ""}
    feed.sent({"type": "conversation.item.create", "event_id": "mine", "item": output})
    records = state.log._records = Counted(state.log.records)

    code = {"event_id": "mine"} if named else {"event_id": None, "code": "invalid_tool_call_id"}
    (notice,) = feed.received({"type": "error", "event_id": "wrong", "error": code})
    assert isinstance(notice, Notice) and "#2004 conversation.item.create" in notice.what
    for key in ("wrong", "#2005", state.log.last_failure.number if state.log.last_failure else 0):
        assert [link.number for link in state.log.why(key)] == [2004, 3, 2, 1]
    assert state.log.find("e") == records[2] and state.log.find("nobody") is None
    assert records.looked_at < 30


def test_it_knows_no_transport_no_device_and_no_loop() -> None:
    """Whatever it imports, a recording can be looked at without any of these."""
    found = modules_of("rtcli.session.state", set())
    loops = [name for name in found if "asyncio" in vars(sys.modules[name])]

    assert "rtcli.protocol.record" in found, "the walk follows imports"
    assert not [name for name in found if name.startswith(("rtcli.transports", "rtcli.audio", "rtcli.config"))]
    assert loops == []


def test_a_defect_in_one_part_is_shown_once_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log goes on, the text is still told, and the exit code says it."""

    def broken(_self: SessionMetrics, _event: object, _frame: Frame) -> list[View]:
        raise KeyError("a mistake")

    monkeypatch.setattr(SessionMetrics, "_on_response_done", broken)
    state = SessionState()
    fed = Feeder(state)
    views = [view for event in text_response("resp_1", "hello") for view in fed.received(event)]

    (notice,) = [view for view in views if isinstance(view, Notice)]
    assert (notice.what, notice.level) == ("internal error in rtcli", Level.ERROR)
    assert "metrics" in notice.why and "a mistake" in notice.why
    assert [view.text for view in views if isinstance(view, SpeechDone)] == ["hello"]
    assert len(state.log) == len(text_response("resp_1", "hello"))
    assert state.exit_code is ExitCode.UNEXPECTED


def test_the_output_of_a_call_completes_it() -> None:
    """The server says nothing of that: what we send tells."""
    fed = Feeder(state := SessionState())
    call = {"type": "function_call", "id": "item_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
    done = {"type": "response.output_item.done", "response_id": "r", "item": {**call, "status": "completed"}}
    fed.received(done)
    assert state.history.get("item_1") == FunctionCallItem("item_1", "f", "{}", "in_progress")

    output = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
    fed.sent({"type": "conversation.item.create", "item": output})
    assert state.history.get("item_1") == FunctionCallItem("item_1", "f", "{}", "completed", "42")


def test_a_connection_that_never_opens_takes_no_conversation_away() -> None:
    """Another one that opens has a conversation of its own."""
    fed = Feeder(state := SessionState())
    for connected in (Connected.DIALING, Connected.OPEN):
        fed.record(Connection(0, connected))
    for event in item_events({"id": "item_1", "type": "message", "role": "user", "content": []}):
        fed.received(event)
    fed.record(Connection(1, Connected.LOST, code=1011, reason="out of luck"))
    for connected in (Connected.DIALING, Connected.CLOSED):
        fed.record(Connection(2, connected))
    assert [item.item_id for item in state.history] == ["item_1"]

    for connected in (Connected.DIALING, Connected.OPEN):
        fed.record(Connection(3, connected))
    assert len(state.history) == 0


@pytest.mark.parametrize("kind", [[], {}, 5, None])
def test_parts_and_items_of_a_kind_that_is_no_text_are_passed_over(kind: object) -> None:
    """What else came with them is told."""
    fed = Feeder(state := SessionState())
    item = {"id": "i", "type": "message", "role": "assistant", "content": [{"type": kind, "text": "a"}]}
    response = {"id": "r", "status": "completed", "output": [{"type": kind}, item]}
    views = fed.received({"type": "response.output_item.done", "response_id": "r", "item": item})
    views += fed.received({"type": "response.done", "response": response})

    assert [item.item_id for item in state.history] == ["i"]
    assert not [view for view in views if isinstance(view, Notice) and view.level is Level.ERROR]


def test_a_connection_stood_where_something_was_said_over_it() -> None:
    """A recording may have lost the line that says that it opened; its conversation is not lost with that."""
    fed = Feeder(state := SessionState())
    fed.record(Connection(0, Connected.DIALING))
    for event in item_events({"id": "item_1", "type": "message", "role": "user", "content": []}):
        fed.received(event)
    fed.record(Connection(1, Connected.CLOSED))

    assert [item.item_id for item in state.history] == ["item_1"]


@pytest.mark.parametrize("said", ["", "The server is going down."])
def test_a_lost_connection_is_told_with_the_servers_own_words(said: str) -> None:
    """What it said before, the close code and its reason, and what to do; one that was closed is not lost."""
    fed = Feeder(state := SessionState())
    for connected in (Connected.DIALING, Connected.OPEN):
        fed.record(Connection(0, connected))
    if said:
        fed.received({"type": "error", "error": {"code": "server_error", "message": said}})
    _, notice = fed.record(Connection(1, Connected.LOST, code=1011, reason="bye"))

    assert isinstance(notice, Notice) and notice.what == "the connection was lost"
    assert notice.why == (f"{said} (close code 1011, bye)" if said else "close code 1011, bye")
    assert "/reconnect" in notice.hint
    assert state.exit_code is ExitCode.CONNECTION
    assert not [view for view in fed.record(Connection(2, Connected.CLOSED)) if isinstance(view, Notice)]


def test_a_mark_says_where_it_stands() -> None:
    """After which frame, and when."""
    fed = Feeder(SessionState())
    fed.received({"type": "session.updated", "session": {}})
    (notice,) = fed.record(Mark(1.5, "here"))

    assert notice == Notice("mark here", why="+1.500s, after #1")


def test_a_frame_out_of_order_is_a_defect_that_is_told() -> None:
    """Numbers are places in the log: a gap would make every later link wrong."""
    state = SessionState()
    Feeder(state).received({"type": "session.updated"})
    views = state.observe(Frame(7, 1.0, Direction.RECEIVED, {"type": "x"}, 0))

    assert whats(views) == ["internal error in rtcli"]


async def spoken_session(records: list[Record], views: list[View]) -> Live:
    """A session with text, voice, an interruption and a reconnection; every record and view of it."""
    speaker, microphone = ManualSpeaker(), ManualMicrophone()
    config = {"output_modalities": ["audio"]}
    async with live_session(speaker=speaker, microphone=microphone, config=config) as live:
        observe = live.session.state.observe

        def observed(record: Record) -> list[View]:
            records.append(record)
            found = observe(record)
            views.extend(found)
            return found

        live.session.state.observe = observed  # type: ignore[method-assign]
        await live.run("hello")
        await live.until(lambda: live.records("response.done"))
        speaker.hear(200)
        await live.until(lambda: [r for r in records if isinstance(r, Heard)])
        await live.run("count to 30")
        await live.until(lambda: len(live.records("response.output_audio.delta")) > 10)
        await live.run("/interrupt")
        await live.run("/unmute")
        microphone.speak(bytes(9600))
        await live.run("/mute")
        await live.run("/mark here")
        await live.run("/reconnect")
        await live.idle()
    return live


async def test_a_state_fed_with_the_records_of_a_session_is_the_same() -> None:
    """Views, history, transcripts, figures and links: what a replay of the session will show."""
    records: list[Record] = []
    views: list[View] = []
    live = await spoken_session(records, views)
    first = next(record for record in records if isinstance(record, Frame)).number
    replay = SessionState()
    for frame in live.session.state.log.records[: first - 1]:
        replay.observe(frame)
    # which devices are open was said before the first of these records
    views = [view for view in views if not isinstance(view, Occurrence)]
    again = []
    for record in records:
        again += [view for view in replay.observe(record) if not isinstance(view, Occurrence)]
        # the figures of a toolbar, which are kept, are those of the turns at any moment
        assert SessionMetrics(replay.timeline).short().items() <= replay.metrics.short().items()

    state = live.session.state
    assert again == views
    assert list(replay.history) == list(state.history)
    assert replay.timeline.turns == state.timeline.turns
    assert replay.metrics.short() == state.metrics.short()
    assert [frame.parent for frame in replay.log.records] == [frame.parent for frame in state.log.records]
    assert _figures(replay) == _figures(state)
    assert any(isinstance(record, Heard) for record in records)
    assert any("interrupted" in what for what in whats(views))


def _figures(state: SessionState) -> dict[str, Any]:
    return {
        "usage": {model: asdict(usage) for model, usage in state.metrics.usage.items()},
        "session": state.session,
        "connection": state.connection,
        "codes": state.reports.codes,
        "unsent": state.audio.unsent_turn_ms,
    }


def test_what_falls_out_of_memory_is_told_once() -> None:
    """Of the log, of the history: a user who looks for it has to know."""
    state = SessionState()
    state.log = WireLog(max_event_bytes=50_000)
    state.items.history = History(max_characters=50_000)
    told: list[str] = []
    for number in range(1, 300):
        item = {"type": "message", "id": f"item_{number}", "role": "user", "content": [{"text": "x" * 1000}]}
        event = {"type": "conversation.item.done", "item": item, "previous_item_id": None}
        told += whats(state.observe(Frame(number, 0.0, Direction.RECEIVED, event, 1100)))

    assert len(told) == 2
    assert "event log holds the newest" in told[0] + told[1]
    assert "history holds the newest" in told[0] + told[1]


def test_an_id_of_a_wrong_kind_is_no_defect() -> None:
    """A server may put anything where an id should be."""
    feeder = Feeder(state := SessionState())
    item = {"type": "message", "id": "item_1", "role": "user", "content": []}
    odd: tuple[object, ...] = ({}, [], 7, None)
    for response_id in odd:
        views = feeder.received({"type": "response.output_item.done", "response_id": response_id, "item": item})
        assert whats(list(views)) == []

    assert len(state.history) == 1


def test_an_answer_that_goes_on_is_not_asked_for_again() -> None:
    """The error came in the middle of it: another response.create would give a second answer."""
    fed = Feeder(SessionState())
    failure = {"type": "error", "error": {"type": "server_error", "message": "a hiccup"}}
    fed.received({"type": "response.created", "response": {"id": "r"}})
    (during,) = fed.received(failure)
    fed.received({"type": "response.done", "response": {"id": "r", "status": "completed"}})
    (after,) = fed.received(failure)

    assert isinstance(during, Notice) and isinstance(after, Notice)
    assert "/respond" not in during.hint and "in progress" in during.hint
    assert "/respond" in after.hint
