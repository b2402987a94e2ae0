"""Client core and server core joined in memory: what one says, the other understands, whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rtcli.protocol.effects import Send
from rtcli.protocol.events import value_at
from rtcli.protocol.payloads import FunctionCall
from tests.kit.pair import Pair


def ready(**options: Any) -> Pair:
    """Connected, and the session is confirmed."""
    pair = Pair(**options)
    pair.settle()
    return pair


def test_the_session_is_confirmed_as_it_was_asked_for() -> None:
    """session.created, then the answer to our first session.update."""
    pair = Pair()
    before = pair.client.ready
    pair.settle()

    assert (before, pair.client.ready) == (False, True)
    assert value_at(pair.client.session.confirmed, "audio.input.turn_detection") is None
    assert pair.sent == ["session.update"]
    assert pair.refused == []


def test_a_turn_from_the_question_to_the_end_of_the_answer() -> None:
    """Emitted in the reference's order; nothing is left under way."""
    pair = ready()
    pair.ask()
    pair.settle()
    pair.speak(200)
    pair.finish()
    pair.settle()

    names = pair.names()
    order = ["turn_started", "audio_transcript_delta", "audio", "audio_done", "usage_update", "turn_done"]
    assert [name for name in names if name in order] == order
    assert not pair.client.responses.busy
    assert pair.refused == []


def test_after_an_interruption_the_server_keeps_exactly_what_was_heard() -> None:
    """A player says how much; the truncation cuts there, although more had arrived."""
    pair = ready()
    pair.ask()
    pair.settle()
    for _ in range(10):
        pair.speak(100)
    pair.settle()
    (item_id,) = {effect[1].item_id for effect in pair.emitted if effect[0] == "audio"}
    pair.heard = lambda item, index: 300
    pair.interrupt()
    pair.settle()

    assert pair.kept_ms(item_id) == 300
    assert [cut.audio_end_ms for cut in pair.client.last_interruption] == [300]
    assert pair.running is None, "the response is canceled"
    assert pair.refused == []


def test_without_a_player_the_time_since_the_first_audio_counts() -> None:
    """In milliseconds of the moments that the client was told."""
    pair = ready()
    pair.ask()
    pair.settle()
    pair.speak(1_000)
    pair.settle()
    pair.now += 0.25
    pair.interrupt()
    pair.settle()

    assert [pair.kept_ms(cut.item_id) for cut in pair.client.last_interruption] == [250]


def test_audio_that_was_on_its_way_at_the_interruption_is_marked() -> None:
    """It must not be played, and the server does not keep it."""
    pair = ready()
    pair.ask()
    pair.settle()
    pair.speak(100)
    pair.settle()
    pair.speak(100)
    pair.heard = lambda item, index: 60
    pair.interrupt()
    pair.settle()

    assert [effect[1].interrupted for effect in pair.emitted if effect[0] == "audio"] == [False, True]
    assert [pair.kept_ms(cut.item_id) for cut in pair.client.last_interruption] == [60]


def test_a_tool_is_called_and_answered() -> None:
    """The output goes behind its call, and the next response begins when the first is done."""
    pair = ready()
    pair.ask("How is the weather?")
    pair.settle()
    pair.call("weather", '{"place":"Bonn"}')
    pair.settle()
    (call,) = [effect[1] for effect in pair.emitted if effect[0] == "function_call"]
    assert isinstance(call, FunctionCall)
    pair.carry_out(pair.client.answer_call(call, "sunny", respond=True))
    pair.settle()
    waiting = pair.sent.count("response.create")
    pair.finish()
    pair.settle()

    kinds = [item.wire["type"] for item in pair.server.conversation]
    assert kinds == ["message", "function_call", "function_call_output"]
    assert (waiting, pair.sent.count("response.create")) == (1, 2)
    assert pair.running is not None
    assert pair.refused == []


def test_a_refused_create_does_not_stop_the_next_one() -> None:
    """The server's error names it by its event_id."""
    pair = ready()
    pair.carry_out(pair.client.request_response({"output_modalities": ["smell"]}))
    pair.carry_out(pair.client.request_response({"instructions": "Say hello."}))
    pair.settle()

    assert len(pair.refused) == 1
    assert pair.running is not None
    assert pair.client.last_error is not None
    assert "error" in pair.names()


def test_a_new_connection_begins_with_nothing_but_the_settings() -> None:
    """What was under way is gone with the old one."""
    pair = ready()
    pair.carry_out(pair.client.update_session({"instructions": "Be brief."}))
    pair.ask()
    pair.settle()
    pair.speak(100)
    pair.settle()
    pair.reconnect()
    state = (pair.client.ready, pair.client.responses.busy, pair.client.playback.item_id)
    pair.settle()
    pair.ask()
    pair.settle()

    assert state == (False, False, None)
    assert pair.running is not None
    assert value_at(pair.client.session.confirmed, "instructions") == "Be brief."
    assert pair.refused == []


def test_a_listener_that_loses_the_connection_ends_the_event_there() -> None:
    """Nothing that follows from an event of the old connection is emitted or sent."""
    pair = ready()
    pair.ask()
    pair.settle()
    pair.speak(100)
    pair.listener = lambda name, payload: pair.client.connection_lost() if name == "*" else None
    before = len(pair.emitted)
    while pair.to_client and pair.to_client[0]["type"] != "response.output_audio.delta":
        pair.to_client.popleft()
    pair.deliver_to_client()

    assert [effect[0] for effect in pair.emitted[before:]] == ["*"]
    assert pair.client.playback.current is None


def test_an_effect_that_cannot_be_carried_out_is_taken_back() -> None:
    """The place of a create that could not be sent is free again."""
    pair = ready()
    effects = pair.client.request_response()
    effect = next(effects)
    assert isinstance(effect, Send)
    busy = pair.client.responses.busy
    try:
        effects.throw(OSError("no room"))
    except OSError as error:
        assert str(error) == "no room"
    else:
        raise AssertionError("the error goes on to the caller")

    assert (busy, pair.client.responses.busy) == (True, False)
    pair.ask()
    pair.settle()
    assert pair.running is not None


ACTIONS = ("ask", "respond", "say", "finish", "up", "down", "interrupt", "wait", "reconnect")


class Schedule:
    """Plays a list of actions, and knows what the server has to keep of each item that was interrupted."""

    def __init__(self) -> None:
        self.pair = ready()
        self.cut_ms: dict[str, int] = {}
        self.played: dict[tuple[str, int], int] = {}
        self.pair.heard = lambda item_id, index: self.played.get((item_id, index), 0)

    def play(self, action: str, number: int) -> None:
        pair = self.pair
        if action == "wait":  # the player plays what arrived
            pair.now += number / 100
            current = pair.client.playback.current
            if current is not None:
                key = current[0], current[1]
                self.played[key] = min(current[2], self.played.get(key, 0) + 10 * number)
        elif action == "reconnect":
            self.cut_ms.clear()
            pair.reconnect()
            pair.settle()
        elif action == "interrupt":
            pair.interrupt()
            for cut in pair.client.last_interruption:
                if cut.audio_end_ms is not None and pair.server.conversation.get(cut.item_id):
                    heard = self.played.get((cut.item_id, cut.content_index), 0)
                    self.cut_ms.setdefault(cut.item_id, heard)
        else:
            moves: dict[str, Callable[[], None]] = {
                "ask": pair.ask,
                "respond": lambda: pair.carry_out(pair.client.request_response({"metadata": {"n": str(number)}})),
                "say": lambda: pair.speak(10 * (number + 1)),
                "finish": pair.finish,
                "up": lambda: pair.deliver_to_server(number),
                "down": lambda: pair.deliver_to_client(number),
            }
            moves[action]()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 30)), max_size=60))
def test_whatever_the_order_of_arrival(schedule: list[tuple[str, int]]) -> None:
    """Only a late cancel is ever refused, the server keeps what was heard, and all comes to rest."""
    run = Schedule()
    for action, number in schedule:
        run.play(action, number)
    pair = run.pair
    pair.settle()
    for _ in range(len(schedule) + 1):  # every request that waits gets its turn
        pair.finish()
        pair.settle()

    assert {error["code"] for error in pair.refused} <= {"response_cancel_not_active"}
    assert not pair.client.responses.busy
    assert pair.running is None
    for item_id, milliseconds in run.cut_ms.items():
        assert pair.kept_ms(item_id) == milliseconds
