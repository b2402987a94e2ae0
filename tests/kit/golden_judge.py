"""Compares what a step of ours did with its recording, and knows where ours differs on purpose."""

from __future__ import annotations

import json
from typing import Any

from tests.kit.golden_differences import DELIBERATE
from tests.kit.golden_player import CLOSED, Player, Seen
from tests.kit.golden_story import Step, Story
from tests.kit.golden_values import AUTO_ID, same, same_event, same_url


class Judge:
    """One scenario's judge: feed it every step in order.

    Behind a step that differs on purpose ours may be elsewhere than the reference: such a scenario has only to go on
    well from there, where the difference says so.
    """

    def __init__(self, player: Player) -> None:
        self.player = player
        self.story = Story(clock=player.scenario.get("clock_ms", 1_000_000))
        self.passed: set[str] = set()  # names of the deliberate differences that were met
        self._apart = False

    def judge(self, step: Step, seen: Seen) -> set[str]:
        """What of a step differs from its recording and should not."""
        found = self._wrong(step, seen)
        try:
            return self._unexplained(step, seen, found) if found else set()
        finally:
            self.story.tell(step, seen)

    def _unexplained(self, step: Step, seen: Seen, found: set[str]) -> set[str]:
        """What no deliberate difference explains; each may explain some of it, and the first ones do."""
        left, met = set(found), []
        for difference in DELIBERATE:
            if (
                left & difference.parts
                and difference.applies(step, seen, self.story)
                and difference.accepts(step, seen, self.story, self)
            ):
                left -= difference.parts
                met.append(difference)
        if not left:
            self.passed.update(difference.name for difference in met)
            self._apart = self._apart or any(difference.parts_ways(step) for difference in met)
            return set() if is_alive(seen) else {"dead"}
        return set() if self._apart and is_alive(seen) else found

    def _wrong(self, step: Step, seen: Seen) -> set[str]:
        if step.get("setup"):
            return {"error"} if seen.error else set()
        checks = {
            "error": ("expect_error" in step) == (seen.error is not None),
            "crash": not isinstance(seen.error, AttributeError | LookupError | AssertionError | NameError),
            "result": "expect_return" not in step or same(step["expect_return"], seen.result),
            "pending": step.get("expect_pending", False) == seen.pending,
            "values": same(step.get("expect_values", {}), seen.values),
            "state": all(same(value, seen.state[name]) for name, value in step.get("expect_state", {}).items()),
            "calls": same(step.get("expect_function_calls", []), seen.calls),
            "connections": _same_connections(step.get("expect_connections", []), seen),
            "wire": self.same_wire(step.get("expect_wire", []), seen.wire),
            "emitted": self.same_emitted(step.get("expect_emitted", []), seen.emitted, seen.sent),
            "uncaught": not seen.uncaught,
        }
        return {name for name, good in checks.items() if not good}

    def same_wire(self, want: list[Any], seen: list[Any]) -> bool:
        """Frame for frame; ids that the reference made are those that ours made, from then on."""
        texts = self.player.texts
        if len(want) != len(seen):
            return False
        for expected, actual in zip(want, seen, strict=True):
            recorded = expected.get("event_id", "")
            if isinstance(recorded, str) and AUTO_ID.fullmatch(recorded):
                made = actual.get("event_id")
                if not isinstance(made, str) or not made or made in texts.values():
                    return False
                texts[recorded] = made
            ours = {"event_id": texts[recorded]} if isinstance(recorded, str) and recorded in texts else {}
            if not same({**expected, **ours}, actual) or isinstance(actual.get("audio_end_ms"), float):
                return False
        return True

    def same_emitted(
        self,
        want: list[Any],
        seen: list[tuple[str, str, tuple[Any, ...]]],
        sent: list[Any],
        *,
        ignored: frozenset[str] = frozenset(),
        more: bool = False,
    ) -> bool:
        """In order; where the reference emits `*` alone, ours may emit the event under its own type as well.

        With `more` ours may emit anything else in between.
        """
        left = self._with_our_ids(want)
        for listener, name, args in seen:
            if left and left[0].get("listener", "") == listener and same_event(left[0], name, args, sent, ignored):
                left.pop(0)
            elif not more and ("." not in name or listener):
                return False
        return not left

    def _with_our_ids(self, value: Any) -> Any:
        text = json.dumps(value)
        for recorded, made in self.player.texts.items():
            text = text.replace(f'"{recorded}"', f'"{made}"')
        return json.loads(text)


def _same_connections(want: list[Any], seen: Seen) -> bool:
    dialled = [entry for entry in want if not entry["url"].startswith("$CLOSED")]  # nobody saw those
    dialled_by_ours = [entry for entry in seen.connections if not entry[0].startswith(CLOSED)]
    return len(dialled) == len(dialled_by_ours) and all(
        same_url(entry["url"], url) and entry["headers"].get("authorization") == headers.get("authorization")
        for entry, (url, headers) in zip(dialled, dialled_by_ours, strict=True)
    )


def is_alive(seen: Seen) -> bool:
    """Nothing escaped, and every event that the server sent came through."""
    whole = [args[0] for listener, name, args in seen.emitted if name == "*" and not listener]
    events = [event for event in seen.sent if isinstance(event, dict) and isinstance(event.get("type"), str)]
    return not seen.uncaught and (seen.state["status"] != "connected" or whole[len(whole) - len(events) :] == events)
