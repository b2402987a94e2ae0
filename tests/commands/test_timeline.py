"""Commands that say where the time went."""

from __future__ import annotations

import pytest

from rtcli.commands import Context, default_registry, run_line
from rtcli.errors import UsageError
from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.session.replay import Replay
from rtcli.session.state import SessionState
from rtcli.views import BarLook, Chart, DisplaySettings, Json, MarkSign, Notice, Table, View
from tests.kit.sessions import ManualSpeaker, live_session
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone


class Looked(Replay):
    """A replay of records that a test has made."""

    def __init__(self, told: Told) -> None:
        self.state = SessionState()
        self.at = told.now
        self.ended = False
        for record in told.records:
            self.state.observe(record)


async def look(told: Told, line: str, **fields: object) -> list[View]:
    """What a command that looks says of these records."""
    context = Context(None, DisplaySettings(), default_registry(), recorded=Looked(told), **fields)  # type: ignore[arg-type]
    return await run_line(line, context)


def typed_turns(*milliseconds: int) -> Told:
    """Turns whose first delta took so long each, and the end twice that."""
    told = Told()
    for number, wait in enumerate(milliseconds, 1):
        told.types()
        told.begins(f"resp_{number}")
        told.now += wait / 1000
        told.gets("response.output_text.delta", response_id=f"resp_{number}", delta="x")
        told.now += wait / 1000
        told.ends(f"resp_{number}")
    return told


async def test_turns_are_listed_with_percentiles_and_the_round_trip() -> None:
    """Every turn with its response and its event; a ping is made for it."""
    async with live_session() as live:
        for text in ("hello", "hello again"):
            await live.run(text)
            await live.idle()
        table, trip = await live.run("/stats")

        assert isinstance(table, Table) and isinstance(trip, Notice)
        assert [row[:2] for row in table.rows] == [
            ("1", "typed"),
            ("2", "typed"),
            ("p50", "2 turns"),
            ("p95", "2 turns"),
            ("trend", ""),
        ]
        assert all(row[6].endswith(" ms") and row[8].endswith(" ms") for row in table.rows[:4])
        assert trip.what.startswith("round trip")
        assert "ping" in live.session.status.metrics
        why, *_ = await live.run(f"/why {table.rows[0][3]}")
        assert isinstance(why, Table) and why.rows[0][3] == "response.done"
        why, *_ = await live.run(f"/why {table.rows[0][2]}")
        assert isinstance(why, Table), "the response is a key too"


async def test_a_figure_over_its_bound_is_marked_with_and_without_color() -> None:
    """In the turn and in the percentiles; what is just at the bound is not over it."""
    (table,) = await look(typed_turns(100, 200, 500), "/stats", bounds={"typed_to_first_delta": 200.001})

    assert isinstance(table, Table)
    assert [row[6] for row in table.rows] == ["100 ms", "200 ms", "500 ms !", "200 ms", "500 ms !", "▂▄█"]
    colored, plain = (Presenter(DisplaySettings(), color).lines(table, 100) for color in (Color.SIXTEEN, Color.NONE))
    assert ["\x1b[1;33m500 ms !" in line for line in colored] == ["500 ms !" in line for line in plain]
    assert sum("!" in line for line in plain) == 2


async def test_failed_turns_stand_apart() -> None:
    """With the reason, and in no percentile; a refused request is a failed turn, too."""
    told = typed_turns(100)
    told.types()
    told.begins("resp_bad")
    told.now += 0.005
    told.ends("resp_bad", "failed", status_details={"error": {"code": "insufficient_quota"}})
    told.sends("response.create", event_id="odd")
    told.gets("error", error={"code": "unknown_parameter", "event_id": "odd"})
    fine, failed = await look(told, "/stats")

    assert isinstance(fine, Table) and isinstance(failed, Table)
    assert [row[0] for row in fine.rows] == ["1", "p50", "p95", "trend"]
    assert [(row[0], row[-1]) for row in failed.rows] == [
        ("2", "failed: insufficient_quota"),
        ("3", "unknown_parameter"),
    ]
    assert failed.rows[0][4] == "5 ms" and failed.rows[1][3].startswith("#")


async def test_figures_are_had_as_json() -> None:
    """All of them, by the names of the settings."""
    (view,) = await look(typed_turns(100, 300), "/stats --json", bounds={"done": 1.0})

    assert isinstance(view, Json)
    first, second = view.value["turns"]
    assert (first["turn"], first["responses"], first["failed"]) == (1, ["resp_1"], None)
    assert (first["typed_to_first_delta"], second["done"], first["voice_to_ear"]) == (100.0, 600.0, None)
    assert view.value["p95"]["done"] == 600.0 and view.value["bounds"] == {"done": 1.0}


async def test_only_the_newest_turns_are_listed() -> None:
    """The percentiles are those of all."""
    (table,) = await look(typed_turns(*range(10, 35)), "/stats")

    assert isinstance(table, Table)
    assert [table.rows[0][0], len(table.rows), table.rows[10][1]] == ["16", 13, "25 turns"]


async def chart_of(told: Told, line: str = "/turn") -> Chart:
    (chart,) = await look(told, line)
    assert isinstance(chart, Chart)
    return chart


async def test_a_turn_is_drawn_with_what_was_said_run_heard_and_cut() -> None:
    """A spoken turn with a tool and an interruption: one lane for each, on one axis."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    chart = await chart_of(told, "/turn 1")

    assert chart.title.startswith("turn 1, spoken, 3.10 s") and chart.title.endswith("interrupted")
    assert [lane.label for lane in chart.lanes] == [
        "you",
        "response",
        " get_weather",
        "response",
        " audio",
        " heard",
    ]
    you, _, tool, _, _, heard = chart.lanes
    assert round(you.waves[-1].end, 2) == 1.3 and [bar.look for bar in you.bars] == [BarLook.WAITING]
    assert tool.note == "700 ms, sunny"
    assert [(wave.bright, len(wave.levels)) for wave in heard.waves] == [(True, 60), (False, 140)]
    assert heard.marks == ((heard.waves[0].end, MarkSign.CUT),)
    assert [text for text, _ in chart.figures][:2] == ["end of turn 500 ms", "voice to ear 1500 ms"]
    assert chart.again is None


async def test_a_turn_that_runs_is_drawn_up_to_now_and_anew() -> None:
    """The bar of what lasts is open; when it is over the chart is the last one."""
    told = Told()
    told.types("weather?")
    told.begins("r1")
    told.calls("r1", "c1")
    told.ends("r1")
    told.now = 5.0
    replay = Looked(told)
    context = Context(None, DisplaySettings(), default_registry(), recorded=replay)
    (chart,) = await run_line("/turn", context)

    assert isinstance(chart, Chart) and chart.again is not None and "running" in chart.title
    assert chart.end >= 5.0 and chart.lanes[-1].bars[0].end is None
    assert not any(text.startswith("done") for text, _ in chart.figures)
    told.now = replay.at = 7.0
    before = len(told.records)
    told.answers("c1")
    told.begins("r2")
    told.ends("r2")
    *records, last = told.records[before:]
    for record in records:
        replay.state.observe(record)
    assert chart.again().again is not None
    replay.state.observe(last)
    assert chart.again().again is None
    assert chart.again().lanes[-2].note == "7.00 s, sunny"


async def test_what_is_being_said_is_drawn_while_it_is_said() -> None:
    """As far as it is measured; looking changes no figure."""
    told = Told()
    told.speaks(tone(0.5, level=0))
    told.gets("input_audio_buffer.speech_started", item_id="u")
    told.speaks(tone(3.0))
    chart = await chart_of(told)

    assert chart.again is not None and sum(len(wave.levels) for wave in chart.lanes[0].waves) > 200


async def test_without_a_number_the_turn_that_runs_is_drawn_else_the_last() -> None:
    """Also where the user has begun to speak, and nothing has come of it."""
    told = typed_turns(100, 200)
    told.gets("input_audio_buffer.speech_started", item_id="u")
    told.gets("input_audio_buffer.speech_stopped", item_id="u")

    assert (await chart_of(told)).title.startswith("turn 2")


async def test_a_turn_that_is_not_there_is_named_with_those_that_are() -> None:
    """And before the first one nothing can be drawn."""
    with pytest.raises(UsageError, match="there is no turn 9"):
        await look(typed_turns(100, 200), "/turn 9")
    with pytest.raises(UsageError, match="nothing was said or asked yet"):
        await look(Told(), "/turn")


async def test_a_turn_is_had_as_json() -> None:
    """Its figures and its spans, in the order in which they began."""
    (view,) = await look(spoken_turn_with_a_tool_and_an_interruption(), "/turn 1 --json")

    assert isinstance(view, Json)
    kinds = [span["kind"] for span in view.value["spans"]]
    assert kinds[:3] == ["voice", "end of turn", "commit"] and "interruption" in kinds and "tool call" in kinds
    assert view.value["voice_to_ear"] == 1500.0


async def test_events_without_times_have_no_figures() -> None:
    """Plain events of another program: what happened is shown, and no latency of 0 ms is made up."""
    told = typed_turns(0, 0)
    (table,) = await look(told, "/stats")
    chart = await chart_of(told)

    assert isinstance(table, Table) and not any("ms" in cell for row in table.rows for cell in row)
    assert "its events have no times" in chart.title and not chart.figures


async def test_failures_silences_and_typed_turns_have_their_lanes() -> None:
    """An error, a wait without a frame, a tool that was given up."""
    told = Told()
    told.types("hello")
    told.now = 4.0
    told.begins("r1")
    told.calls("r1", "c1")
    told.loses()
    chart = await chart_of(told)

    assert [lane.label for lane in chart.lanes] == ["you", "response", " get_weather", "silence", "error"]
    assert chart.lanes[0].note == "hello" and chart.lanes[3].note == "nothing came for 4.00 s"
    assert chart.lanes[4].note == "the connection was lost, close code 1006"


async def test_an_item_is_drawn_with_the_heard_part_bright() -> None:
    """Of the model: up to where it was heard; of the user: what was said."""
    async with live_session(speaker=ManualSpeaker(), config={"output_modalities": ["audio"]}) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        speaker.hear(300)
        (turn,) = live.session.state.timeline.turns
        await live.until(lambda: next(turn.parts).heard_ms)
        copy, chart = await live.run("/item 2")

        assert isinstance(copy, Json) and isinstance(chart, Chart)
        heard, rest = chart.lanes[0].waves
        assert heard.bright and not rest.bright
        assert len(heard.levels) == (next(turn.parts).heard_ms or 0) // 10


async def test_an_item_of_the_user_is_drawn_in_a_recording() -> None:
    """From what was sent, and with the voice measured."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio"}]}
    told.gets("conversation.item.added", item={**item, "id": "u1", "status": "completed"}, previous_item_id=None)
    copy, chart = await look(told, "/item u1")

    assert isinstance(copy, Json) and isinstance(chart, Chart)
    assert chart.title == "1.50 s of audio, voice 1.00 s"
