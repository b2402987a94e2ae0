"""Push to talk: what a key means does not depend on how long the server takes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from itertools import product
from typing import Any

import pytest

from rtcli.errors import AudioUnavailableError, ServerError, UsageError
from rtcli.session.push_to_talk import PushToTalk, PushToTalkState
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.sessions import Live, ManualMicrophone, live_session, session_on

DETECTION = {"type": "server_vad", "threshold": 0.6, "silence_duration_ms": 700}
TURN = bytes(48 * 300)


class SlowServer:
    """Confirms an update of turn detection when it is told to, or refuses it."""

    def __init__(self) -> None:
        self.confirm = asyncio.Event()
        self.refuse = False
        self._once = False

    def refuse_once(self) -> None:
        """Refuse the update that waits, and no other."""
        self.refuse, self._once = True, True

    async def script(self, talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        number = 0
        while True:
            event = await talk.receive()
            number += 1
            if event["type"] != "session.update":
                await talk.send(*reply_to(event, number))
                continue
            await self.confirm.wait()
            error = {"code": "server_error", "message": "no", "event_id": event["event_id"]}
            await talk.send(*([{"type": "error", "error": error}] if self.refuse else reply_to(event)))
            self.refuse = self.refuse and not self._once


@contextlib.asynccontextmanager
async def slow_session() -> AsyncIterator[tuple[Live, SlowServer, ManualMicrophone]]:
    """A session that listens with server_vad, on a server that takes its time."""
    slow, microphone = SlowServer(), ManualMicrophone()
    config = {"audio": {"input": {"turn_detection": DETECTION}}}
    async with fake_server(slow.script) as server, session_on(server.url, microphone=microphone, config=config) as live:
        yield live, slow, microphone


def detection(live: Live) -> Any:
    return live.session.settings.confirmed["audio"]["input"]["turn_detection"]


async def pressed(live: Live) -> asyncio.Task[bool]:
    """The key was pressed, and the server has not confirmed yet."""
    push_to_talk: PushToTalk = live.session.push_to_talk
    task = asyncio.ensure_future(push_to_talk.toggle())
    await live.until(lambda: push_to_talk.talking)
    return task


async def test_a_second_press_within_the_round_trip_ends_the_turn() -> None:
    """What was said between the two is a turn, whatever the server has confirmed by then."""
    async with slow_session() as (live, slow, microphone):
        first = await pressed(live)
        microphone.speak(TURN)
        assert not await live.session.push_to_talk.toggle()
        assert live.session.audio.muted
        slow.confirm.set()
        assert not await first, "it records no more"

        kinds = [kind for kind in live.sent()[1:] if kind != "input_audio_buffer.append"]
        assert kinds == ["input_audio_buffer.clear", "session.update", "input_audio_buffer.commit", "response.create"]
        sent = live.sent()
        assert sent.index("session.update", 1) < sent.index("input_audio_buffer.append"), "detection is off by then"
        assert live.session.push_to_talk.state is PushToTalkState.READY


async def test_the_mode_gives_back_what_was_there_before() -> None:
    """Turn detection with all its fields, and a microphone that was live; however often the key was pressed."""
    async with slow_session() as (live, slow, microphone):
        live.session.audio.unmute()
        for _ in range(2):
            task = await pressed(live)
            microphone.speak(TURN)
            await live.session.push_to_talk.toggle()
            slow.confirm.set()
            await task
        assert (live.session.status.muted, detection(live)) == (True, None)
        await live.session.push_to_talk.switch(False)

        assert detection(live) == DETECTION
        assert not live.session.status.muted
        assert not live.session.status.push_to_talk
        assert live.sent().count("session.update") == 3, "the connection's own, off, and on again"


@pytest.mark.parametrize("muted", [True, False])
async def test_a_server_that_refuses_leaves_everything_as_it_was(muted: bool) -> None:
    """The mode is off, the detection stays, the microphone is as before."""
    async with slow_session() as (live, slow, _):
        if not muted:
            live.session.audio.unmute()
        slow.refuse = True
        task = await pressed(live)
        slow.confirm.set()
        with pytest.raises(ServerError):
            await task

        assert not live.session.status.push_to_talk
        assert live.session.audio.muted == muted
        assert detection(live) == DETECTION


async def test_leaving_in_the_middle_of_a_turn_throws_it_away() -> None:
    """It was never ended, so it is not a turn."""
    async with slow_session() as (live, slow, microphone):
        slow.confirm.set()
        await live.session.push_to_talk.toggle()
        microphone.speak(TURN)
        await live.session.push_to_talk.switch(False)

        assert live.sent()[-2:] == ["input_audio_buffer.clear", "session.update"]
        assert live.session.audio.muted and detection(live) == DETECTION


async def test_leaving_waits_for_the_mode_to_begin() -> None:
    """/ptt off right after the key: the last word counts."""
    async with slow_session() as (live, slow, _):
        first = await pressed(live)
        off = asyncio.ensure_future(live.session.push_to_talk.switch(False))
        await live.until(lambda: not live.session.push_to_talk.talking)
        slow.confirm.set()
        await asyncio.gather(first, off)

        assert detection(live) == DETECTION and not live.session.push_to_talk.on


async def test_a_press_while_the_mode_ends_begins_it_anew() -> None:
    """The turn that begins has detection off, and the mode gives back what was there at first."""
    async with slow_session() as (live, slow, _):
        slow.confirm.set()
        await live.session.push_to_talk.switch(True)
        slow.confirm.clear()
        off = asyncio.ensure_future(live.session.push_to_talk.switch(False))
        await live.until(lambda: live.sent().count("session.update") == 3)
        talk = asyncio.ensure_future(live.session.push_to_talk.toggle())
        slow.confirm.set()
        await off
        assert await talk and detection(live) is None

        await live.session.push_to_talk.switch(False)
        assert detection(live) == DETECTION


async def test_without_voice_detection_there_is_none_to_give_back() -> None:
    """null before, null after."""
    async with live_session(config={"audio": {"input": {"turn_detection": None}}}) as live:
        await live.session.push_to_talk.switch(True)
        await live.session.push_to_talk.switch(False)

        assert live.session.settings.confirmed["audio"]["input"]["turn_detection"] is None


async def test_a_lost_connection_ends_the_turn_and_not_the_mode() -> None:
    """The next connection is asked for the same settings; the key begins a turn there."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        before = detection(live)
        await live.session.push_to_talk.toggle()
        await live.session.lifecycle.disconnect()
        assert live.session.audio.muted and not live.session.push_to_talk.talking
        with pytest.raises(UsageError, match="not connected"):
            await live.session.push_to_talk.toggle()

        await live.session.lifecycle.reconnect()
        assert detection(live) is None
        assert await live.session.push_to_talk.toggle()
        await live.session.push_to_talk.switch(False)
        assert detection(live) == before


async def test_push_to_talk_without_a_microphone_changes_nothing() -> None:
    """The mode would switch voice detection off, and leave a session that hears nobody."""
    async with live_session(microphone=ManualMicrophone(available=False)) as live:
        with pytest.raises(AudioUnavailableError):
            await live.session.push_to_talk.toggle()

        assert not live.session.status.push_to_talk
        assert live.sent().count("session.update") == 1


async def test_push_to_talk_makes_a_turn_of_what_was_said_between_two_presses() -> None:
    """Detection is off meanwhile and comes back; the turn is committed and answered."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        assert await live.session.push_to_talk.toggle()
        microphone.speak(bytes(48 * 300))
        assert not await live.session.push_to_talk.toggle()
        await live.idle()

        assert live.events("input_audio_buffer.committed") and live.events("response.done")
        audio = (live.session.transport.session or {})["audio"]
        assert audio["input"]["turn_detection"] is None and live.session.status.push_to_talk
        await live.session.push_to_talk.switch(False)
        audio = (live.session.transport.session or {})["audio"]
        assert audio["input"]["turn_detection"]["type"] == "semantic_vad"


async def test_a_turn_that_is_too_short_is_refused_here() -> None:
    """The API takes no turn under 100 ms; it is thrown away, with a reason."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        await live.session.push_to_talk.toggle()
        microphone.speak(bytes(48 * 40))
        with pytest.raises(UsageError, match="too short"):
            await live.session.push_to_talk.toggle()
        with pytest.raises(UsageError, match="0 ms of audio"):
            live.session.talk.commit()

        assert "input_audio_buffer.commit" not in live.sent()


# -- any order of keys, commands and answers --------------------------------------------------------------------------

ACTIONS = ("F4", "on", "off", "answer", "refuse")


class StepByStep:
    """Answers each update when it is told to. `detection` is its own; `heard` the audio that came while it was on."""

    def __init__(self) -> None:
        self.detection: Any = None
        self.asked = self.answered = 0  # updates
        self.heard = 0
        self._verdicts: asyncio.Queue[bool] = asyncio.Queue()

    async def script(self, talk: Conversation) -> None:
        await talk.send(CREATED)
        number = 0
        while True:
            event = await talk.receive()
            number += 1
            self.heard += event["type"] == "input_audio_buffer.append" and self.detection is not None
            if event["type"] != "session.update":
                await talk.send(*reply_to(event, number))
                continue
            self.asked += 1
            if self.asked == 1 or await self._verdicts.get():  # the first is the connection's own
                self.detection = event["session"]["audio"]["input"]["turn_detection"]
                await talk.send(*reply_to(event))
            else:
                error = {"code": "server_error", "message": "no", "event_id": event["event_id"]}
                await talk.send({"type": "error", "error": error})
            self.answered += 1

    def decide(self, *verdicts: bool) -> None:
        for verdict in verdicts:
            self._verdicts.put_nowait(verdict)


async def play(actions: Iterable[str], *, muted: bool) -> None:
    """Carry these out without waiting for what they ask for, and judge what is left of them."""
    server, microphone = StepByStep(), ManualMicrophone()
    config = {"audio": {"input": {"turn_detection": DETECTION}}}
    async with fake_server(server.script) as fake, session_on(fake.url, microphone=microphone, config=config) as live:
        push_to_talk, audio = live.session.push_to_talk, live.session.audio
        if not muted:
            audio.unmute()
        before = (audio.muted, audio.input.recording)
        decided, wanted, tasks = 0, False, []

        def updates() -> int:
            return live.sent().count("session.update")

        def told() -> bool:
            return len(live.records("session.updated")) + len(live.records("error")) == decided + 1

        for action in actions:
            if action in ("answer", "refuse"):
                if decided < updates() - 1:  # one is to be answered
                    server.decide(action == "answer")
                    decided += 1
                    await live.until(told)
                continue
            wanted = action != "off"
            work = push_to_talk.toggle() if action == "F4" else push_to_talk.switch(wanted)
            tasks.append(asyncio.ensure_future(work))
            await asyncio.sleep(0)
            microphone.speak(TURN)
        server.decide(*[True] * len(tasks))
        await asyncio.gather(*tasks, return_exceptions=True)
        await live.until(lambda: server.answered == updates())
        microphone.speak(TURN)

        def judge() -> None:
            if push_to_talk.on:
                assert server.detection is None and audio.muted is not push_to_talk.talking
            else:
                assert server.detection == DETECTION and (audio.muted, audio.input.recording) == before

        judge()
        if "refuse" not in actions:
            assert push_to_talk.on is wanted
            assert not (muted and server.heard), "nothing that is said for a turn by hand reaches voice detection"
        server.decide(*[True] * 3)
        await push_to_talk.switch(False)
        assert not push_to_talk.on
        judge()


@pytest.mark.parametrize("muted", [True, False])
@pytest.mark.parametrize("first", ACTIONS[:3])
async def test_any_order_of_three_ends_as_its_last_word_says(first: str, muted: bool) -> None:
    """Keys, commands and answers at every moment: what is off gave everything back, what is on has detection off."""
    for rest in product(ACTIONS, repeat=2):
        await play((first, *rest), muted=muted)


@pytest.mark.slow
@pytest.mark.parametrize("muted", [True, False])
@pytest.mark.parametrize("first", ACTIONS[:3])
async def test_any_order_of_four_ends_as_its_last_word_says(first: str, muted: bool) -> None:
    """The same, longer."""
    for rest in product(ACTIONS, repeat=3):
        await play((first, *rest), muted=muted)


@pytest.mark.parametrize(
    "actions",
    [
        ("off", "F4"),
        ("F4", "off", "F4", "answer"),  # a key while the mode is left: its turn has detection off
        ("on", "off", "on"),
        ("on", "answer", "off", "off", "F4"),
        ("on", "answer", "off", "F4", "refuse"),  # what the server did not take back is not what was there before
        ("F4", "off", "refuse", "answer"),
        ("F4", "F4", "F4", "refuse"),
    ],
)
async def test_orders_that_went_wrong_once(actions: tuple[str, ...]) -> None:
    """Each ended with a session that heard nobody, or with detection in the middle of a turn."""
    for muted in (True, False):
        await play(actions, muted=muted)


async def test_a_setting_that_was_on_its_way_is_what_comes_back() -> None:
    """/vad right before the key: the server had not confirmed it when the mode began."""
    other = {"type": "server_vad", "threshold": 0.3, "silence_duration_ms": 200}
    async with slow_session() as (live, slow, _):
        setting = asyncio.ensure_future(live.session.settings.set("audio.input.turn_detection", other))
        talk = await pressed(live)
        slow.confirm.set()
        await asyncio.gather(setting, talk)
        await live.session.push_to_talk.switch(False)

        assert detection(live) == other


async def test_a_setting_that_was_refused_does_not_come_back() -> None:
    """The server goes on with the one before."""
    async with slow_session() as (live, slow, _):
        slow.refuse_once()
        setting = asyncio.ensure_future(live.session.settings.set("audio.input.turn_detection", None))
        await live.until(lambda: live.sent().count("session.update") == 2)
        talk = await pressed(live)
        slow.confirm.set()
        with pytest.raises(ServerError):
            await setting
        await talk
        await live.session.push_to_talk.switch(False)

        assert detection(live) == DETECTION


async def test_a_setting_of_the_user_in_the_mode_is_what_comes_back() -> None:
    """The next turn has it off again, and it is given back in place of the old one."""
    other = {"type": "semantic_vad", "eagerness": "high"}
    async with slow_session() as (live, slow, _):
        slow.confirm.set()
        await live.session.push_to_talk.switch(True)
        await live.session.settings.set("audio.input.turn_detection", other)
        await live.session.push_to_talk.toggle()
        assert detection(live) is None
        await live.session.push_to_talk.switch(False)
        assert detection(live) == other

        await live.session.push_to_talk.switch(True)
        await live.session.settings.set("audio.input.turn_detection", DETECTION)
        await live.session.push_to_talk.switch(False)
        assert detection(live) == DETECTION


@pytest.mark.parametrize("recording", [True, False])
async def test_a_microphone_that_was_closed_is_closed_again(recording: bool) -> None:
    """One that was open and muted stays open, and muted."""
    async with slow_session() as (live, slow, microphone):
        slow.confirm.set()
        if recording:
            live.session.audio.unmute()
            live.session.audio.mute()
        await live.session.push_to_talk.toggle()
        await live.session.push_to_talk.switch(False)

        assert live.session.audio.muted
        assert (live.session.audio.input.recording, microphone.closed) == (recording, not recording)


async def test_a_microphone_that_is_lost_meanwhile_is_told_of() -> None:
    """The mode ends all the same."""
    async with slow_session() as (live, slow, microphone):
        slow.confirm.set()
        live.session.audio.unmute()
        await live.session.push_to_talk.toggle()
        assert microphone.on_lost is not None
        microphone.on_lost(AudioUnavailableError("the microphone is gone"))
        microphone.available = False
        await live.session.push_to_talk.switch(False)

        assert live.session.audio.muted and not live.session.push_to_talk.on and detection(live) == DETECTION
        assert any("microphone muted" in notice for notice in live.notices)


@pytest.mark.parametrize("leaving", [True, False])
async def test_a_request_that_was_abandoned_is_made_again(leaving: bool) -> None:
    """Ctrl+C in the middle of either request: the next word counts."""
    async with slow_session() as (live, slow, _):
        task = await pressed(live)
        if leaving:
            slow.confirm.set()
            await task
            slow.confirm.clear()
            task = asyncio.ensure_future(live.session.push_to_talk.switch(False))
            await live.until(lambda: live.sent().count("session.update") == 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        slow.confirm.set()
        await live.session.push_to_talk.switch(True)
        if not live.session.push_to_talk.talking:
            await live.session.push_to_talk.toggle()
        assert detection(live) is None
        await live.session.push_to_talk.switch(False)

        assert detection(live) == DETECTION


async def test_a_connection_that_breaks_while_the_mode_is_left_leaves_it_on() -> None:
    """The next connection may have the detection back already: a key switches it off, leaving gives it back."""
    async with slow_session() as (live, slow, _):
        slow.confirm.set()
        await live.session.push_to_talk.switch(True)
        slow.confirm.clear()
        off = asyncio.ensure_future(live.session.push_to_talk.switch(False))
        await live.until(lambda: live.sent().count("session.update") == 3)
        await live.session.lifecycle.disconnect()
        await asyncio.gather(off, return_exceptions=True)
        slow.confirm.set()
        await live.session.lifecycle.reconnect()
        assert await live.session.push_to_talk.toggle()
        assert detection(live) is None
        await live.session.push_to_talk.switch(False)

        assert detection(live) == DETECTION
