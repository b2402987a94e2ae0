"""Files of scenarios: what they may say, and what is told of one that is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rtcli.errors import InputError
from rtcli.protocol.yaml_reader import read_yaml
from rtcli.scenario.bounds import LintBound
from rtcli.scenario.grammar import STEPS, scenario_schema
from rtcli.scenario.parsing import filled, find_scenarios, load_scenario
from tests.kit.scenarios import scenario

SCHEMA = Path(__file__).parent.parent.parent / "rtcli" / "scenario" / "scenario.schema.json"

WHOLE = """
$schema: ../scenario.schema.json
name: everything
description: each key once
model: gpt-realtime-2.1
session: {output_modalities: [text]}
timeout: 30s
tools:
  - {name: look, description: d, parameters: {type: object}, output: {a: [1, null]}}
  - {name: ask, outputs: [one, 2]}
steps:
  - say: hello
  - play: a.wav
    commit: true
  - image: a.png
    text: what is this?
  - send: {type: response.create}
  - command: /usage
  - interrupt: {after: 1.5s}
  - interrupt:
  - wait: 200ms
  - expect:
      - text: hello
        within: 900ms
      - {transcript: /x/}
      - call: look
      - call: {name: "l*", arguments: {a: ">=2"}}
      - event: {type: response.done, response.status: completed}
      - {type: response.created, within: 2}
      - no: {type: error}
      - {no: {call: ask}, within: 1m}
    ordered: true
    timeout: 10
  - capture: {id: response.id}
  - say: of ${id}
bounds: {first_audio.p95: "<900ms", done: 2s, tokens: 500, cost: "<0.01", lint: {severity: warning, ignore: []}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that steps name."""
    for name in ("a.wav", "a.png"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def wrong(text: str, folder: Path = Path()) -> str:
    """What is told of a file, with the hint."""
    with pytest.raises(InputError) as refused:
        scenario(text, folder)
    return f"{refused.value} ({refused.value.hint})"


def test_everything_can_be_said(folder: Path) -> None:
    """Each key is read as what it means."""
    read = scenario(WHOLE, folder)

    assert (read.name, read.model, read.timeout) == ("everything", "gpt-realtime-2.1", 30.0)
    assert [step.kind for step in read.steps] == [
        *("say", "play", "image", "send", "command", "interrupt", "interrupt", "wait", "expect", "capture", "say")
    ]
    assert [read.steps[index].values[read.steps[index].kind] for index in (5, 6, 7)] == [1.5, 0.0, 0.2]
    expected = read.steps[8].values["expect"]
    assert [(one.kind, one.within, one.excluded) for one in expected] == [
        ("text", 0.9, False),
        ("transcript", None, False),
        ("call", None, False),
        ("call", None, False),
        ("event", None, False),
        ("event", 2.0, False),
        ("event", None, True),
        ("call", 60.0, True),
    ]
    assert [tool.outputs for tool in read.tools] == [({"a": [1, None]},), ("one", 2)]
    assert [(bound.name, bound.sign, bound.limit) for bound in read.bounds] == [
        ("first_audio.p95", "<", 900.0), ("done", "<=", 2000.0), ("tokens", "<=", 500.0), ("cost", "<", 0.01)
    ]  # fmt: skip
    assert isinstance(read.lint, LintBound)


def test_words_stay_words() -> None:
    """YAML 1.2: `no` and `on` are not booleans, here neither as keys nor as text."""
    read = scenario("steps: [{say: no}, {expect: [{text: on}, {no: {text: yes}}]}]")

    assert read.steps[0].values["say"] == "no"
    assert [one.text for one in read.steps[1].values["expect"]] == ["text 'on'", "no text 'yes'"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps:\n  - say: a\n  - expct: []", "3:5: 'expct' is not a key here (did you mean expect?)"),
        ("stepz: []", "1:1: 'stepz' is not a key here (did you mean steps?)"),
        ("name: a", "1:1: steps is missing"),
        ("steps: []", "1:1: [] is not a list of steps"),
        ("steps:\n  - expect:\n      - no: {type: eror}", "3:9: 'eror' is not an event (did you mean error?)"),
        ("steps: [{expect: [{event: {type: response.dine}}]}]", "(did you mean response.done?)"),
        ("steps:\n  - expect:\n      - txt: a", "3:9: 'txt' is not a key here (did you mean text?)"),
        ("steps:\n  - expect:\n      - {text: a, call: b}", "3:9: an expectation is one of text"),
        ("steps:\n  - expect: [{text: a.*b}]", "2:15: 'a.*b' is looked for as it stands"),
        ("steps:\n  - expect: [{text: /(/}]", "2:15: '(' is not a valid regular expression"),
        ("steps:\n  - expect: [{no: {no: {text: a}}}]", "'no' is not a key here"),
        ("steps:\n  - expect: [{event: {}}]", "an event without fields matches everything"),
        ("steps:\n  - expect: [{call: {nme: a}}]", "'nme' is not a key here (did you mean name?)"),
        ("steps:\n  - expect: a", "'a' is not a list of expectations"),
        ("steps:\n  - say: a\n    wait: 2", "a step does one thing; this has say, wait"),
        ("steps:\n  - say: a\n    ordered: true", "3:5: 'ordered' is not a key here"),
        ("steps:\n  - ordered: true", "'ordered' is not a key here"),
        ("steps:\n  - hello", "2:5: 'hello' is not a step"),
        ("steps:\n  - {}", "2:5: this step has no action"),
        ("steps:\n  - say: 1", "2:5: 1 is not text"),
        ("steps:\n  - wait: soon", "2:5: 'soon' is not a duration (for example 2"),
        ("steps:\n  - wait: -1", "-1 is not a duration"),
        ("steps:\n  - wait: true", "True is not a duration"),
        ("steps:\n  - interrupt: {befor: 1s}", "'befor' is not a key here"),
        ("steps:\n  - play: not there.wav", "2:5: file 'not there.wav' does not exist"),
        ("steps:\n  - say: ${name}", "2:5: ${name} was not captured by an earlier step"),
        (
            "steps:\n  - capture: {city: text}\n  - say: ${cty}",
            "3:5: ${cty} was not captured by an earlier step (did",
        ),
        ("steps:\n  - say: ${city}\n  - capture: {city: text}", "2:5: ${city} was not captured"),
        ("steps:\n  - capture: {a b: text}", "'a b' is not a name"),
        (
            "steps:\n  - say: a\nbounds: {first_adio.p95: 3}",
            "'first_adio.p95' is not a figure (did you mean first_audio.p95",
        ),
        ("steps:\n  - say: a\nbounds: {done: quick}", "3:10: 'quick' is not a bound of done"),
        ("steps:\n  - say: a\nbounds: {tokens: 3s}", "'3s' is not a bound of tokens"),
        ("steps:\n  - say: a\nbounds: {lint: bad}", "'bad' is not a severity"),
        ("steps:\n  - say: a\nbounds: {lint: {ignore: [call-unanswred]}}", "(did you mean call-unanswered?)"),
        ("session: {audio: 3}\nsteps:\n  - say: a", "1:1: audio of a session config is 3, not an object"),
        ("tools:\n  - {name: a, output: 1, outputs: [2]}\nsteps: [{say: a}]", "output and outputs exclude each other"),
        ("tools:\n  - {output: 1}\nsteps: [{say: a}]", "2:5: name is missing"),
        ("name: a\nname: b\nsteps: [{say: a}]", "2:1: 'name' is given twice"),
        ("steps: [", "expected the node content"),
        ("", "nothing is not an object"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    """File, line and column, what is wrong there, and the nearest valid key."""
    assert told in wrong(text)
    assert wrong(text).startswith("test.scenario.yaml")


def test_a_step_is_filled_with_what_was_captured() -> None:
    """In the middle of a text as text; alone, a value stays what it is."""
    read = scenario(
        """
        steps:
          - capture: {city: call.arguments.city, count: call.arguments.count}
          - say: "${count} days in ${city}"
          - send: {type: x, count: "${count}", inner: [{city: "${city}"}]}
          - expect: [{text: "${city}"}, {text: "/^in ${city}$/"}]
        """
    )
    captured = {"city": "Oslo [x]", "count": 3}

    say, send, expect = (filled(step, captured) for step in read.steps[1:])

    assert say.values["say"] == "3 days in Oslo [x]"
    assert send.values["send"] == {"type": "x", "count": 3, "inner": [{"city": "Oslo [x]"}]}
    for one in expect.values["expect"]:
        assert not one.matcher.differences({"text": "in oslo [x]"})
        assert one.matcher.differences({"text": "in oslo x"})


def test_folders_are_searched_for_scenarios(tmp_path: Path) -> None:
    """In the order of their names, each once; one without any is a mistake."""
    for name in ("b.scenario.yaml", "inner/a.scenario.yml", "c.yaml", "d.scenario.json", ".venv/e.scenario.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("steps: [{say: a}]")
    (tmp_path / "empty").mkdir()

    found = find_scenarios([tmp_path / "c.yaml", tmp_path, tmp_path / "b.scenario.yaml"])

    assert [path.name for path in found] == ["c.yaml", "b.scenario.yaml", "d.scenario.json", "a.scenario.yml"]
    assert load_scenario(tmp_path / "d.scenario.json").name == "d"
    with pytest.raises(InputError, match=r"no file in it ends with \.scenario\.yaml"):
        find_scenarios([tmp_path / "empty"])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """One that is not there, too large, or not text."""
    large, broken = tmp_path / "large.scenario.yaml", tmp_path / "broken.scenario.yaml"
    large.write_bytes(b"#" * (4 * 2**20 + 1))
    broken.write_bytes(b"\xff\xfe\x00")
    for path, why in ((tmp_path / "gone.yaml", "No such file"), (large, "at most 4 MiB"), (broken, "broken UTF-16")):
        with pytest.raises(InputError, match=why):
            load_scenario(path)


def test_references_that_multiply_are_refused() -> None:
    """A few lines must not stand for a billion values, nor for themselves."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")

    assert "more than 100,000 values" in wrong("\n".join(lines))
    assert "nested too deeply" in wrong("a: &a [1, *a]")


# -- the JSON Schema -------------------------------------------------------------------------------


def test_the_package_has_the_schema_of_the_grammar() -> None:
    """The file is what the code says: python -c 'see scenario_schema' writes it anew."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == scenario_schema()


def test_the_schema_takes_what_the_parser_takes(folder: Path) -> None:
    """An editor marks nothing that runs."""
    scenario(WHOLE, folder)
    jsonschema.validate(read_yaml(WHOLE, "whole"), scenario_schema())


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"steps": []},
        {"steps": [{"say": 1}]},
        {"steps": [{"expct": []}]},
        {"steps": [{"say": "a", "wait": 1}]},
        {"steps": [{"wait": "soon"}]},
        {"steps": [{"expect": [{"txt": "a"}]}]},
        {"steps": [{"expect": [{"text": "a", "call": "b"}]}]},
        {"steps": [{"say": "a"}], "bounds": {"first_adio": 1}},
        {"steps": [{"say": "a"}], "bounds": {"lint": "bad"}},
        {"steps": [{"say": "a"}], "tools": [{"output": 1}]},
        {"stepz": [{"say": "a"}]},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(value: Any) -> None:
    """An editor marks what would not run."""
    assert wrong(json.dumps(value))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, scenario_schema())


def test_every_step_is_documented() -> None:
    """The page names each kind of step, and each key beside it."""
    page = (Path(__file__).parent.parent.parent / "docs" / "scenarios.md").read_text(encoding="utf-8")
    for kind, form in STEPS.items():
        assert re.search(rf"^\| `{kind}:", page, re.MULTILINE), kind
        for name in form.beside:
            assert f"`{name}" in page, name
