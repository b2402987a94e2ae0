"""A session tells of answers that nobody can hear, and of an assistant that hears itself."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rtcli.views import Level, Notice
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, Step, fake_server, reply_to, steps
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker, live_session, session_on
from tests.session.test_echo_watch import SPEECH

SOUND = {"output_modalities": ["audio"]}


def warnings(live: Live) -> list[str]:
    return [f"{n.what} | {n.hint}" for n in live.shown(Notice) if n.level is Level.WARNING]


def spoken(pcm: bytes) -> list[dict[str, Any]]:
    """The beginning of a spoken answer, with this sound."""
    where = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    return [
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
        {"type": "response.output_audio.delta", **where, "delta": base64.b64encode(pcm).decode()},
    ]


async def test_an_answer_of_silence_is_told() -> None:
    """On the wire everything looks well; in the room nothing is heard."""

    done = {"type": "response.output_audio.done", "response_id": "resp_1", "item_id": "item_1"}
    mumbles = Step("response.create", [*spoken(bytes(48_000)), done])
    async with (
        fake_server(steps(mumbles)) as server,
        session_on(server.url, speaker=ManualSpeaker(), config=SOUND) as live,
    ):
        live.session.talk.respond()
        await live.until(lambda: live.records("response.output_audio.done"))

        (warning,) = warnings(live)
        assert warning.startswith("the audio of item_1 is silence") and "/session get audio.output" in warning


async def test_an_answer_that_stalls_is_told_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local server stops in the middle of its sound."""
    monkeypatch.setattr("rtcli.session.audio_stall._STALL_SECONDS", 0.05)
    faults = ["event=response.output_audio.delta@3:stall=300ms"]
    async with live_session(speaker=ManualSpeaker(), config=SOUND, server={"faults": faults}) as live:
        live.session.talk.say("count to 5")
        await live.until(lambda: [w for w in warnings(live) if w.startswith("the answer stalls")])
        await live.until(lambda: [n for n in live.notices if n.startswith("the audio continued after 0.")])
        await live.until(lambda: live.records("response.done"))

        assert len(warnings(live)) == 1


async def test_an_ordinary_spoken_answer_gives_no_alarm() -> None:
    """Nor does an interrupted one."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("count to 5")
        await live.until(lambda: live.records("response.done"))
        live.session.talk.say("count to 30")
        await live.until(lambda: len(live.records("response.output_audio.delta")) > 10)
        live.session.talk.interrupt()
        await live.until(lambda: len(live.records("response.done")) == 2)

        assert warnings(live) == []


def hears_itself(microphone: ManualMicrophone, speaker: ManualSpeaker, levels: list[float]) -> None:
    """The speaker plays, and the microphone takes in these levels."""
    for heard, played in zip(levels, SPEECH, strict=True):
        speaker.level_db = played
        microphone.speak(bytes(960), heard)


@pytest.mark.parametrize(
    ("mode", "levels", "advice"),
    [
        ("off", [level - 12 for level in SPEECH], "/echo gate"),
        ("auto", [level - 12 for level in SPEECH], "/echo half"),
        ("off", SPEECH[::-1], ""),
    ],
    ids=["echo", "echo in spite of the gate", "a person"],
)
async def test_an_assistant_that_interrupts_itself_is_told_once(mode: str, levels: list[float], advice: str) -> None:
    """Speech is detected while it speaks, and the microphone follows the loudspeaker."""
    microphone, speaker = ManualMicrophone(), ManualSpeaker()
    started = {"type": "input_audio_buffer.speech_started", "item_id": "item_2", "audio_start_ms": 0}

    async def talks(talk: Conversation) -> None:
        await talk.send(CREATED)
        while (event := await talk.receive())["type"] != "input_audio_buffer.clear":
            await talk.send(
                *(spoken(bytes(range(256)) * 200) if event["type"] == "response.create" else reply_to(event))
            )
        await talk.send(started, started)
        await talk.receive_all()

    async with (
        fake_server(talks) as server,
        session_on(server.url, speaker=speaker, microphone=microphone, config=SOUND) as live,
    ):
        live.session.audio.set_echo(mode)
        live.session.audio.unmute()
        live.session.talk.respond()
        await live.until(lambda: speaker.audible)
        hears_itself(microphone, speaker, levels)
        live.session.talk.discard()
        await live.until(lambda: len(live.records("input_audio_buffer.speech_started")) == 2)

        told = [w for w in warnings(live) if w.startswith("the assistant may have interrupted itself")]
        assert [warning.endswith(f"use headphones, or {advice}") for warning in told] == ([True] if advice else [])
