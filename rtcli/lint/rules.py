"""All rules, in the order in which the docs list them."""

from __future__ import annotations

from rtcli.lint import audio_rules, conversation_rules, event_rules, response_rules, session_rules, tool_rules
from rtcli.lint.rule import Rule

_MODULES = (event_rules, session_rules, audio_rules, conversation_rules, response_rules, tool_rules)

RULES: tuple[Rule, ...] = tuple(
    value for module in _MODULES for value in vars(module).values() if isinstance(value, Rule)
)
