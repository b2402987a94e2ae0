"""The linter: fed with records in order, it asks the rules that look at each, and keeps what they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

from rtcli.lint.facts import Facts
from rtcli.lint.rule import AT_END, MALFORMED, AnyEvent, EndCheck, EventCheck, Finding, Rule
from rtcli.lint.rules import RULES
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.record import Direction, Frame, Record

MAX_PER_RULE = 50
"""Findings of one rule that are kept; what is beyond is counted."""

_RECEIVED = Direction.RECEIVED


class Linter:
    """The rules over one session. `findings` are those so far, in order; `more` counts what was not kept, by rule."""

    def __init__(self, rules: Iterable[Rule] = RULES) -> None:
        self.findings: list[Finding] = []
        self.more: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._facts = Facts()
        self._dialect = Dialect()
        self._at_end: list[Rule] = []
        self._by_event: dict[str, list[Rule]] = {}
        for rule in rules:
            if AT_END in rule.on:
                self._at_end.append(rule)
            for key in rule.on:
                self._by_event.setdefault(key, []).append(rule)

    def __repr__(self) -> str:
        return f"<Linter: {len(self.findings)} findings>"

    def observe(self, record: Record) -> None:
        """Look at one record."""
        if not isinstance(record, Frame):
            self._facts.of_record(record)
            return
        event = record.event
        if event is None:
            self._ask(MALFORMED, {}, record)
        else:
            # The frame as it crossed the wire first, then what it means in GA's words: a dialect may make several
            # events of one.
            self._ask(record.direction.value, event, record)
            for read in self._read(event, record):
                self._ask(f"{record.direction.value}{read.get('type')}", read, record)
                # After the rules: they judge an event by what was known before it.
                self._facts.of_event(read, record)
        # Once for a frame, whatever number of events it was read as: answers are counted by frames.
        self._facts.of_frame(record)

    def finish(self) -> list[Finding]:
        """The session is over, or is judged as if it were: all findings, with what was left undone."""
        left = [
            Finding(rule, text, number, self._facts.at)
            for rule in self._at_end
            for number, text in cast(EndCheck, rule.check)(self._facts)
        ]
        # Not through _keep(): a session may be judged while it goes on, and what is open now may be answered later.
        return sorted((*self.findings, *left[: MAX_PER_RULE * len(self._at_end)]), key=lambda one: one.number or 0)

    def _read(self, event: AnyEvent, frame: Frame) -> Iterable[AnyEvent]:
        """What a server's event says in the words of the GA API."""
        if frame.direction is not _RECEIVED or not isinstance(event.get("type"), str):
            return (event,)
        read = self._dialect.read(cast(dict[str, Any], event))
        return (event,) if read is None else read  # None: no dialect, the event means what it says; (): it says nothing

    def _ask(self, key: str, event: AnyEvent, frame: Frame) -> None:
        for rule in self._by_event.get(key, ()):
            for text in cast(EventCheck, rule.check)(self._facts, event, frame):
                self._keep(Finding(rule, text, frame.number, frame.at))

    def _keep(self, finding: Finding) -> None:
        rule = finding.rule.id
        self._counts[rule] += 1
        if self._counts[rule] > MAX_PER_RULE:
            self.more[rule] += 1
        else:
            self.findings.append(finding)
