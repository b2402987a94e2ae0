"""/audio level: the microphone's last ten seconds as a chart."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from rtcli.commands.level_chart import level_chart
from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectError
from rtcli.http.client import stream
from rtcli.server import RealtimeServer
from rtcli.server.engines import Boundary, DetectorSettings
from rtcli.server.voice.basic_engines import basic_engines
from rtcli.session.detector import Detection, detection_of
from rtcli.session.level_history import LevelRun
from rtcli.views import Chart, ChartLane, MarkSign, Notice
from tests.kit.sessions import Live, ManualMicrophone, live_session, session_on
from tests.kit.told import spoken_turn_with_a_tool_and_an_interruption
from tests.kit.waiting import DEADLINE
from tests.kit.waveforms import noise

DETECTION = {"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 200}
CONFIG = {"audio": {"input": {"turn_detection": DETECTION}}}


def lanes(chart: Chart) -> dict[str, ChartLane]:
    return {lane.label: lane for lane in chart.lanes}


async def chart_of(live: Live) -> Chart:
    chart, *_ = await live.run("/audio level")
    assert isinstance(chart, Chart)
    return chart


async def test_what_was_said_is_drawn_with_the_servers_word_on_it() -> None:
    """The level, where speech began and ended for the server, and the threshold that decides."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone, config=CONFIG) as live:
        await live.run("/unmute")
        microphone.speak(noise(1), level_db=-20)
        microphone.speak(bytes(48 * 500), level_db=-90)
        await live.until(lambda: live.records("input_audio_buffer.speech_stopped"))
        chart = await chart_of(live)
        found = lanes(chart)

    assert chart.end - chart.start == 10
    assert max(max(wave.levels) for wave in found["mic"].waves) == 76 and found["mic"].note == "loudest -20 dBFS"
    assert [sign for _, sign in found["speech"].marks] == [MarkSign.STARTED, MarkSign.STOPPED]
    assert chart.figures == (("server_vad", False), ("threshold 0.4", False), ("silence 200 ms", False))
    assert "detector" not in found, "this one says nothing, and tones have none"


async def test_a_muted_microphone_is_not_drawn() -> None:
    """Nothing of what is said then is kept; what was said before still is."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        (notice,) = await live.run("/audio level")
        assert isinstance(notice, Notice) and "closed or muted" in notice.what
        await live.run("/unmute")
        microphone.speak(noise(1))
        before = [wave.levels for wave in lanes(await chart_of(live))["mic"].waves]
        await live.run("/mute")
        microphone.speak(noise(1))

        assert [wave.levels for wave in lanes(await chart_of(live))["mic"].waves] == before


class Telling:
    """A detector that says what it makes of each step."""

    def __init__(self, settings: DetectorSettings) -> None:
        self.recent: deque[float] = deque([0.1, 0.9, 0.3], maxlen=300)

    def feed(self, pcm: bytes) -> list[Boundary]:
        return []

    def reset(self) -> None:
        pass


@asynccontextmanager
async def local(**options: Any) -> AsyncIterator[tuple[Live, ManualMicrophone, RealtimeServer]]:
    """A session of the built-in server, as --local makes it."""
    microphone = ManualMicrophone()
    engines = replace(basic_engines(), detector=Telling)
    async with (
        RealtimeServer(pace=0, engines=engines, **options) as server,
        session_on(f"{server.url}?model=gpt-realtime-2.1", microphone=microphone, config=CONFIG) as live,
    ):
        lifecycle = live.session.lifecycle
        lifecycle.endpoint = replace(lifecycle.endpoint, local=True, api_key=options.get("key"))
        await live.run("/unmute")
        microphone.speak(noise(1))
        await live.session.lifecycle.ping()
        yield live, microphone, server


async def test_the_built_in_server_says_what_its_detector_made_of_it() -> None:
    """Bright from the threshold on; its end is that of the microphone's audio."""
    async with local() as (live, _, _server):
        found = lanes(await chart_of(live))

    detector = found["detector"]
    assert detector.note == "threshold 0.4"
    assert [wave.bright for wave in detector.waves] == [False, True, False]
    assert detector.waves[1].levels[0] - 40 == round(0.9 * 48)
    assert detector.waves[-1].end == pytest.approx(found["mic"].waves[-1].end, abs=0.001)


async def test_only_who_has_the_key_is_told() -> None:
    """And only of a session that runs; another method is refused."""
    async with RealtimeServer(pace=0, voice="tone", key="sk-secret-of-a-test") as server:
        base = server.url.replace("ws:", "http:").removesuffix("/v1/realtime")

        async def status(method: str, path: str, key: str) -> int | None:
            try:
                async with stream(method, base + path, headers={"Authorization": f"Bearer {key}"}, timeout=DEADLINE):
                    return 200
            except ConnectError as error:
                return error.status

        path = "/rtcli/sessions/sess_x/detector"
        assert await status("POST", path, "wrong") == 401
        assert await status("POST", path, "sk-secret-of-a-test") == 404
        assert await status("PUT", path, "sk-secret-of-a-test") == 405


async def test_another_server_is_not_asked() -> None:
    """It would have no such thing; one that is gone, or answers nonsense, costs the chart one lane."""
    assert await detection_of(Endpoint(url="ws://127.0.0.1:9/v1/realtime", model=None, label="x"), "sess_1") is None
    gone = Endpoint(url="ws://127.0.0.1:9/v1/realtime", model=None, label="x", local=True)
    assert await detection_of(gone, "sess_1") is None
    assert await detection_of(gone, "") is None


def test_speech_that_goes_on_has_no_end() -> None:
    """And what ended before the ten seconds is not there."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    chart = level_chart([LevelRun(1.0, b"\x40" * 10, False)], told.timeline.turns, {}, None, 3.5)
    later = level_chart([], told.timeline.turns, {}, None, 15.0)

    assert [bar.end for bar in lanes(chart)["speech"].bars] == [pytest.approx(1.8), None]
    assert [sign for _, sign in lanes(chart)["speech"].marks] == [MarkSign.STARTED, MarkSign.STOPPED, MarkSign.STARTED]
    assert [bar.start for bar in lanes(later)["speech"].bars] == [5.0]
    assert chart.figures == ()


@pytest.mark.parametrize(
    ("detection", "says"),
    [
        (None, ["turn detection is off"]),
        ({"type": "semantic_vad", "eagerness": "high"}, ["semantic_vad", "eagerness high"]),
        ({"type": "server_vad", "threshold": None}, ["server_vad"]),
    ],
)
def test_the_turn_detection_is_named(detection: object, says: list[str]) -> None:
    """As the server confirmed it."""
    chart = level_chart([], [], {"audio": {"input": {"turn_detection": detection}}}, None, 10.0)

    assert [text for text, _ in chart.figures] == says


def test_probabilities_are_as_long_as_they_lasted() -> None:
    """In steps of 32 ms."""
    detection = Detection((0.5,) * 100, 32, 0.5)
    (wave,) = lanes(level_chart([LevelRun(0.0, b"\x40" * 400, False)], [], {}, detection, 4.0))["detector"].waves

    assert wave.start == pytest.approx(0.8) and wave.end == pytest.approx(4.0)
