"""Two sessions side by side: their turns aligned by what was said, and what differs in each pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from rtcli.protocol.events import read_json
from rtcli.protocol.usage import TokenUsage
from rtcli.timeline.figures import COLUMNS, FIGURES, summary
from rtcli.timeline.turns import Turn, TurnCall

Cost = Callable[[str, TokenUsage], float | None]
"""What tokens of a model cost, in dollars; None: its price is not known."""


@dataclass(frozen=True, slots=True)
class TurnPair:
    """The same turn in both sessions; None where one of them does not have it."""

    left: Turn | None
    right: Turn | None

    @property
    def name(self) -> str:
        """The numbers of the turn: `2`, `2 and 3`, `2 of A`."""
        if self.left and self.right:
            a, b = self.left.number, self.right.number
            return str(a) if a == b else f"{a} and {b}"
        return f"{self.left.number} of A" if self.left else f"{self.right.number} of B" if self.right else ""


@dataclass(frozen=True, slots=True)
class Change:
    """Something is another in the second session. `kind` is words, tools, status or turns; `what` says it for users."""

    kind: str
    what: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure of both sessions, None where one does not have it; `unit` is ms, tokens or dollars."""

    name: str
    unit: str
    left: float | None
    right: float | None

    @property
    def growth(self) -> float | None:
        """By how many percent it grew; None where nothing can be compared."""
        if self.left is None or self.right is None:
            return None
        if self.left == 0:
            return 0.0 if self.right == 0 else float("inf")
        return (self.right - self.left) / self.left * 100


def align(left: Sequence[Turn], right: Sequence[Turn]) -> list[TurnPair]:
    """Turns in which the user said the same are pairs; between those, turns are pairs in their order."""
    # autojunk drops what is frequent in long sequences: "yes" said a hundred times is still what was said.
    matcher = SequenceMatcher(None, [_key(turn) for turn in left], [_key(turn) for turn in right], autojunk=False)
    pairs: list[TurnPair] = []
    for operation, a, a_end, b, b_end in matcher.get_opcodes():
        if operation == "replace" and a_end - a != b_end - b:  # what came or went is at the end of such a stretch
            both = min(a_end - a, b_end - b)
            pairs += [TurnPair(left[a + i], right[b + i]) for i in range(both)]
            a, b = a + both, b + both  # noqa: PLW2901  # what is left of the stretch
        if a_end - a == b_end - b:
            pairs += [TurnPair(one, two) for one, two in zip(left[a:a_end], right[b:b_end], strict=True)]
        else:
            pairs += [TurnPair(turn, None) for turn in left[a:a_end]]
            pairs += [TurnPair(None, turn) for turn in right[b:b_end]]
    return pairs


def _key(turn: Turn) -> str:
    # A transcriber punctuates the same words differently from run to run.
    words = "".join(letter if letter.isalnum() else " " for letter in turn.text.casefold()).split()
    return " ".join(words) or turn.kind.value


def changes(pair: TurnPair) -> Iterator[Change]:
    """What differs in a pair, its figures aside."""
    left, right = pair.left, pair.right
    if left is None or right is None:
        here, there = ("missing", "there") if left is None else ("there", "missing")
        yield Change("turns", "turn", here, there)
        return
    for what, one, two in (("you", left.text, right.text), ("answer", answer(left), answer(right))):
        if one.split() != two.split():  # white space is not a word
            yield Change("words", what, one, two)
    if [_same(call) for call in left.calls] != [_same(call) for call in right.calls]:
        yield Change("tools", "tools", _calls(left), _calls(right))
    if status(left) != status(right):
        yield Change("status", "status", status(left), status(right))


def answer(turn: Turn) -> str:
    """All that the model said in a turn."""
    return "\n".join(response.text for response in turn.responses if response.text)


def status(turn: Turn) -> str:
    """How a turn ended."""
    return turn.why_failed or ("interrupted" if turn.interruptions else "cancelled" if turn.cancelled else "completed")


def _same(call: TurnCall) -> tuple[str, str]:
    """A call as it is compared: its arguments are, however they are written."""
    try:
        return call.name, json.dumps(read_json(call.arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, call.arguments


def _calls(turn: Turn) -> str:
    return ", ".join(f"{call.name} {call.arguments}" for call in turn.calls) or "none"


def cost_of(turns: Sequence[Turn], cost: Cost) -> float | None:
    """What turns cost; None where a model has no price."""
    prices = [cost(response.model, response.usage) for turn in turns for response in turn.responses]
    # A sum without one of its parts would look like the price of all.
    return None if None in prices else sum(price for price in prices if price is not None)


def amounts(left: Sequence[Turn], right: Sequence[Turn], cost: Cost) -> list[Amount]:
    """The figures of two sessions (the median of each latency), their tokens and what they cost."""
    found = [Amount(name, "ms", summary(name, 0.5, left), summary(name, 0.5, right)) for name in FIGURES]
    for name in ("input", "output"):
        sums = (float(sum(getattr(turn.usage, name) for turn in turns)) for turns in (left, right))
        found.append(Amount(f"{name}_tokens", "tokens", *sums))
    found.append(Amount("cost", "dollars", cost_of(left, cost), cost_of(right, cost)))
    return [amount for amount in found if amount.left is not None or amount.right is not None]


def pair_amounts(pair: TurnPair, cost: Cost) -> list[Amount]:
    """The same of one pair: its latencies as `/stats` shows them, its tokens, its cost."""
    left, right = ([turn] if turn else [] for turn in (pair.left, pair.right))
    shown = (*COLUMNS, "input_tokens", "output_tokens", "cost")
    found = (amount for amount in amounts(left, right, cost) if amount.name in shown)
    return [
        replace(one, left=one.left if pair.left else None, right=one.right if pair.right else None) for one in found
    ]
