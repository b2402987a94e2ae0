"""The player of "expect this, then emit that": order, time, audio, and what becomes of a client that deviates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rtcli.protocol.differences import Discrepancy, Mismatch
from rtcli.protocol.events import Event
from rtcli.protocol.play import MAX_HELD_SECONDS, Emit, EndConnection, Expect, Expected, Player, PlayStep


@dataclass
class Typed:
    """Expects an event of a type, and of a name where one is given."""

    type: str
    name: str = ""
    taken: list[Event] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.type

    def differences(self, event: Event) -> Sequence[Discrepancy]:
        if event["type"] == self.type and self.name in ("", event.get("name")):
            return ()
        return (Discrepancy("", self.type, event["type"]),)

    def met(self, event: Event) -> None:
        self.taken.append(event)

    def may_follow(self, later: Expected) -> bool:
        return self.type.startswith("set") and later.type.startswith("set")


def said(number: int, **options: Any) -> Emit:
    return Emit({"type": "said", "number": number}, **options)


def numbers(out: Sequence[Any]) -> list[Any]:
    return [one.get("number", one["type"]) for one in out]


def test_what_is_emitted_waits_for_what_is_expected() -> None:
    player = Player([said(1), Expect(Typed("a")), said(2), Expect(Typed("b")), said(3)])
    assert numbers(player.due(0)[0]) == [1]
    assert player.receive({"type": "a"}, 0) is None
    assert numbers(player.due(0)[0]) == [2]
    assert player.receive({"type": "b"}, 0) is None
    assert numbers(player.due(0)[0]) == [3] and player.finished
    assert player.left() is None


def test_a_client_may_be_early() -> None:
    """What was sent before its cue counts, and nothing is emitted out of order."""
    player = Player([Expect(Typed("a"), at=0), said(1, at=1), Expect(Typed("b"), at=1), said(2, at=3)], pace=1)
    player.receive({"type": "a"}, 0)
    player.receive({"type": "b"}, 0.5)
    assert player.due(0.5) == ([], 1)
    assert (numbers(player.due(1)[0]), player.due(1)[1]) == ([1], 3)
    assert numbers(player.due(3)[0]) == [2]


def test_time_is_that_of_the_play_divided_by_the_pace() -> None:
    """A client that takes its time shifts what follows; at pace 0 nothing is waited for."""
    steps: list[PlayStep] = [said(1, at=10), Expect(Typed("a"), at=11), said(2, at=13), said(3, at=17)]
    for pace, first, second in ((1.0, 52.0, 56.0), (2.0, 51.0, 53.0)):
        player = Player(steps, pace=pace)
        assert numbers(player.due(0)[0]) == [1]
        player.receive({"type": "a"}, 50)
        assert player.due(first - 0.01) == ([], first)
        assert (numbers(player.due(first)[0]), player.due(first)[1]) == ([2], second)
        assert numbers(player.due(second)[0]) == [3]
    player = Player(steps, pace=0)
    player.receive({"type": "a"}, 50)
    assert numbers(player.due(50)[0]) == [1, 2, 3]


def test_audio_is_counted_and_not_compared() -> None:
    """What was said after 100 ms of the client's audio is said after 100 ms, in whatever pieces they come."""
    steps: list[PlayStep] = [said(1, at=2, input_ms=100, input_at=1.5), said(2, at=3, input_ms=100, input_at=1.5)]
    for pieces in ([100.0], [20.0] * 5, [99.0, 1.0], [400.0]):
        player = Player(steps)
        for piece in pieces[:-1]:
            player.hear(piece, 7)
            assert player.due(7) == ([], None)
        player.hear(pieces[-1], 7)
        assert numbers(player.due(7)[0]) == [1, 2]
    player = Player(steps, pace=1)
    player.hear(100, 7)
    assert player.due(7) == ([], 7.5), "as long after the audio as then"


def test_an_event_of_the_client_brings_its_audio_into_place() -> None:
    """A commit after a little less audio is the same commit."""
    player = Player([Expect(Typed("commit"), input_ms=100), said(1, input_ms=100), said(2, input_ms=200)])
    player.hear(95, 0)
    player.receive({"type": "commit"}, 0)
    assert numbers(player.due(0)[0]) == [1]
    player.hear(100, 0)
    assert numbers(player.due(0)[0]) == [2]


def test_another_event_of_the_same_type_is_taken_for_the_one_expected() -> None:
    wanted = Typed("a", "this")
    player = Player([Expect(wanted), said(1)])
    mismatch = player.receive({"type": "a", "name": "that"}, 0)
    assert mismatch is not None and mismatch.what == "event 1 of the client is not a"
    assert numbers(player.due(0)[0]) == [1] and wanted.taken == [{"type": "a", "name": "that"}]


def test_an_event_that_comes_too_early_passes_over_those_before_it() -> None:
    """They may come late; those that never come are named at the end."""
    steps: list[PlayStep] = [Expect(Typed("a")), said(1), Expect(Typed("b")), said(2), Expect(Typed("c")), said(3)]
    player = Player(steps)
    assert player.receive({"type": "c"}, 0) is not None
    assert numbers(player.due(0)[0]) == [1, 2, 3]
    assert player.receive({"type": "b"}, 0) is None
    left = player.left()
    assert left is not None and str(left) == "the client never sent\n  a"


def test_what_may_come_in_any_order_does() -> None:
    steps: list[PlayStep] = [Expect(Typed("set a")), said(1), Expect(Typed("set b")), said(2), Expect(Typed("c"))]
    player = Player(steps)
    assert player.receive({"type": "set b"}, 0) is None
    assert player.due(0) == ([], None)
    assert player.receive({"type": "set a"}, 0) is None
    assert numbers(player.due(0)[0]) == [1, 2]
    other = Player([Expect(Typed("c")), Expect(Typed("set a"))])
    assert other.receive({"type": "set a"}, 0) is not None


def test_what_fits_nowhere_is_answered_as_a_stray() -> None:
    def stray(event: Event, mismatch: Mismatch) -> list[Event]:
        return [{"type": f"no {event['type']}: {mismatch.what}"}]

    player = Player([Expect(Typed("a")), said(1)], stray=stray)
    mismatch = player.receive({"type": "x"}, 0)
    assert mismatch is not None and mismatch.differences == (Discrepancy("", "a", "x"),)
    assert numbers(player.due(0)[0]) == ["no x: event 1 of the client is not a"]
    assert player.receive({"type": "a"}, 0) is None
    assert numbers(player.due(0)[0]) == [1]
    assert player.receive({"type": "a"}, 0) is not None, "once is what was expected"


def test_what_a_client_may_leave_out_is_answered_in_its_place() -> None:
    """Held back for the one that asks; after the first that does not come, nothing is held back any more."""
    steps: list[PlayStep] = [
        said(1),
        said(2, answers=Typed("look", "2")),
        said(3),
        Expect(Typed("a")),
        said(4, answers=Typed("look")),
    ]
    asks, silent = Player(steps), Player(steps)
    for player in (asks, silent):
        assert (numbers(player.due(0)[0]), player.due(0)[1]) == ([1], MAX_HELD_SECONDS)
    assert asks.receive({"type": "look", "name": "2"}, 0.1) is None
    assert numbers(asks.due(0.1)[0]) == [2, 3]
    assert numbers(silent.due(MAX_HELD_SECONDS)[0]) == [3]
    silent.receive({"type": "a"}, 2)
    assert silent.due(2) == ([], None) and silent.finished
    assert silent.receive({"type": "look", "name": "2"}, 3) is None
    assert numbers(silent.due(3)[0]) == [2], "late is not too late"
    assert silent.left() is None


def test_the_end_of_the_connection_is_a_step() -> None:
    end = EndConnection(1001, "session_expired", at=5)
    player = Player([said(1, at=1), end], pace=1)
    assert (numbers(player.due(0)[0]), player.due(0)[1]) == ([1], 4)
    assert player.due(4) == ([end], None)


def test_a_client_that_sends_less_audio_and_leaves_is_told() -> None:
    player = Player([said(1, input_ms=3000)])
    player.hear(1000, 0)
    left = player.left()
    assert left is not None
    assert str(left) == 'the client sent less audio\n    - "3,000 ms of audio"\n    + "1,000 ms of audio"'


def test_emits_may_be_made_of_what_was_expected() -> None:
    player = Player([Expect(Typed("a")), Emit(lambda event: [{"type": "echo", "number": event["n"]}] * 2)])
    player.receive({"type": "a", "n": 5}, 0)
    assert numbers(player.due(0)[0]) == [5, 5]
