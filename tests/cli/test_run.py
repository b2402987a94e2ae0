"""`rtcli run` and `rtcli scenario`, as a user calls them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from rtcli.server import RealtimeServer
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE, until

SCHEMA = xmlschema.XMLSchema10(str(Path(__file__).parent.parent / "scenario" / "junit.xsd"))
GOOD = """session: {output_modalities: [text]}
steps:
  - say: hello
  - expect: [{text: hello}]
"""
BAD = GOOD.replace("[{text: hello}]", "[{text: goodbye}]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario that passes, and one that does not."""
    (tmp_path / "good.scenario.yaml").write_text(GOOD)
    (tmp_path / "bad.scenario.yaml").write_text(BAD)
    return tmp_path


def options(folder: Path) -> tuple[str, ...]:
    """What every run here has in common."""
    return ("--pace", "0", "--voice", "tone", "--recordings", str(folder / "recordings"))


async def test_a_folder_is_played_and_summed_up(folder: Path) -> None:
    """A line for each step, what is missing, where the recording is, and the exit code."""
    ended = await rtcli("run", str(folder), *options(folder), "--junit", str(folder / "out.xml"))

    assert (ended.code, ended.err) == (6, "")
    assert "[1/2] bad (bad.scenario.yaml)" in ended.out
    assert "FAILED  expect text 'goodbye'" in ended.out
    assert "line 4" in ended.out
    assert "1 passed, 1 failed in" in ended.out
    assert "slowest: " in ended.out
    (kept,) = (folder / "recordings").iterdir()
    assert f"recording: {kept}" in ended.out
    SCHEMA.validate(str(folder / "out.xml"))
    cases = ElementTree.parse(folder / "out.xml").getroot().findall(".//testcase")
    assert [(case.get("name"), len(case)) for case in cases] == [("bad", 1), ("good", 0)]


async def test_several_at_a_time_keep_their_lines_together(folder: Path) -> None:
    """And --quiet tells of what failed alone."""
    for number in range(4):
        (folder / f"more-{number}.scenario.yaml").write_text(GOOD)
    ended = await rtcli("run", str(folder), *options(folder), "-j", "3")
    quiet = await rtcli("run", str(folder), *options(folder), "-j", "3", "--quiet")

    heads = [index for index, line in enumerate(ended.out.splitlines()) if line.startswith("[")]
    assert len(heads) == 6
    assert "5 passed, 1 failed" in ended.out
    assert [line for line in quiet.out.splitlines() if line.startswith("[")] == [
        line for line in quiet.out.splitlines() if "bad (bad.scenario.yaml)" in line
    ]


async def test_json_is_a_line_for_each_step_case_and_the_summary(folder: Path) -> None:
    """For programs."""
    ended = await rtcli("run", str(folder / "bad.scenario.yaml"), *options(folder), "--json")

    *steps, case, summary = ended.events
    assert [(step["step"], step["outcome"]) for step in steps] == [
        ("connect", "passed"), ("say hello", "passed"), ("expect text 'goodbye'", "failed")
    ]  # fmt: skip
    assert steps[2]["problem"]["code"] == 6
    assert case["outcome"] == "failed"
    assert Path(case["recording"]).exists()
    assert summary["summary"]["exit_code"] == ended.code == 6


async def test_a_dry_run_plays_nothing(folder: Path) -> None:
    """What is wrong with any file is told, each in a line."""
    fine = await rtcli("run", str(folder), "--dry-run", "--url", "ws://127.0.0.1:1")
    (folder / "one.scenario.yaml").write_text("stepz: []")
    (folder / "two.scenario.yaml").write_text("steps:\n  - sya: hello")
    wrong = await rtcli("run", str(folder), "--dry-run")

    assert (fine.code, fine.err) == (0, "")
    assert "2 scenarios, nothing was played" in fine.out
    assert wrong.code == 2
    first, second = wrong.err.splitlines()
    assert "one.scenario.yaml:1:1: 'stepz' is not a key here (did you mean steps?)" in first
    assert "two.scenario.yaml:2:5: 'sya' is not a key here (did you mean say?)" in second


async def test_settings_are_compared_in_a_table(folder: Path) -> None:
    """A row for each value, with the figures of its run."""
    ended = await rtcli(
        *("run", str(folder / "good.scenario.yaml"), *options(folder), "--quiet"),
        *("--set", "steps.0.say=hello,bye", "--set", "timeout=5,6"),
    )

    assert ended.code == 6
    rows = [line for line in ended.out.splitlines() if line.startswith("say=")]
    assert [row.split("  ")[0] for row in rows] == [
        "say=hello, timeout=5", "say=hello, timeout=6", "say=bye, timeout=5", "say=bye, timeout=6"
    ]  # fmt: skip
    assert ["passed" in row for row in rows] == [True, True, False, False]
    assert "done.p50" in ended.out


async def test_a_recording_is_played_without_dialing(folder: Path) -> None:
    """And a scenario that was made of it passes against it, and against a server that serves it."""
    record = folder / "session.ndjson"
    chat = await rtcli("chat", "--local", "--text", "--record", str(record), text="hello\nbye\n")
    assert chat.code == 0
    made = await rtcli("scenario", "from", str(record), "-o", str(folder / "made.scenario.yaml"))
    again = await rtcli("run", str(folder / "made.scenario.yaml"), "--from", str(record), "--no-record")
    async with RealtimeServer(recording=record, pace=0) as server:
        served = await rtcli("run", str(folder / "made.scenario.yaml"), "--url", server.url, "--no-record")
        await until(server.connection_ended.is_set)

    assert (made.code, made.out.strip()) == (0, str(folder / "made.scenario.yaml"))
    assert (again.code, served.code) == (0, 0), again.out + served.out
    assert server.mismatches == []
    twice = await rtcli("scenario", "from", str(record), "-o", str(folder / "made.scenario.yaml"))
    one_clear_line(twice, 2, "made.scenario.yaml", "--force")


async def test_what_of_a_recording_cannot_be_read_is_told_by_all_that_play_it(folder: Path) -> None:
    """A scenario of half a session, and a run against half of one, would else look like whole ones."""
    record = folder / "session.ndjson"
    chat = await rtcli("chat", "--local", "--text", "--record", str(record), text="hello\n")
    assert chat.code == 0
    record.write_bytes(record.read_bytes()[:-9])
    about = "the last line was cut off after "

    made = await rtcli("scenario", "from", str(record), "-o", str(folder / "made.scenario.yaml"))
    again = await rtcli("run", str(folder / "made.scenario.yaml"), "--from", str(record), "--no-record")
    served = await rtcli("serve", "--from", str(record), "--once", "--", sys.executable, "-c", "")

    assert (made.code, again.code, served.code) == (0, 0, 6)
    assert [ended.err.count(about) for ended in (made, again, served)] == [1, 1, 1]


async def test_a_bound_that_does_not_hold_is_found_in_its_file(tmp_path: Path) -> None:
    """By its line, like a step."""
    file = tmp_path / "slow.scenario.yaml"
    file.write_text(
        "session: {output_modalities: [text]}\nsteps:\n  - say: hello\n  - expect: [{text: hello}]\n"
        "  - send: {type: response.create, response: {voice: marin}}\n"
        "  - expect: [{type: error}]\nbounds:\n  tokens: 1\n  lint: warning\n"
    )
    ended = await rtcli("run", str(file), "--pace", "0", "--json", "--no-record")

    steps = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 6
    assert {step["step"]: step["line"] for step in steps if "bound" in step.get("step", "")} == {
        "bound tokens at most 1": 8, "bound lint warning": 9
    }  # fmt: skip


async def test_ctrl_c_still_writes_what_was_played(folder: Path) -> None:
    """The case that ran is interrupted, those behind it are left out, and the exit code is the signal's."""
    (folder / "a.scenario.yaml").write_text(GOOD)
    (folder / "b.scenario.yaml").write_text(GOOD.replace("hello\n", "hello\n  - wait: 3600\n", 1))
    process = await start(
        "run", str(folder), "--voice", "tone", "--junit", str(folder / "out.xml"), "--json", "--no-record"
    )
    assert process.stdout is not None
    while (line := json.loads(await asyncio.wait_for(process.stdout.readline(), DEADLINE))).get("scenario") != "b":
        assert line
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), DEADLINE)

    assert process.returncode == 130
    SCHEMA.validate(str(folder / "out.xml"))
    cases = ElementTree.parse(folder / "out.xml").getroot().findall(".//testcase")
    assert [(case.get("name"), [child.tag for child in case]) for case in cases] == [
        ("a", []), ("b", ["error"]), ("bad", ["skipped"]), ("good", ["skipped"])
    ]  # fmt: skip


async def test_the_environments_key_is_not_looked_at(folder: Path) -> None:
    """CI never pays by accident: without an option it is the built-in server."""
    environ = {"OPENAI_API_KEY": "sk-not-a-key-at-all", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    ended = await rtcli("run", str(folder / "good.scenario.yaml"), *options(folder), environ=environ)

    assert ended.code == 0, ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.scenario.yaml",), ("nothing.scenario.yaml", "No such file")),
        (("good.scenario.yaml", "--pace", "-1"), ("--pace -1",)),
        (("good.scenario.yaml", "-j", "0"), ("-j 0",)),
        (("good.scenario.yaml", "--set", "x"), ("--set 'x'", "PATH=VALUE")),
        (("good.scenario.yaml", "--set", "steps.9.say=a"), ("steps.9.say", "9 is not one of 2 entries")),
        (("good.scenario.yaml", "--set", "steps.0.sya=a"), ("'sya' is not a key here",)),
        (("good.scenario.yaml", "--local", "--from", "x.ndjson"), ("exclude each other",)),
        (("good.scenario.yaml", "--from", "x.ndjson"), ("x.ndjson", "No such file")),
        (("good.scenario.yaml", "--url", "ws://127.0.0.1:1", "--script", "x"), ("--script", "built-in server")),
        (("good.scenario.yaml", "--script", "nothing.yaml"), ("nothing.yaml",)),
        (("good.scenario.yaml", "--junit", "no/such/folder.xml", "--pace", "0"), ("no/such/folder.xml",)),
        (("good.scenario.yaml", "--tools", "nothing.py"), ("nothing.py",)),
    ],
)
async def test_what_cannot_be_played_is_one_clear_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """It names what was given."""
    monkeypatch.chdir(folder)

    one_clear_line(await rtcli("run", *arguments, "--voice", "tone", "--no-record"), 2, *words)


async def test_a_scenario_needs_something_to_be_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording with something in it, and a name that ends as it should."""
    monkeypatch.chdir(tmp_path)
    Path("empty.ndjson").write_text("")
    Path("silent.ndjson").write_text('{"t":0,"dir":"<","event":{"type":"session.created","session":{}}}\n')

    one_clear_line(await rtcli("scenario", "from", "empty.ndjson"), 2, "empty.ndjson", "it is empty")
    one_clear_line(await rtcli("scenario", "from", "silent.ndjson"), 2, "silent.ndjson", "no action of a user")
    one_clear_line(await rtcli("scenario", "from", "silent.ndjson", "-o", "a.yaml"), 2, "-o a.yaml", ".scenario.yaml")
    assert [path.name for path in tmp_path.iterdir() if "scenario" in path.name] == []


async def test_the_schema_can_be_printed() -> None:
    """For an editor."""
    ended = await rtcli("config", "schema", "scenario")

    assert json.loads(ended.out)["title"] == "A scenario of rtcli"
