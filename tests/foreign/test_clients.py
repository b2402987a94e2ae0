"""The official clients, unmodified, against the local server: each check of each driver is a test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.foreign.conftest import SUMMARY, Drive, checks_of

pytestmark = pytest.mark.foreign

DRIVERS = ("openai_package", "openai_agents", "agents_js")
ENGINES = ("auto", pytest.param("tone", marks=pytest.mark.slow))


@pytest.mark.parametrize("engines", ENGINES)
@pytest.mark.parametrize(
    ("driver", "name"), [(driver, name) for driver in DRIVERS for name, _promise in checks_of(driver)]
)
def test_the_client_is_served(drive: Drive, driver: str, name: str, engines: str) -> None:
    """The promise is the docstring of the check in the driver, with the voice extra's engines and without them."""
    outcome = drive(driver, engines)
    failure = outcome.checks.get(name, f"the driver did not come to it: {outcome.problems}")

    assert failure is None, failure


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_check_makes_a_promise(driver: str) -> None:
    """A check without a sentence that says what it holds is no check."""
    assert checks_of(driver)
    assert [name for name, promise in checks_of(driver) if not promise] == []


@pytest.mark.parametrize("engines", ENGINES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_every_event_fits_the_typed_models(
    drive: Drive, driver: str, engines: str, record_property: Callable[[str, object], None]
) -> None:
    """Strictly, and without a field that the package does not know; the JavaScript SDK: its own schemas take each one.

    The counts are in the run's summary.
    """
    outcome = drive(driver, engines)
    passed = sum(failure is None for failure in outcome.checks.values())
    events = f"{sum(outcome.events.values())} events of {len(outcome.events)} types"
    refused = f"{len(outcome.problems)} refused by the typed models"
    record_property(
        SUMMARY, f"{driver}, engines {engines}: {passed} of {len(outcome.checks)} checks; {events}, {refused}"
    )

    assert outcome.problems == []
    assert len(outcome.events) > 20


@pytest.mark.parametrize("engines", ENGINES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_the_rules_have_nothing_against_what_the_server_took(drive: Drive, driver: str, engines: str) -> None:
    """A rule of severity error objects to what is refused, and to nothing else that a client does."""
    outcome = drive(driver, engines)

    assert outcome.sessions > 5
    assert outcome.false_alarms == []
