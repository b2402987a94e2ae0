"""Writes results as JUnit XML, in the form that both common schemas accept (Windyroad's, and Jenkins's)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC
from xml.etree.ElementTree import Element, SubElement, tostring

from rtcli.masking import masked
from rtcli.scenario.verdict import CaseResult, Outcome, SuiteResult

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have, such as those that begin a terminal's commands."""

_ELEMENTS = {Outcome.FAILED: "failure", Outcome.ERROR: "error"}


def junit_xml(suites: Iterable[SuiteResult]) -> bytes:
    """The document, as UTF-8. Secrets of this process are masked in it."""
    root = Element("testsuites")
    for number, suite in enumerate(suites):
        _add_suite(root, suite, number)
    document: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + document + b"\n"


def _add_suite(root: Element, suite: SuiteResult, number: int) -> None:
    element = SubElement(root, "testsuite")
    given = {
        "id": str(number),
        "name": suite.name,
        "package": "rtcli",
        "timestamp": suite.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),  # the schema has no zones
        "hostname": "localhost",
        "tests": str(len(suite.cases)),
        "failures": str(suite.count(Outcome.FAILED)),
        "errors": str(suite.count(Outcome.ERROR)),
        "skipped": str(suite.count(Outcome.SKIPPED)),
        "time": _seconds(suite.seconds),
    }
    element.attrib.update({name: _written(value) for name, value in given.items()})
    properties = SubElement(element, "properties")
    for name, value in suite.facts.items():
        SubElement(properties, "property", name=_written(name), value=_written(value))
    for case in suite.cases:
        _add_case(element, case, suite.name)
    kept = [f"{case.name}: {case.recording}" for case in suite.cases if case.recording]
    # Windyroad's schema wants both, in this order, also where they are empty.
    SubElement(element, "system-out").text = _written("\n".join(kept))
    SubElement(element, "system-err").text = ""


def _add_case(suite: Element, case: CaseResult, group: str) -> None:
    named = {"name": _written(case.name) or "-", "classname": _written(case.group or group) or "-"}
    element = SubElement(suite, "testcase", named, time=_seconds(case.seconds))
    if case.outcome is Outcome.SKIPPED:
        SubElement(element, "skipped")
    elif (tag := _ELEMENTS.get(case.outcome)) is not None:
        first = next(problem for _, problem in case.problems if problem.outcome is case.outcome)
        found = SubElement(element, tag, message=_written(first.message), type=first.code.name.lower())
        found.text = _written(case_text(case))


def case_text(case: CaseResult) -> str:
    """What went wrong in a case, step by step, and where its recording lies."""
    lines = [f"{_place(step.line)}{step.name}\n{_indented(problem.text)}" for step, problem in case.problems]
    return "\n".join([*lines, *([f"recording: {case.recording}"] if case.recording else [])])


def _place(line: int) -> str:
    return f"line {line}: " if line else ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _seconds(value: float) -> str:
    return f"{max(value, 0.0):.3f}"  # a clock that was set back must not make the document invalid


def _written(text: str) -> str:
    """Text as a document may hold it: without secrets, and with what XML does not have written as \\x1b."""
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), masked(text))
