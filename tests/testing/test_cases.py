"""Scenarios that are played: against the built-in server, and against a recording of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rtcli.config.endpoints import Endpoint
from rtcli.dsp.wav import write_wav
from rtcli.errors import ExitCode
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.recording.folder import RecordingFolder
from rtcli.scenario.verdict import Outcome
from rtcli.server import RealtimeServer
from rtcli.testing.build import ScenarioTarget
from rtcli.testing.cases import Case, PlayedCase, play_case
from tests.kit.scenarios import TEXT, outcomes, played, played_from, problem, scenario
from tests.kit.waiting import DEADLINE
from tests.kit.waveforms import tone

WEATHER = (
    TEXT
    + """
tools:
  - name: get_weather
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    output: {temperature: 21}
steps:
  - say: what is the weather in Oslo?
  - expect:
      - call: {name: get_weather, arguments: {city: Oslo}}
      - {type: conversation.item.create, item: {type: function_call_output, output: "*21*"}}
      - text: "21"
      - no: {call: get_forecast}
    ordered: true
  - capture: {city: call.arguments.city}
  - say: repeat ${city}
  - expect: [{text: Oslo, within: 60s}]
bounds: {turns: "=2", lint: error, tokens: ">0", cost: ">0"}
"""
)
CUT = """
steps:
  - say: count to 20
  - interrupt: {after: 1s}
  - expect:
      - {type: conversation.item.truncated, audio_end_ms: 1000}
      - no: {type: error}
"""
SPOKEN = """
session: {audio: {input: {turn_detection: {type: server_vad, silence_duration_ms: 300}}}}
steps:
  - play: tone.wav
  - expect:
      - {type: input_audio_buffer.speech_stopped}
      - transcript: heard
  - play: tone.wav
  - expect: [{transcript: heard}]
bounds: {turns: "=2"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a second of a tone, which turn detection takes for a voice."""
    write_wav(tmp_path / "tone.wav", tone(1000))
    return tmp_path


async def test_a_conversation_with_a_tool_passes(folder: Path) -> None:
    """Every round of the tool is part of the answer; its recording is not kept."""
    result = await played(WEATHER, folder)

    assert (problem(result), result.exit_code, result.outcome) == ("", ExitCode.OK, Outcome.PASSED)
    assert outcomes(result)[:2] == ["passed connect", "passed say what is the weather in Oslo?"]
    assert [step.line for step in result.steps[1:4]] == [8, 9, 15]
    assert result.recording == ""
    assert list((folder / "recordings").iterdir()) == []


async def test_what_is_not_as_expected_ends_the_run(folder: Path) -> None:
    """The steps behind it are left out, and the recording is kept."""
    result = await played(WEATHER.replace('text: "21"', "text: '99'"), folder)

    assert result.exit_code is ExitCode.EXPECTATION
    assert [str(step.outcome) for step in result.steps] == ["passed"] * 2 + ["failed"] + ["skipped"] * 3
    assert '- "99"' in problem(result)
    assert Path(result.recording).read_text(encoding="utf-8").startswith('{"rtcli":')


async def test_bounds_are_judged_at_the_end(folder: Path) -> None:
    """Each by itself: a run that misses two says both."""
    result = await played(WEATHER.replace('"=2"', "1").replace('">0", cost', '"<1", cost'), folder)

    assert [step.name for step in result.steps if step.problem] == ["bound turns at most 1", "bound tokens <1"]
    assert "turns is 2, not at most 1" in problem(result)


async def test_an_interruption_is_exact_at_any_pace(folder: Path) -> None:
    """After a second of audio, a second was heard, also where all of it arrives at once."""
    assert problem(await played(CUT, folder)) == ""


async def test_an_answer_that_is_too_short_to_interrupt_is_told(folder: Path) -> None:
    """With how much there was of it."""
    result = await played(CUT.replace("count to 20", "hello").replace("1s", "60s"), folder)

    assert "the answer was over after" in problem(result)
    assert "it should have been interrupted after 1:00" in problem(result)
    assert problem(await played(f"{TEXT}steps: [interrupt: ]", folder)) == "nothing to interrupt"


async def test_what_is_played_is_heard_by_turn_detection(folder: Path) -> None:
    """The turn ends by the silence behind the file, again and again."""
    assert problem(await played(SPOKEN, folder)) == ""


async def test_without_turn_detection_a_file_is_a_turn(folder: Path) -> None:
    """It is committed at its end, and answered."""
    text = "session: {audio: {input: {turn_detection: null}}}\nsteps:\n  - play: tone.wav\n"
    result = await played(f"{text}  - expect: [{{type: input_audio_buffer.committed}}, {{transcript: heard}}]", folder)

    assert problem(result) == ""


async def test_commands_events_images_and_pauses(folder: Path) -> None:
    """A command acts as at the prompt; an event goes out as it stands; an image is shown."""
    from PIL import Image

    Image.new("RGB", (8, 6)).save(folder / "small.png")
    text = """
    steps:
      - command: /session set instructions be brief
      - send:
          type: conversation.item.create
          item: {type: message, role: user, content: [{type: input_text, text: hi}]}
      - expect: [{type: conversation.item.added}, {no: {type: response.created}}]
      - send: {type: response.create}
      - expect: [{text: hello}]
      - image: small.png
        text: what size is this image?
      - expect: [{text: 8 by 6}]
      - command: usage
      - wait: 1ms
    """
    result = await played(TEXT + "\n".join(line[4:] for line in text.splitlines()), folder)

    assert problem(result) == ""


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        ("[{send: {type: nonsense}}]", ExitCode.SERVER_ERROR, "invalid_value"),
        ("[{send: {type: nonsense}}, {say: hello}, {expect: [{text: hello}]}]", ExitCode.SERVER_ERROR, "invalid_value"),
        ("[{send: {type: nonsense}}, {expect: [{type: error}]}]", ExitCode.OK, ""),
        ("[{say: hello}, {expect: [{text: bye}, {no: {text: hello}}]}]", ExitCode.EXPECTATION, "2 expectations"),
        ("[{command: /nothing}]", ExitCode.USAGE, "nothing"),
        ("[{capture: {a: nothing.here}}]", ExitCode.EXPECTATION, "no event since the user's turn has nothing.here"),
        ("[{say: hello}, {expect: [{text: bye}], timeout: 1ms}]", ExitCode.EXPECTATION, "bye"),
        ("[{command: /disconnect}, {say: hello}]", ExitCode.USAGE, "not connected"),
    ],
)
async def test_each_way_to_fail_has_its_code(folder: Path, steps: str, code: ExitCode, words: str) -> None:
    """An error that nobody expects fails a scenario, when it is looked at or at the end."""
    result = await played(f"{TEXT}steps: {steps}", folder)

    assert result.exit_code is code
    assert words in problem(result)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("event=response.created:close=1011", ExitCode.CONNECTION, "the connection was lost"),
        ("connect:http=503", ExitCode.CONNECTION, "503"),
        ("event=response.created:stall=3600s", ExitCode.EXPECTATION, "the answer was not complete within 500 ms"),
    ],
)
async def test_a_server_that_fails_is_told(folder: Path, fault: str, code: ExitCode, words: str) -> None:
    """By what became of it, and not by what is missing because of that."""
    text = f"{TEXT}timeout: 500ms\nsteps: [{{say: hello}}, {{expect: [{{text: hello}}]}}]"
    result = await played(text, folder, faults=(fault,))

    assert result.exit_code is code
    assert words in problem(result)


async def test_a_response_that_fails_has_code_5(folder: Path) -> None:
    """Unless somebody expects it."""
    (folder / "fail.yaml").write_text("- reply: [{fail: {message: too busy}}]")
    text = f"{TEXT}steps: [{{say: hello}}, {{expect: [ITEM]}}]"
    failed = await played(text.replace("ITEM", "{type: response.done}").replace("done", "output_item.*", 0), folder)
    unasked = await played(text.replace("ITEM", "{no: {text: x}}"), folder, script=folder / "fail.yaml")
    asked = await played(
        text.replace("ITEM", "{type: response.done, response.status: failed}"), folder, script=folder / "fail.yaml"
    )

    assert failed.exit_code is ExitCode.OK
    assert unasked.exit_code is ExitCode.RESPONSE_FAILED
    assert "a response ended failed" in problem(unasked)
    assert asked.exit_code is ExitCode.OK


async def test_nobody_at_the_address_is_an_error(tmp_path: Path) -> None:
    """Nothing was tested; the code is that of a connection."""
    target = ScenarioTarget(Endpoint("ws://127.0.0.1:1/v1/realtime", "m", "nobody"))
    one = await play_case(Case(scenario("steps: [{say: a}]")), target, RecordingFolder(tmp_path))

    assert one.result.outcome is Outcome.ERROR
    assert one.result.exit_code is ExitCode.CONNECTION


async def test_a_case_that_is_cancelled_says_so(folder: Path) -> None:
    """What was done until then is told, and its recording is kept."""

    told: list[PlayedCase] = []
    async with RealtimeServer(voice="tone", pace=1, faults=("event=response.created:stall=3600s",)) as server:
        target = ScenarioTarget(Endpoint(f"{server.url}?model={DEFAULT_MODEL}", DEFAULT_MODEL, "here"))
        case = Case(scenario(f"{TEXT}steps: [{{say: hello}}, {{expect: [{{text: hello}}]}}]"))
        said = asyncio.Event()
        task = asyncio.ensure_future(
            play_case(case, target, RecordingFolder(folder / "r"), told=lambda *_: said.set(), ended=told.append)
        )
        await asyncio.wait_for(said.wait(), DEADLINE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert told[0].result.exit_code is ExitCode.INTERRUPTED
    assert Path(told[0].result.recording).exists()


# -- a recording in the server's place -------------------------------------------------------------


@pytest.mark.parametrize("text", [WEATHER, CUT, SPOKEN], ids=["weather", "cut", "spoken"])
async def test_a_recording_plays_what_was_recorded(folder: Path, text: str) -> None:
    """The same scenario passes again, and its figures are those of the recording."""
    first = await played(text, folder, keep=True)
    again = await played_from(text, first.recording, folder)

    assert (problem(first), problem(again)) == ("", "")


async def test_times_are_those_of_the_recording_and_nobody_waits_for_them(folder: Path) -> None:
    """An hour that was recorded passes at once, and a bound sees it."""
    first = await played(f"{TEXT}steps: [{{say: hello}}, {{expect: [{{text: hello}}]}}]", folder, keep=True)
    path = folder / "slow.ndjson"
    lines = Path(first.recording).read_text(encoding="utf-8").splitlines()
    late = next(index for index, line in enumerate(lines) if '"response.created"' in line)
    shifted = [line.replace('{"t":', '{"t":36', 1) if index >= late else line for index, line in enumerate(lines)]
    path.write_text("\n".join(shifted), encoding="utf-8")

    text = f"{TEXT}steps: [{{say: hello}}, {{expect: [{{text: hello, within: 20s}}]}}]"
    result = await asyncio.wait_for(played_from(text, path, folder), DEADLINE)

    assert "came too late" in problem(result)


async def test_what_is_done_otherwise_fails_with_the_difference(folder: Path) -> None:
    """Other words have another answer; other settings do not matter."""
    first = await played(WEATHER, folder, keep=True)
    other = await played_from(WEATHER.replace("in Oslo?", "in Rome?"), first.recording, folder)
    settings = await played_from(WEATHER.replace(TEXT, "session: {instructions: hm}\n"), first.recording, folder)

    assert other.exit_code is ExitCode.EXPECTATION
    assert "the run deviates from the recording" in problem(other)
    assert '- "what is the weather in Oslo?"' in problem(other)
    assert problem(settings) == ""


async def test_a_recording_that_goes_on_otherwise_is_not_waited_for(folder: Path) -> None:
    """The client did something there that the scenario does not do: that is told at once."""
    first = await played(WEATHER, folder, keep=True)
    text = WEATHER.replace("    output: {temperature: 21}\n", "")
    result = await played_from(text, first.recording, folder)

    assert result.exit_code is ExitCode.EXPECTATION


def test_the_tone_is_a_second() -> None:
    """What the fixture writes is what the tests above count on."""
    assert len(tone(1000)) == PCM16.byte_length(1000)
