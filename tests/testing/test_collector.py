"""Scenarios as tests of pytest: what is collected, what a failure says, and where they are played."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rtcli.testing import ServerThread
from tests.testing.test_plugin import Run, ran

GREETING = """\
name: it greets
session: {output_modalities: [text]}
steps:
  - say: hello
  - expect:
      - text: TEXT
"""


def written(folder: Path, name: str, text: str = "test server") -> Path:
    """A scenario that expects this of the greeting."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GREETING.replace("TEXT", text))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One of each kind, and two more that pass, run by two workers."""
    folder = tmp_path_factory.mktemp("scenarios")
    for name in ("good.scenario.yaml", "inner/again.scenario.yml", "inner/other.scenario.json"):
        written(folder, name)
    written(folder, "bad.scenario.yaml", "snow")
    path = written(folder, "misspelled.scenario.yaml")
    path.write_text(path.read_text().replace("- say:", "- sya:"))
    (folder / "settings.yaml").write_text("- no scenario\n")
    options = ("-n", "2", "--continue-on-collection-errors", f"--basetemp={folder / 'temporary'}")
    return ran(folder, *options, "--realtime-pace", "0")


@pytest.mark.parametrize("file", ["good.scenario.yaml", "inner/again.scenario.yml", "inner/other.scenario.json"])
def test_a_scenario_is_a_test_that_is_called_as_it_says(run: Run, file: str) -> None:
    assert f"PASSED {file}::it greets" in run.out, run.out


def test_a_failure_says_step_and_place_what_came_and_where_the_recording_is(run: Run) -> None:
    """And nothing of the program that played it."""
    about = run.about("scenario it greets")

    assert "FAILED bad.scenario.yaml::it greets - Failed: bad.scenario.yaml:5: expect" in run.out
    assert "bad.scenario.yaml:5: expect text 'snow'\n" in about
    assert '- "snow"' in about and '+ "Hello! I am the test server' in about
    assert "before that: connect; say hello\n" in about
    assert ".py" not in about
    (recording,) = re.findall("recording: (.*)", about)
    assert Path(recording).is_file()


def test_a_file_that_is_wrong_is_told_with_its_place(run: Run) -> None:
    """Line, column, and the key that was probably meant; the others are played all the same."""
    about = run.about("ERROR collecting misspelled.scenario.yaml")

    assert re.search(r"misspelled\.scenario\.yaml:4:\d: .*sya.*say", about)
    assert "Traceback" not in about


def test_only_the_recording_of_what_failed_is_kept(run: Run) -> None:
    (recording,) = {Path(path) for path in re.findall("recording: (.*)", run.out)}

    assert [*recording.parents[2].rglob("*.ndjson")] == [recording]


def test_scenarios_are_played_against_the_server_that_is_named(tmp_path: Path) -> None:
    """And the environment's key is not looked at."""
    (tmp_path / "script.yaml").write_text("- reply: [{text: Bonjour.}]\n")
    written(tmp_path, "good.scenario.yaml", "bonjour")
    environ = {"OPENAI_API_KEY": "sk-users-0123456789", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    with ServerThread(script=tmp_path / "script.yaml", voice="tone", pace=0) as server:
        there = ran(tmp_path, "--realtime-url", server.base_url, environ=environ)
    here = ran(tmp_path, environ=environ)

    assert (there.code, here.code) == (0, 1), there.out + here.out


def test_a_server_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    written(tmp_path, "good.scenario.yaml")
    wrong = ran(tmp_path, "--realtime-url", "ftp://nowhere")

    assert wrong.code == 1 and "not a WebSocket or HTTP URL" in wrong.out and "Traceback" not in wrong.out


def test_one_server_serves_all_scenarios_of_a_process(tmp_path: Path) -> None:
    """And it is closed: no warning is left, and the process ends."""
    for number in range(3):
        written(tmp_path, f"{number}.scenario.yaml")
    (tmp_path / "conftest.py").write_text(
        "import rtcli.testing.build as build\n"
        "before = build.RealtimeServer\n"
        "def counted(**options):\n"
        "    print('SERVER STARTS', flush=True)\n"
        "    return before(**options)\n"
        "build.RealtimeServer = counted\n"
    )
    done = ran(tmp_path, "-s")

    assert done.code == 0 and done.out.count("SERVER STARTS") == 1, done.out
