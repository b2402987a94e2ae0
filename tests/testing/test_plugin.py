"""The pytest plugin, as a user sees it: pytest runs in a process of its own, and its output is looked at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from rtcli.testing import ServerThread
from tests.cli.test_serve_once import SCRIPT

ROOT = Path(__file__).parents[2]
PLUGINS = ("rtcli.testing.plugin", "pytest_asyncio.plugin", "xdist.plugin")
INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest printed, and how it ended."""

    out: str
    code: int

    def outcome(self, test: str) -> list[str]:
        """What is said of a test in the summary, such as FAILED, or PASSED and ERROR."""
        return re.findall(rf"^(PASSED|FAILED|ERROR) \S*{test}\b", self.out, re.MULTILINE)

    def about(self, heading: str) -> str:
        """The report under a heading, such as a test's name, up to the next one."""
        return re.split(r"^_{3,} | _{3,}$", self.out, flags=re.MULTILINE)[self._place(heading)]

    def _place(self, heading: str) -> int:
        return re.split(r"^_{3,} | _{3,}$", self.out, flags=re.MULTILINE).index(heading) + 1


def ran(folder: Path, *options: str, environ: dict[str, str] | None = None) -> Run:
    """pytest in a folder, with the plugin and without whatever else is installed."""
    (folder / "pytest.ini").write_text(INI)
    named = [word for plugin in PLUGINS for word in ("-p", plugin)]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *named, *options, "."],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)} | (environ or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(ended.stdout + ended.stderr, ended.returncode)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The suite beside this file, run by two workers."""
    folder = tmp_path_factory.mktemp("suite")
    shutil.copyfile(Path(__file__).with_name("plugin_suite.py"), folder / "test_suite.py")
    (folder / "weather.yaml").write_text(SCRIPT)
    (folder / "calls.yaml").write_text("- reply: [{call: {name: get_weather}}]\n")
    return ran(folder, "-n", "2", f"--basetemp={folder / 'temporary'}")


@pytest.mark.parametrize(
    "test",
    [
        "test_behaves",
        "test_nearest_marker_holds",
        "test_faults",
        "test_session",
        "test_session_takes_fields_of_the_wire",
    ],
)
def test_what_keeps_to_the_script_passes(run: Run, test: str) -> None:
    assert run.outcome(test) == ["PASSED"], run.out


def test_clients_that_deviate_fail_the_test_itself(run: Run) -> None:
    """With what was expected, the rule that is broken, and the recording; no traceback through rtcli."""
    about = run.about("test_deviates")

    assert run.outcome("test_deviates") == ["FAILED"]
    assert "weather.yaml: rules that expect something never answered\n    rule 2 of weather.yaml" in about
    assert "call-unanswered (connection 1): event #" in about and "prevents: " in about
    assert ".py:" not in about
    (recording,) = re.findall("recording: (.*)", about)
    assert Path(recording).is_file()


def test_a_test_that_fails_by_itself_tells_what_its_clients_did_too(run: Run) -> None:
    """Once, and not as an error of its teardown."""
    about = run.about("test_fails_and_deviates")

    assert run.outcome("test_fails_and_deviates") == ["FAILED"]
    assert "of my own" in about and "realtime_server -----" in about and "call-unanswered" in about


def test_clients_that_stay_are_judged_when_they_have_left(run: Run) -> None:
    """The test has passed by then: its teardown fails."""
    assert run.outcome("test_leaves_late") == ["PASSED", "ERROR"]
    assert "rule 2 of weather.yaml" in run.about("ERROR at teardown of test_leaves_late")


def test_rules_are_asked_where_a_test_wants_them(run: Run) -> None:
    """Without a script too."""
    assert run.outcome("test_rules_alone") == ["FAILED"]
    assert "call-unanswered" in run.about("test_rules_alone")


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("test_misspelled", "the marker realtime_server has no option 'scrpt' (did you mean script?)"),
        ("test_without_a_name", "the marker realtime_server takes options by name, not 'weather.yaml'"),
        ("test_no_such_file", "nowhere.yaml: No such file or directory"),
    ],
)
def test_a_marker_that_cannot_be_used_is_one_line(run: Run, test: str, words: str) -> None:
    about = run.about(f"ERROR at setup of {test}")

    assert words in about and "Traceback" not in about and "During handling" not in about


def test_a_session_that_fails_names_its_recording(run: Run) -> None:
    (recording,) = re.findall("recording: (.*session.*)", run.about("test_session_fails"))

    assert '"type":"response.done"' in Path(recording).read_text().replace('": "', '":"')


@pytest.mark.parametrize(
    ("test", "words"), [("test_session_refused", "session.instruction"), ("test_value_refused", "max_output_tokens")]
)
def test_settings_that_the_server_refuses_fail_the_test(run: Run, test: str, words: str) -> None:
    """Else it would pass with other settings than those it is about."""
    assert run.outcome(test) == ["FAILED"]
    assert "ServerError" in run.about(test) and words in run.about(test)


def test_only_recordings_of_what_failed_are_kept(run: Run) -> None:
    """Each is named once or more in the output."""
    (folder,) = {Path(path).parents[2] for path in re.findall("recording: (.*)", run.out)}
    kept = {str(path) for path in folder.rglob("*.ndjson")}

    assert kept == set(re.findall("recording: (.*)", run.out))


def test_a_run_without_such_tests_imports_nothing_of_rtcli(tmp_path: Path) -> None:
    """But the plugin itself: what has no use for it pays next to nothing."""
    (tmp_path / "test_empty.py").write_text(
        "import sys\n"
        "def test_nothing():\n"
        "    found = sorted(name for name in sys.modules if name.partition('.')[0] == 'rtcli')\n"
        "    assert found == ['rtcli', 'rtcli.scenario', 'rtcli.testing', 'rtcli.testing.plugin']\n"
        "    assert not {'websockets', 'numpy', 'orjson', 'yaml', 'rich'} & set(sys.modules)\n"
    )
    done = ran(tmp_path)

    assert done.code == 0, done.out


def test_the_marker_and_the_options_are_told(tmp_path: Path) -> None:
    """By --markers, --fixtures and --help."""
    assert "@pytest.mark.realtime_server(script=None" in ran(tmp_path, "--markers").out
    assert "realtime_session" in (fixtures := ran(tmp_path, "--fixtures").out) and "realtime_server" in fixtures
    assert "--realtime-url" in ran(tmp_path, "--help").out


def test_a_pace_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    wrong = ran(tmp_path, "--realtime-pace", "-1")

    assert wrong.code == pytest.ExitCode.USAGE_ERROR and "--realtime-pace: -1: must be a factor" in wrong.out


def test_another_server_is_used_and_no_key_is_taken_by_accident(tmp_path: Path) -> None:
    """The environment's key is sent nowhere unless its variable is named."""
    (tmp_path / "test_it.py").write_text(
        "async def test_it(realtime_session):\n"
        "    async with realtime_session() as session:\n"
        "        assert session.status.connection == 'connected'\n"
    )
    environ = {"OPENAI_API_KEY": "of-this-server", "MY_KEY": "of-this-server"}
    with ServerThread(key="of-this-server", voice="tone") as server:
        url = ("--realtime-url", server.url)
        without = ran(tmp_path, *url, environ=environ)
        named = ran(tmp_path, *url, "--realtime-key-env", "MY_KEY", environ=environ)
        missing = ran(tmp_path, *url, "--realtime-key-env", "NO_KEY", environ=environ)

    assert (without.code, named.code, missing.code) == (1, 0, 1), without.out + named.out
    assert "the environment variable NO_KEY is not set" in missing.out


def test_the_plugin_is_an_entry_point() -> None:
    """pytest finds it where rtcli is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["entry-points"]["pytest11"] == {"rtcli": PLUGINS[0]}
