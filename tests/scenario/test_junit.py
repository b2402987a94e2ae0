"""JUnit XML: what CI servers read of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from rtcli.errors import ExitCode
from rtcli.masking import add_secret, forget_secrets
from rtcli.scenario.junit import junit_xml
from rtcli.scenario.verdict import CaseResult, StepProblem, StepResult, SuiteResult

SCHEMA = xmlschema.XMLSchema10(str(Path(__file__).parent / "junit.xsd"))
STARTED = datetime(2026, 11, 26, 12, 30, 45, 678000, tzinfo=UTC)

LATE = StepProblem("the transcript came too late", ("- within 900ms", "+ 1.2 s"))
LOST = StepProblem("the connection was lost", code=ExitCode.CONNECTION)
CASES = [
    CaseResult("greets", "greeting.scenario.yaml", [StepResult("say hello", 0.2)], 0.25),
    CaseResult(
        "is quick", "speed.scenario.yaml", [StepResult("expect", 1.2, LATE, line=7)], 1.5, "/tmp/run/speed.ndjson"
    ),
    CaseResult("stays", "loss.scenario.yaml", [StepResult("expect", 1.0, LATE), StepResult("say", 0.0, LOST)], 1.0),
    CaseResult("was left out", "later.scenario.yaml", reason="interrupted"),
]


def written(*cases: CaseResult, name: str = "rtcli run", facts: dict[str, str] | None = None) -> ElementTree.Element:
    """The document of one suite, which the schema has accepted."""
    document = junit_xml([SuiteResult(name, STARTED, cases, 3.5, facts or {})])
    SCHEMA.validate(document.decode())
    return ElementTree.fromstring(document)


def test_the_common_schema_accepts_every_outcome() -> None:
    """A CI server that checks what it reads takes it; a run of nothing, too."""
    suite = written(*CASES, facts={"endpoint": "local", "rtcli": "1.0"})[0]

    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite.iter("testcase")] == [
        [], ["failure"], ["error"], ["skipped"]
    ]  # fmt: skip
    SCHEMA.validate(junit_xml([]).decode())
    SCHEMA.validate(junit_xml([SuiteResult("a", STARTED), SuiteResult("b", STARTED)]).decode())


def test_a_failure_says_step_line_difference_and_recording() -> None:
    """Who reads the CI page need not look anywhere else first."""
    failure = written(CASES[1]).find(".//failure")

    assert failure is not None
    assert failure.get("message") == "the transcript came too late"
    assert failure.get("type") == "expectation"
    assert failure.text == (
        "line 7: expect\n  the transcript came too late\n  - within 900ms\n  + 1.2 s\nrecording: /tmp/run/speed.ndjson"
    )


def test_an_error_outweighs_a_failure() -> None:
    """A case that lost its connection is an error, whatever failed before."""
    error = written(CASES[2]).find(".//error")

    assert error is not None
    assert error.get("message") == "the connection was lost"
    assert error.text is not None
    assert "too late" in error.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("nul \0 and \ud800", "nul \\x00 and \\ud800"),
        ("<&>\"'", "<&>\"'"),
        ("\uffff", "\\uffff"),
        ("emoji 🎤 and ü", "emoji 🎤 and ü"),
    ],
)
def test_any_text_of_a_server_makes_a_document(text: str, shown: str) -> None:
    """What XML does not have is escaped, in names as well as in messages."""
    case = CaseResult(text, text, [StepResult(text, 0.1, StepProblem(text, (text,)))], 0.1, text)
    failure = written(case, name=text, facts={text: text}).find(".//failure")

    assert failure is not None
    assert failure.get("message") == shown


def test_a_secret_of_this_process_is_not_in_the_document() -> None:
    """A report is uploaded; a key is not."""
    add_secret("very-secret-value-123")
    try:
        case = CaseResult("very-secret-value-123", "f", [StepResult("s", 0, StepProblem("very-secret-value-123"))])
        document = junit_xml([SuiteResult("s", STARTED, [case], facts={"url": "very-secret-value-123"})])
    finally:
        forget_secrets()

    assert b"very-secret" not in document
