"""Scenarios made of recordings: they do what the user did, and pass against the recording they were made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rtcli.dsp.wav import load_wav, write_wav
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.play_recording import connections
from rtcli.protocol.record import Direction, Frame, Record
from rtcli.protocol.yaml_reader import read_yaml, write_yaml
from rtcli.recording.reader import open_recording
from rtcli.scenario.from_recording import MadeScenario, scenario_of
from rtcli.testing import call_response, text_response
from tests.kit.scenarios import played, played_from, problem
from tests.kit.waveforms import tone

SESSION = {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
ASK = {"type": "response.create"}


def said(text: str) -> Mapping[str, Any]:
    """A message of the user, as rtcli sends it."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}


def output(call_id: str, text: str) -> Mapping[str, Any]:
    """The answer to a call."""
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return {"type": "conversation.item.create", "item": item}


def made(*events: Any) -> MadeScenario:
    """Of a session in which these crossed the wire: dicts were sent, lists of them received."""
    records: list[Record] = []
    for entry in events:
        for event in entry if isinstance(entry, list) else [entry]:
            direction = Direction.RECEIVED if isinstance(entry, list) else Direction.SENT
            records.append(Frame(len(records) + 1, len(records) / 10, direction, dict(event), 0))
    return scenario_of(connections(records)[0], "talk")


def steps(*events: Any) -> list[Any]:
    """Its steps."""
    found: list[Any] = made(*events).document["steps"]
    return found


def test_what_was_typed_is_said_and_the_shape_of_the_answer_expected() -> None:
    """Not its words: a model says it otherwise every time."""
    done = {"type": "response.done", "response.status": "completed"}

    assert steps(SESSION, said("hi"), ASK, text_response("Hello."), said("bye"), ASK, text_response("Bye.")) == [
        {"say": "hi"},
        {"expect": [{"text": r"/\S/"}, done]},
        {"say": "bye"},
        {"expect": [{"text": r"/\S/"}, done]},
    ]


def test_calls_are_expected_and_answered_as_they_were() -> None:
    """Outputs that were the same each time are one; what asks for the answer after them is the player's affair."""
    tool = {"type": "function", "name": "look", "description": "d", "parameters": {"type": "object"}}
    other = {"type": "function", "name": "find", "parameters": {"type": "object"}}
    server = {"type": "mcp", "server_label": "notes"}
    update = {"type": "session.update", "session": {"type": "realtime", "tools": [server, tool, other]}}
    scenario = made(
        update,
        said("look"), ASK, call_response("look", {"city": "Oslo"}),
        output("call_1", "fine"), ASK, text_response("It is fine."),
        said("again"), ASK, call_response("look", {}, call_id="call_2"), output("call_2", "bad"), ASK,
        text_response("It is bad."),
        said("thanks"), ASK, text_response("Welcome."),
    ).document  # fmt: skip

    assert scenario["session"] == {"tools": [server]}
    assert scenario["tools"] == [
        {"name": "look", "description": "d", "parameters": {"type": "object"}, "outputs": ["fine", "bad"]},
        {"name": "find", "parameters": {"type": "object"}},
    ]
    assert [next(iter(step)) for step in scenario["steps"]] == ["say", "expect"] * 3
    assert scenario["steps"][1]["expect"][0] == {"call": {"name": "look", "arguments": {"city": "Oslo"}}}
    assert scenario["steps"][3]["expect"][0] == {"call": {"name": "look"}}
    assert scenario["steps"][5]["expect"][-1] == {"no": {"call": "*"}}


def test_a_response_whose_output_is_no_list_has_no_calls() -> None:
    """The server of a recording may be anything."""
    odd = {"type": "response.done", "response": {"id": "r", "status": "completed", "output": 1}}

    assert steps(SESSION, said("hi"), ASK, [odd])[0] == {"say": "hi"}


def test_arguments_that_mean_something_else_in_a_scenario_are_left_open() -> None:
    """A glob that is not its own match, an expression that is not valid; a comparison is equal to itself."""
    arguments = {"glob": "[a]*", "text": "/(/", "q": "<3", "a.b": [1, "*"], "deep": {"x": "[b]*"}, "n": None}
    call = steps(SESSION, said("go"), ASK, call_response("f", arguments))[1]["expect"][0]["call"]

    assert call == {"name": "f", "arguments": {"q": "<3", "a.b": [1, "*"], "n": None}}


def test_what_has_no_step_of_its_own_is_sent_as_it_was() -> None:
    """Without the id of the event, which the session makes anew."""
    delete = {"type": "conversation.item.delete", "event_id": "evt_1", "item_id": "item_1"}
    asked = {"type": "response.create", "response": {"instructions": "sing"}}
    refused = {"type": "error", "error": {"code": "item_not_found", "message": "m"}}

    assert steps(SESSION, said("a"), delete, [refused], asked) == [
        {"say": "a"},
        {"send": {"type": "conversation.item.delete", "item_id": "item_1"}},
        {"expect": [{"type": "error", "error.code": "item_not_found"}]},
        {"send": asked},
    ]


def test_an_interruption_says_how_much_was_heard() -> None:
    """A truncation without one belongs to a user who spoke up: the session makes it by itself."""
    cancel = {"type": "response.cancel"}
    truncate = {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 1500}

    assert steps(SESSION, said("count"), ASK, cancel, truncate) == [
        {"say": "count"},
        {"interrupt": {"after": "1500ms"}},
    ]
    assert steps(SESSION, said("count"), ASK, cancel, truncate, cancel)[1:] == [{"interrupt": {"after": "1500ms"}}]
    assert steps(SESSION, said("count"), ASK, truncate) == [{"say": "count"}]


def test_speech_is_cut_where_a_turn_ended() -> None:
    """By a commit of the client's, or of turn detection; each turn has a file of its own."""
    audio = {"type": "input_audio_buffer.append", "audio": encode_base64(tone(200))}
    committed = {"type": "input_audio_buffer.committed", "item_id": "i"}
    scenario = made(
        SESSION, audio, audio, {"type": "input_audio_buffer.commit"}, ASK, audio, [committed], audio, [committed],
    )  # fmt: skip

    assert scenario.document["steps"] == [
        {"play": "talk-1.wav", "commit": True},
        {"play": "talk-2.wav", "commit": False},
    ]
    assert scenario.audio == {"talk-1.wav": tone(200) * 2, "talk-2.wav": tone(200) * 2}


def test_what_an_open_microphone_hears_beside_a_typed_turn_is_played() -> None:
    """A recording says nothing before it has heard as much as then; what comes behind an answer is the next turn's."""
    pieces = [{"type": "input_audio_buffer.append", "audio": encode_base64(bytes(4800))}] * 3  # 100 ms each
    committed = {"type": "input_audio_buffer.committed", "item_id": "i"}
    scenario = made(
        SESSION, said("hi"), ASK, *pieces, text_response("Hello."), *pieces[:2], said("bye"), ASK, pieces[0],
        text_response("Bye."), *pieces, [committed], text_response("Yes."),
    )  # fmt: skip

    turns = [step for step in scenario.document["steps"] if "expect" not in step]
    assert turns == [
        {"say": "hi"},
        {"play": "talk-1.wav", "commit": False},
        {"say": "bye"},
        {"play": "talk-2.wav", "commit": False},
        {"play": "talk-3.wav", "commit": False},
    ]
    assert [len(pcm) // 4800 for pcm in scenario.audio.values()] == [3, 3, 3]


def test_a_session_without_settings_stays_so() -> None:
    """Nothing is asked for that was not asked for then."""
    assert made(said("hi"), ASK).document["session"] is None
    assert made(SESSION, said("hi"), ASK).document["session"] == {"output_modalities": ["text"]}


def test_a_recording_in_which_nobody_does_anything_is_told() -> None:
    """There is nothing to play."""
    assert made(SESSION, text_response("Hello.")).notes == ["it holds no action of a user"]


@pytest.mark.parametrize(
    "text",
    [
        """
        session: {output_modalities: [text], instructions: be brief, max_output_tokens: 900, tracing: null}
        tools:
          - name: get_weather
            description: "on: no"
            parameters: {type: object, properties: {city: {type: string}}, required: [city]}
            output: {temperature: 21}
        steps:
          - say: what is the weather in Oslo?
          - expect: [{text: "21"}]
          - send: {type: nonsense}
          - expect: [{type: error}]
          - say: hello
          - expect: [{text: hello}]
        """,
        """
        steps:
          - say: count to 20
          - interrupt: {after: 1s}
          - expect: [{type: conversation.item.truncated}]
          - say: hello
          - expect: [{transcript: hello}]
        """,
        """
        session: {audio: {input: {turn_detection: {type: server_vad, silence_duration_ms: 300}}}}
        steps:
          - play: tone.wav
          - expect: [{transcript: heard}]
          - play: tone.wav
          - expect: [{transcript: heard}]
        """,
        """
        session: {audio: {input: {format: {type: audio/pcmu}, turn_detection: null}}}
        steps:
          - play: tone.wav
          - expect: [{transcript: heard}]
        """,
        "session: null\nsteps: [{say: hello}, {expect: [{transcript: hello}]}]",
        """
        session: {output_modalities: [text]}
        steps:
          - say: hello
          - expect: [{text: hello}]
          - capture: {x: text}
          - say: say $${x} and $$${x}
          - expect: [{type: conversation.item.create, item.content.0.text: "say $${x} and $$${x}"}]
        """,
    ],
    ids=["tools", "interrupted", "spoken", "mu-law", "no settings", "dollars"],
)
async def test_it_passes_against_the_recording_it_was_made_of(tmp_path: Path, text: str) -> None:
    """Also through its file: words that YAML could mistake are quoted."""
    write_wav(tmp_path / "tone.wav", tone(1000))
    first = await played(text, tmp_path, keep=True)
    with open_recording(first.recording) as reader:
        scenario = scenario_of(connections(reader)[0], "made")
    for name, pcm in scenario.audio.items():
        write_wav(tmp_path / name, pcm)
    again = await played_from(write_yaml(scenario.document), first.recording, tmp_path)

    assert (problem(first), problem(again), scenario.notes) == ("", "", [])
    assert all(load_wav(tmp_path / name).pcm for name in scenario.audio)


@pytest.mark.parametrize(
    "value",
    [
        {"a": ["no", "on", "yes", "null", "~", "true", "1", "0o17", "0x1f", "1e3", "1_000", "", " ", "2026-11-26"]},
        {"no": "x", "1": "y", "a: b": "#c"},
        {"text": "several\nlines\n\nof it\n", "end": "a \nb", "begin": "  a\nb", "tab": "\ta\nb", "odd": "\x07 \ufeff"},
        {"deep": [[[{"a": [1, 2.5, True, None, -3]}]]], "emoji": "🎤 ü", "quote": "'\"\\"},
        {"same": [{"a": 1}] * 2},
    ],
)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    """YAML 1.2, in both directions."""
    assert read_yaml(write_yaml(value), "f") == value
    assert "&" not in write_yaml(value)
    assert json.dumps(read_yaml(write_yaml(value), "f")) == json.dumps(value)
