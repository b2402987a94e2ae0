"""The pytest plugin: scenarios are collected as tests, and `realtime_server` and `realtime_session` are fixtures.

pytest loads this in every run where rtcli is installed, so nothing else of rtcli is imported before it is used, and
the rewriting of assertions, of which there are none, is left out: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from rtcli.scenario import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

    from rtcli.testing.fixtures import Judged, SessionOpener
    from rtcli.testing.server_thread import ServerThread

_MARKER = (
    "realtime_server(script=None, recording=None, faults=(), pace=0, rules=None, ignore=(), ...): what the fixture "
    "realtime_server serves, and how its clients are judged; files are beside the test's."
)
_JUDGED = pytest.StashKey[list["Judged"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--realtime-url` and its companions; the environment's key is not looked at, so that no run pays by accident."""
    group = parser.getgroup("realtime", "rtcli: scenarios and sessions of the Realtime API")
    group.addoption(
        "--realtime-url",
        metavar="URL",
        help="the server for scenarios and realtime_session (the built-in one, which needs no key and no network)",
    )
    group.addoption(
        "--realtime-key-env", metavar="NAME", help="the environment variable that holds the key for --realtime-url"
    )
    group.addoption(
        "--realtime-pace",
        metavar="N",
        type=_pace,
        help="how fast the built-in server speaks for scenarios and realtime_session: 2 is twice as fast, 0 at once",
    )


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = -1.0  # is refused below, like "nan", which fails every comparison
    # argparse has to raise it: only then does the message name the option.
    if not 0 <= pace < float("inf"):
        raise ArgumentTypeError(f"{text}: must be a factor, or 0 for at once")
    return pace


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario is a test."""
    # Every file of every user's project passes here, so nothing is imported before the name says that it is ours.
    if not file_path.name.endswith(SUFFIXES):
        return None
    from rtcli.testing.collector import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.fixture
def realtime_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """The built-in server on loopback: `realtime_server.url`, `.base_url`; see the marker of the same name.

    With a script or a recording its clients are judged: what they do otherwise fails the test.
    """
    from rtcli.testing.fixtures import judged_server

    with judged_server(request, tmp_path_factory) as judged:
        # The hooks below know the test only, and not its fixtures.
        request.node.stash.setdefault(_JUDGED, []).append(judged)
        yield judged.server


@pytest.fixture
def realtime_session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SessionOpener]:
    """Opens sessions: `async with realtime_session(instructions="Be brief.") as session: ...`."""
    from rtcli.testing.fixtures import session_opener

    with session_opener(request, tmp_path_factory) as opener:
        request.node.stash.setdefault(_JUDGED, []).append(opener)
        yield opener


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """A test whose clients deviated has failed, where all of them have left when it ends; else its teardown says so."""
    yield
    for judged in item.stash.get(_JUDGED, ()):
        judged.judge_call()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed tells what the server has seen of it, and where that is recorded."""
    report = yield
    for judged in item.stash.get(_JUDGED, ()):
        judged.report(report)
    return report
