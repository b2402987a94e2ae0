"""Rules about function calls: each is answered, once, and the model goes on."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.lint.facts import Facts, KnownCall
from rtcli.lint.rule import AnyEvent, Severity, rule, rule_at_end
from rtcli.protocol.events import mapping_of
from rtcli.protocol.record import Frame

_CREATE = ">conversation.item.create"


def _answered(facts: Facts, event: AnyEvent) -> tuple[str, KnownCall | None] | None:
    """The call that a sent output is for; None where the event is not an output."""
    item = mapping_of(event.get("item"))
    if item.get("type") != "function_call_output":
        return None
    call_id = str(item.get("call_id"))
    return call_id, facts.calls.get(call_id)


@rule("output-without-call", Severity.ERROR, _CREATE, prevents="the output is refused: invalid_tool_call_id")
def output_without_call(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An output is for a call that was made."""
    found = _answered(facts, event)
    if found is not None and found[1] is None and facts.whole:
        yield f"an output for call {found[0]!r}, which was never made"


@rule("output-repeated", Severity.ERROR, _CREATE, prevents="the tool ran twice, or the model gets two results")
def output_repeated(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A call is answered once."""
    found = _answered(facts, event)
    if found is not None and found[1] is not None and found[1].output is not None:
        yield f"a second output for call {found[0]!r}, the first is #{found[1].output}"


@rule(
    "output-after-cancel",
    Severity.WARNING,
    _CREATE,
    prevents="a result for an answer that was broken off confuses the next one",
)
def output_after_cancel(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """No output is sent for a response that was cancelled."""
    found = _answered(facts, event)
    response = facts.responses.get(found[1].response_id) if found is not None and found[1] is not None else None
    if found is not None and response is not None and response.status == "cancelled":
        yield f"an output for call {found[0]!r}, whose response was cancelled"


@rule_at_end("call-unanswered", Severity.ERROR, prevents="the model waits for its tool, and the user for an answer")
def call_unanswered(facts: Facts) -> Iterator[tuple[int, str]]:
    """Every call is answered."""
    for call_id, call in facts.calls.items():
        response = facts.responses.get(call.response_id)
        cancelled = response is not None and response.status == "cancelled"
        if call.output is None and not call.by_client and not cancelled:
            yield call.number, f"call {call_id!r} of {call.name} was never answered"


@rule_at_end(
    "silent-after-output", Severity.WARNING, prevents="the server does not go on by itself after a tool's output"
)
def silent_after_output(facts: Facts) -> Iterator[tuple[int, str]]:
    """After a tool's output a response is asked for."""
    # by_client: a call that was put in together with its output is history, and nobody waits for an answer to it.
    outputs = [call.output for call in facts.calls.values() if call.output is not None and not call.by_client]
    if outputs and max(outputs) > facts.last_response:
        yield max(outputs), "no response followed the tool's output: send response.create"
