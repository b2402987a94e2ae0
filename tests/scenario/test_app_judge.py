"""AppJudge: what a server has seen of an application, as cases of a test."""

from __future__ import annotations

from rtcli.errors import ExitCode
from rtcli.protocol.differences import NOTHING, Discrepancy, Mismatch
from rtcli.protocol.record import Connected, Connection, Http
from rtcli.scenario.app_judge import AppJudge
from rtcli.scenario.verdict import CaseResult
from tests.kit.events import CREATED
from tests.kit.told import Told

LATE = Mismatch("event 3 of the client is not response.create", (Discrepancy("item.output", "21*", NOTHING),))


def connects(judge: AppJudge, told: Told, *, begins: bool = True, ends_at: float = 0.0) -> None:
    """A connection with what was told; a session begins on it, or it joins one."""
    observe = judge.connection("127.0.0.1:5")
    observe(Connection(0.0, Connected.OPEN, "ws://127.0.0.1:1/v1/realtime"))
    first = Told()
    if begins:
        first.gets("session.created", **{name: value for name, value in CREATED.items() if name != "type"})
    for record in (*first.records, *told.records):
        observe(record)
    observe(Connection(ends_at, Connected.CLOSED, code=1000))


def calling() -> Told:
    """The model calls a tool, and nobody answers."""
    told = Told()
    told.begins("r1")
    told.calls("r1", "c1")
    told.ends("r1")
    return told


def broken(cases: list[CaseResult]) -> list[list[str]]:
    return [[step.name for step, _ in case.problems] for case in cases]


def test_a_broken_rule_is_a_problem_of_its_connection() -> None:
    """With the event, the trouble that it makes, and the recording of that connection."""
    judge = AppJudge()
    connects(judge, Told(), ends_at=1.5)
    connects(judge, calling())
    first, second = judge.cases("", ["one.ndjson", "two.ndjson"])
    ((step, problem),) = second.problems

    assert (first.name, first.exit_code, first.seconds) == ("connection 1", ExitCode.OK, 1.5)
    assert (second.name, second.exit_code, second.recording) == ("connection 2", ExitCode.EXPECTATION, "two.ndjson")
    assert step.name == "call-unanswered" and problem.message.startswith("event #")
    assert problem.details == ("prevents: the model waits for its tool, and the user for an answer",)


def test_a_warning_is_found_and_is_no_problem() -> None:
    judge, told = AppJudge(), Told()
    told.sends("response.create", event_id="a", strange=True)
    connects(judge, told)

    assert "unknown-field" in {finding.rule.id for _, finding in judge.findings()}
    assert broken(judge.cases("")) == [[]]


def test_who_joins_a_session_owes_it_nothing() -> None:
    """A call that it has seen may be answered by another connection."""
    judge = AppJudge()
    connects(judge, calling(), begins=False)

    assert broken(judge.cases("")) == [[]]


def test_a_mismatch_is_a_problem_of_the_script() -> None:
    """With the difference, and the first recording."""
    judge = AppJudge([])
    connects(judge, calling())
    judge.mismatches.append(LATE)
    script, connection = judge.cases("weather.yaml", ["one.ndjson"])
    ((step, problem),) = script.problems

    assert (script.group, step.name, script.recording) == ("script", "weather.yaml", "one.ndjson")
    assert problem.message == LATE.what and problem.details == ("  item.output", '    - "21*"')
    assert connection.exit_code is ExitCode.OK


def test_a_script_without_objections_is_a_case_that_passed() -> None:
    """Also where nobody connected; a request by HTTP is not a connection."""
    judge = AppJudge()
    judge.connection("a client")(Http(0.0, "GET", "/v1/models", 404))

    assert judge.connections == []
    assert [(case.name, case.exit_code) for case in judge.cases("weather.yaml")] == [("weather.yaml", ExitCode.OK)]
