"""Judges what has come: what is missing, late, out of order or excluded, and what went wrong unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rtcli.errors import ExitCode, ServerError
from rtcli.protocol.differences import NOTHING, Discrepancy, Mismatch
from rtcli.protocol.units import duration
from rtcli.scenario.facts import Fact, SceneFacts
from rtcli.scenario.language import Expectation
from rtcli.scenario.verdict import StepProblem

_OTHER_KIND = {"text": "transcript", "transcript": "text"}
_HINTS = {
    "text": "the answer was spoken: expect transcript, or ask for text with session: {output_modalities: [text]}",
    "transcript": "the answer was written: expect text, or ask for audio with session: {output_modalities: [audio]}",
}
_MAX_TYPES = 12  # that a message lists


def open_items(expected: Sequence[Expectation], facts: SceneFacts, *, ordered: bool = False) -> bool:
    """Whether something that has to come has not come yet."""
    return any(not one.excluded for one, _ in _unmet(expected, facts, ordered=ordered))


def judge(expected: Sequence[Expectation], facts: SceneFacts, *, ordered: bool = False) -> StepProblem | None:
    """What is not as expected, now that nothing more comes; None where all is."""
    unmet = list(_unmet(expected, facts, ordered=ordered))
    if not unmet:
        return None
    first, why = unmet[0]
    message = f"{first.text} {why.what}" if len(unmet) == 1 else f"{len(unmet)} expectations were not met"
    lines: list[str] = []
    for one, mismatch in unmet:
        head, *rest = str(Mismatch(f"{one.text} {mismatch.what}", mismatch.differences)).splitlines()
        lines += [f"{head} (line {one.line})", *rest] if len(unmet) > 1 else rest
    return StepProblem(message, tuple(lines))


def _unmet(
    expected: Sequence[Expectation], facts: SceneFacts, *, ordered: bool
) -> Iterator[tuple[Expectation, Mismatch]]:
    after = -1  # the position of what was met last
    # Each is looked for on its own: two alike may be met by one event, which counting would make hard to explain.
    for one in expected:
        met = [place for place, fact in enumerate(facts.all) if _is(one, fact)]
        timely = [place for place in met if one.within is None or facts.all[place].at - facts.since <= one.within]
        if one.excluded:
            if timely:
                yield one, _came(facts.all[timely[0]])
            continue
        fitting = [place for place in timely if place > after or not ordered]
        if fitting:
            after = fitting[0]  # the earliest that fits, so that the most is left for those behind it
        elif timely:
            yield one, Mismatch("came before what it should follow")
        elif met:
            yield one, _late(one, facts.all[met[0]].at - facts.since)
        else:
            yield one, Mismatch(_how_missed(one, facts), tuple(_instead(one, facts)))


def _is(one: Expectation, fact: Fact) -> bool:
    return fact.kind == one.kind and not one.matcher.differences(fact.value)


def _came(fact: Fact) -> Mismatch:
    return Mismatch(f"came, in #{fact.number}", (Discrepancy("", NOTHING, fact.value),))


def _late(one: Expectation, after: float) -> Mismatch:
    return Mismatch(
        "came too late",
        (Discrepancy("", f"within {duration((one.within or 0) * 1000)}", f"after {duration(after * 1000)}"),),
    )


def _how_missed(one: Expectation, facts: SceneFacts) -> str:
    alike = one.kind == "event" and one.matcher.type
    came = alike and any(fact.value.get("type") == one.matcher.type for fact in facts.of("event"))
    return "came, but with other values" if came else "did not come"


def _instead(one: Expectation, facts: SceneFacts) -> Iterator[Discrepancy]:
    """What came in its place."""
    came = facts.of(one.kind)
    if one.kind == "event":
        yield from _nearest_event(one, came)
    elif one.kind == "call" and came:
        # The call that was probably meant; the differences of all of them would bury the one that matters.
        nearest = min((one.matcher.differences(fact.value) for fact in came), key=len)
        names = ", ".join(str(fact.value["name"]) for fact in came)
        for difference in nearest:
            yield Discrepancy("", difference.expected, names) if difference.path == "name" else difference
    else:
        key = one.kind if one.kind in _OTHER_KIND else "name"
        said = " / ".join(str(fact.value.get(key)) for fact in came)
        yield Discrepancy("", one.matcher.fields.get(key, "any"), said or NOTHING)
        if one.kind in _OTHER_KIND and not came and facts.of(_OTHER_KIND[one.kind]):
            yield Discrepancy(_HINTS[one.kind], NOTHING, NOTHING)


def _nearest_event(one: Expectation, came: Sequence[Fact]) -> Iterator[Discrepancy]:
    alike = [fact for fact in came if one.matcher.type and fact.value.get("type") == one.matcher.type]
    if alike:
        # As with calls: the event that comes closest says most about the mistake.
        nearest = min((one.matcher.differences(fact.value) for fact in alike), key=len)
        yield from nearest
        return
    types = Counter(str(fact.value.get("type")) for fact in came)
    shown = [f"{name} x {count}" if count > 1 else name for name, count in types.items()]
    more = [f"and {len(shown) - _MAX_TYPES} more"] if len(shown) > _MAX_TYPES else []
    yield Discrepancy("", dict(one.matcher.fields), ", ".join([*shown[:_MAX_TYPES], *more]) or NOTHING)


def unexpected(facts: SceneFacts, expected: Sequence[Expectation] = ()) -> StepProblem | None:
    """An error event, or a response that failed, which no expectation asked for; each is judged once."""
    asked = [one for one in expected if not one.excluded]
    found = [fact for fact in facts.troubles if not any(_is(one, fact) for one in asked)]
    # Judged once: an error in the first turn must not fail the expectations of every later one as well.
    facts.troubles.clear()
    return _trouble(found[0]) if found else None


def _trouble(fact: Fact) -> StepProblem:
    if fact.value.get("type") == "error":
        words = str(ServerError(fact.value))
        return StepProblem(f"the server sent an error in #{fact.number}", (words,), ExitCode.SERVER_ERROR)
    response = fact.value["response"]
    details = response.get("status_details")
    why = Discrepancy("", NOTHING, details).lines() if details else []
    what = f"a response ended {response['status']} in #{fact.number}"
    return StepProblem(what, tuple(line.strip(" +") for line in why), ExitCode.RESPONSE_FAILED)
