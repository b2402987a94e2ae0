"""Rules about responses: asked for once, cancelled while they run, ended, and the same from beginning to end."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.lint.facts import Facts
from rtcli.lint.rule import AnyEvent, Severity, rule, rule_at_end
from rtcli.protocol.events import mapping_of
from rtcli.protocol.record import Frame
from rtcli.protocol.requests import asks_out_of_band

_MIN_UNHEARD_MS = 500
"""What is left of an answer that hardly matters."""

_STREAMS = ("response.output_text", "response.output_audio_transcript", "response.output_audio")


@rule(
    "create-while-active",
    Severity.ERROR,
    ">response.create",
    prevents="a second response is refused: conversation_already_has_active_response",
)
def create_while_active(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A response is asked for when none runs."""
    # Any number of these may run beside the conversation's own.
    if asks_out_of_band(mapping_of(event.get("response"))):
        return
    if (active := facts.active) is not None:
        yield f"response.create while the response of #{active.number} runs: wait for its response.done"
        return
    # Sent, and its response.created is still on the way.
    waiting = [
        request.number
        for request in facts.requests.waiting
        if request.type == "response.create" and not request.begun and not asks_out_of_band(request.response)
    ]
    if waiting:
        yield f"response.create while that of #{waiting[0]} is not answered: wait for its response.done"


@rule(
    "cancel-without-response",
    Severity.NOTE,
    ">response.cancel",
    prevents="a needless error: response_cancel_not_active",
)
def cancel_without_response(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A response is cancelled while it runs."""
    # Of any conversation, and also those that are only asked for: a cancel that crosses a response on the wire is no
    # mistake.
    runs = any(response.status == "in_progress" for response in facts.responses.values())
    asked = any(request.type == "response.create" for request in facts.requests.waiting)
    if facts.whole and not runs and not asked:
        yield "response.cancel while no response runs"


@rule(
    "response-not-ended",
    Severity.WARNING,
    "<response.created",
    prevents="a program that waits for response.done hangs",
)
def response_not_ended(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A response ends before the next one begins."""
    response = mapping_of(event.get("response"))
    # null marks a response that is out of band; the field is missing on other servers.
    if response.get("conversation_id", "") is not None and (active := facts.active) is not None:
        yield f"a response begins before the response.done of that of #{active.number}"


@rule(
    "delta-after-done",
    Severity.WARNING,
    *(f"<{name}.delta" for name in _STREAMS),
    prevents="what comes late is lost or shown twice",
)
def delta_after_done(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Nothing of a stream comes after its end."""
    name = str(event["type"]).removesuffix(".delta")
    part = event.get("content_index", 0)
    if isinstance(part, int) and (name, str(event.get("item_id", "")), part) in facts.ended:
        yield f"{event['type']} for {event.get('item_id')} after its {name}.done"


@rule(
    "text-differs",
    Severity.WARNING,
    "<response.output_text.done",
    "<response.output_audio_transcript.done",
    prevents="a client that shows deltas and one that shows the end show different words",
)
def text_differs(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """The text at the end of a stream is that of its deltas."""
    whole = event.get("text", event.get("transcript"))
    part = event.get("content_index", 0)
    pieces = facts.texts.get((str(event.get("item_id", "")), part if isinstance(part, int) else 0))
    if isinstance(whole, str) and pieces and "".join(pieces) != whole:
        yield f"{event['type']} says {len(whole)} characters, the deltas {sum(map(len, pieces))} others"


@rule_at_end(
    "missing-interruption",
    Severity.WARNING,
    prevents="the model believes that the user has heard an answer which was cut off by speech",
)
def missing_interruption(facts: Facts) -> Iterator[tuple[int, str]]:
    """When the user speaks into an answer, what was not heard is cut off."""
    # 2 s: a session that ends right after the speech gave its client no time to truncate.
    late = (one for one in facts.interruptions.values() if facts.at - one.at > 2)
    for one in (*facts.missed, *late):
        if one.unheard_ms > _MIN_UNHEARD_MS:
            yield one.number, f"speech began with {one.unheard_ms} ms of the answer unheard, and nothing was truncated"
