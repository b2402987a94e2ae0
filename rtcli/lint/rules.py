"""All rules, in the order in which the docs list them."""

from __future__ import annotations

from collections.abc import Iterable

from rtcli.errors import UsageError
from rtcli.lint import audio_rules, conversation_rules, event_rules, response_rules, session_rules, tool_rules
from rtcli.lint.rule import Rule
from rtcli.protocol.nearest import nearest_hint

_MODULES = (event_rules, session_rules, audio_rules, conversation_rules, response_rules, tool_rules)

RULES: tuple[Rule, ...] = tuple(
    # vars() keeps the order of a module's lines: the order in which a reader meets them.
    value
    for module in _MODULES
    for value in vars(module).values()
    if isinstance(value, Rule)
)


def rules_without(names: Iterable[str], option: str = "--ignore") -> list[Rule]:
    """All rules but these. Raises UsageError, which names the option, for one that does not exist."""
    known, ignored = [rule.id for rule in RULES], set(names)
    for name in ignored.difference(known):
        hint = nearest_hint(name, known, "rtcli check --rules lists them")
        raise UsageError(f"{option} {name}: unknown rule", hint=hint)
    return [rule for rule in RULES if rule.id not in ignored]
