"""Commands that say where the time went."""

from __future__ import annotations

from rtcli.commands import Context, default_registry, run_line
from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.session.replay import Replay
from rtcli.session.state import SessionState
from rtcli.views import DisplaySettings, Json, Notice, Table, View
from tests.kit.sessions import live_session
from tests.kit.told import Told


class Looked(Replay):
    """A replay of records that a test has made."""

    def __init__(self, told: Told) -> None:
        self.state = SessionState()
        self.at = told.now
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
