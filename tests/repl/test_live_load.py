"""However much a server sends at once, the prompt answers in between: the work of one turn of the loop is bounded."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from rtcli.protocol.frame_maker import FrameMaker
from rtcli.render import notices, speech
from rtcli.render.speech import STEP
from rtcli.render.styles import Color
from rtcli.repl import live
from rtcli.repl.live import STEP_ROWS, LiveWriter
from rtcli.repl.output import TerminalOutput
from rtcli.session.state import SessionState
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.transports.messages import TurnLimit
from rtcli.views import DisplaySettings, Level, Notice, SpeechDelta, SpeechDone, View
from tests.kit.fake_server import Conversation, fake_server
from tests.kit.waiting import until
from tests.render.frames import Wire

LONG = "".join(f"word{number} " for number in range(100_000))
WIDE = "世" * 350_000
ZERO_WIDTH = "a" + "\u0301" * 200_000
LINES = "x\n" * 100_000


class Watched:
    """A writer without a prompt, each turn of which is taken by hand, and the most that one of them measured."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.screen = io.StringIO()
        self.live = LiveWriter(DisplaySettings(), TerminalOutput(self.screen, color=Color.NONE), Color.NONE)
        self.rows = self.worst = 0  # of the turn that goes on; the most of any
        for module in (speech, notices):
            kind = "_row" if module is speech else "all_rows"
            self._count(monkeypatch, module, kind)

    def _count(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        owner = speech.SpeechText if module is speech else module
        original: Callable[..., Any] = getattr(owner, name)

        def one(*arguments: Any, **options: Any) -> Any:
            self.rows += 1
            return original(*arguments, **options)

        def many(*arguments: Any) -> Any:
            for row in original(*arguments):
                self.rows += 1
                yield row

        monkeypatch.setattr(owner, name, one if module is speech else many)

    def turn(self, step: Callable[[], Any]) -> Any:
        result = step()
        self.worst, self.rows = max(self.worst, self.rows), 0
        return result

    def show(self, *views: View) -> list[str]:
        """Everything, turn by turn; the rows of the screen."""
        for view in views:
            self.turn(partial(self.live.write, view))
        turns = 1
        while self.turn(self.live._step):
            turns += 1
        assert turns > 5
        return self.screen.getvalue().splitlines()


def words(rows: list[str]) -> str:
    return "".join("".join(row) for row in rows).replace(" ", "").lstrip("●✗·")


@pytest.mark.parametrize("text", [LONG, WIDE], ids=["words", "wide"])
@pytest.mark.parametrize("how", ["delta", "delta and done", "done alone", "error"])
def test_a_line_of_a_megabyte_takes_many_turns(text: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of it is lost, and no turn works out more than a part of it."""
    delta, done = SpeechDelta("assistant", "a", 0, text), SpeechDone("assistant", "a", 0, text)
    views: dict[str, tuple[View, ...]] = {
        "delta": (delta,),
        "delta and done": (delta, done),
        "done alone": (done,),
        "error": (Notice(text, level=Level.ERROR),),
    }
    watched = Watched(monkeypatch)
    rows = watched.show(*views[how])
    watched.live.close()

    assert words(watched.screen.getvalue().splitlines()) == text.replace(" ", "")
    assert watched.worst <= len(text) // 8 // 20 + STEP_ROWS
    assert len(rows) > 5 * watched.worst


@pytest.mark.parametrize("text", [LINES, ZERO_WIDTH], ids=["newlines", "no width"])
def test_odd_text_ends_too(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a character each, and a row that is never full."""
    watched = Watched(monkeypatch)
    watched.show(SpeechDelta("assistant", "a", 0, text))
    watched.live.close()

    assert watched.screen.getvalue().count("x" if text is LINES else "\u0301") == text.count(text[-2])
    assert watched.worst <= len(text) // 8 + STEP


@pytest.mark.parametrize("streams", [1, 12, 100])
@pytest.mark.parametrize("notices", [False, True])
def test_what_comes_faster_than_it_is_shown_does_not_pile_up(
    streams: int, notices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times as much in each turn as one shows at least."""
    monkeypatch.setattr(live, "MAX_WAITING", 500_000)
    watched = Watched(monkeypatch)
    piece, most = LONG[: 4 * STEP], 0
    for number in range(50):
        watched.turn(partial(watched.live.write, SpeechDelta("assistant", str(number % streams), 0, piece)))
        if notices:
            watched.live.write(Notice(piece))
        watched.turn(watched.live._tick)
        most = max(most, watched.live._texts.size + watched.live._rows.size)
    watched.live.close()

    assert len(re.findall(r"word7\b", watched.screen.getvalue())) == 50 * (1 + notices)
    assert most < 500_000 + 2 * len(piece)
    assert notices or watched.worst < 3_000


class SlowTerminal(io.StringIO):
    """Takes 2 kB a second, by a clock of its own."""

    now = longest = 0.0

    def write(self, text: str) -> int:
        self.now += len(text) / 2_000
        self.longest = max(self.longest, len(text) / 2_000)
        return super().write(text)


def test_a_slow_terminal_gets_few_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of events leaves it time for keys: no change takes seconds, and what was not shown is counted."""
    screen, wire = SlowTerminal(), Wire()
    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: screen.now))
    shown = LiveWriter(DisplaySettings(events="all"), TerminalOutput(screen, color=Color.NONE), Color.NONE)
    for turn in range(50):
        for _ in range(500):
            shown.write(wire.frame("some.event"))
        if turn == 10:
            screen.longest = 0.0  # what it can take is known from here on
        shown._step()
    shown.flush()
    rows = screen.getvalue().splitlines()
    omitted = sum(int(row.split()[1]) for row in rows if "omitted" in row)

    assert 0 < screen.longest < 1
    assert sum("some.event" in row for row in rows) + omitted == 50 * 500


def test_a_fast_terminal_gets_many_rows_at_once() -> None:
    """After a few changes, each twice as large as the one before; a slow one that recovers gets them again."""
    shown = LiveWriter(DisplaySettings(), TerminalOutput(io.StringIO(), color=Color.NONE), Color.NONE)
    shown._learn(STEP_ROWS, 60.0)
    assert shown._most < 64
    for _ in range(10):
        shown._learn(shown._most, 0.0)

    assert shown._most == STEP_ROWS


def test_what_comes_after_a_long_text_stands_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which it came, also what comes while the text is still being shown."""
    watched = Watched(monkeypatch)
    watched.live.write(SpeechDelta("assistant", "a", 0, LONG))
    watched.live._step()
    watched.live.write(SpeechDone("assistant", "a", 0, LONG))
    watched.live.write(Notice("after it"))
    watched.live._step()
    watched.live.write(SpeechDelta("assistant", "b", 0, "next\n"))
    watched.live.flush()
    rows = watched.screen.getvalue().splitlines()

    assert rows[-2:] == ["· after it", "● next"]
    assert words(rows[:-2]) == LONG.replace(" ", "")
    assert sum(row.startswith("●") for row in rows) == 2


def test_the_three_thousandth_error_costs_what_the_first_did() -> None:
    """Nothing is looked for among all that came before. Counted in calls, not in time."""
    state, maker = SessionState(), FrameMaker()
    live = LiveWriter(DisplaySettings(events="off"), TerminalOutput(io.StringIO(), color=Color.NONE), Color.NONE)

    def feed(count: int) -> int:
        calls = 0

        def count_call(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            for number in range(count):
                error = {"type": "invalid_request_error", "message": f"bad {number}"}
                event = {"type": "error", "event_id": f"event_{state.log.last_number}", "error": error}
                for view in state.observe(maker.received(event, json.dumps(event), 0.0)):
                    live.write(view)
        finally:
            sys.setprofile(None)
        return calls

    feed(100)
    early = feed(100)
    feed(2_700)
    assert feed(100) < 1.5 * early


async def test_three_thousand_errors_at_once_come_in_many_turns() -> None:
    """Between the pieces that the socket gives, everybody else has a turn."""
    error = json.dumps({"type": "error", "event_id": "e", "error": {"message": "bad", "type": "x"}})
    turns, came_in = 0, list[int]()

    async def flood(talk: Conversation) -> None:
        for _ in range(3_000):
            await talk.socket.send(error)
        await talk.receive_all()

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    async with fake_server(flood) as server:
        turn()
        t = OpenAIRealtimeWebSocket(url=server.url, api_key="sk")
        t.on("error", lambda payload: None)
        t.attach_wire(lambda frame: came_in.append(turns) if frame.event and frame.event["type"] == "error" else None)
        await t.connect()
        await until(lambda: len(came_in) == 3_000)
        t.close()
        await t.wait_closed()

    assert max(came_in.count(number) for number in set(came_in)) <= TurnLimit.MOST
