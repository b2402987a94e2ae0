"""Rules about the protocol: records of a session in, findings out, each with the trouble that it prevents."""

from rtcli.lint.linter import Linter
from rtcli.lint.rule import Finding, Rule, Severity
from rtcli.lint.rules import RULES, rules_without

__all__ = ["RULES", "Finding", "Linter", "Rule", "Severity", "rules_without"]
