"""What holds for every test: no key, no settings of the user who runs them, no proxy, no judgement by the clock."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from rtcli.masking import forget_secrets
from tests.kit.browser import browser  # noqa: F401  # a fixture for every folder

hypothesis.settings.register_profile(  # a busy one is no defect
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

_FOLDERS = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
_FOREIGN_TO_TESTS = ("OPENAI_", "AZURE_", "RTCLI_", "NO_COLOR", "FORCE_COLOR", "PY_COLORS")
# What tells pytest, typer and rich that nobody watches changes what the programs that the tests start print.
_OF_CI = ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "PYTEST_ADDOPTS", "COLUMNS", "LINES")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: a third of its time a test waits for a program that it started."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


# A minute and more each: they begin first, so that none is left to the end, when there is nothing to run beside it.
_LONG = ("test_oldest", "test_all_traffic", "test_dead_peer", "test_long_recording", "test_caps", "test_soak")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens a browser is marked so: `make test` does without, `make test-slow` runs it."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None or item.path.stem not in _LONG)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Also for the processes that tests start."""
    before = dict(os.environ)
    home: Path = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(_FOREIGN_TO_TESTS) or name in _OF_CI or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update({name: str(home / name.lower()) for name in _FOLDERS})
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_terminal() -> None:
    """What a shell runs in the background ignores Ctrl+C, and so would every program that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_secret_of_another_test() -> None:
    """What a test before this one kept secret would be masked here, or held back as the beginning of a secret."""
    forget_secrets()
