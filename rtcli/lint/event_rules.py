"""Rules about single events: names, fields, ids, and what the server made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rtcli.errors import error_of
from rtcli.lint.facts import Facts
from rtcli.lint.rule import MALFORMED, AnyEvent, Severity, rule, rule_at_end
from rtcli.protocol.beta_fields import REMOVED, RENAMED, advice
from rtcli.protocol.catalog import BETA_NAMES, NAMES, ROWS, direction_of, nearest
from rtcli.protocol.dialects import is_known
from rtcli.protocol.events import mapping_of
from rtcli.protocol.outcome import NO_REASON, end_reasons
from rtcli.protocol.record import Direction, Frame
from rtcli.protocol.session_kind import SessionKind

_WHERE_BETA_FIELDS_STOOD: Mapping[str, str] = {
    "session.update": "session",
    "transcription_session.update": "session",
    "response.create": "response",
}


@rule("unknown-event", Severity.ERROR, ">", prevents="the server refuses the event: invalid_value for `type`")
def unknown_event(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An event that is sent is one that the API knows."""
    name = str(event.get("type"))
    if (facts.kind_at(event), Direction.SENT, name) in ROWS:
        return
    if (facts.kind, Direction.RECEIVED, name) in ROWS:
        yield f"{name} is an event of the server"
    elif name not in BETA_NAMES:  # those have a rule of their own, which knows their new names
        near = nearest(name, Direction.SENT, facts.kind)
        yield f"unknown event type {name!r}" + (f", did you mean {near}?" if near else "")


@rule("beta-event", Severity.ERROR, ">", prevents="OpenAI has switched the beta API off and refuses its names")
def beta_event(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """No event that is sent has a name of the beta API."""
    name = str(event.get("type"))
    if name in BETA_NAMES:
        yield f"{name} is a name of the beta API, it is called {BETA_NAMES[name]} now"


@rule(
    "beta-field",
    Severity.ERROR,
    *(f">{name}" for name in _WHERE_BETA_FIELDS_STOOD),
    prevents="an unknown parameter makes the server drop the whole session.update",
)
def beta_field(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """No field of a session or a response has a name of the beta API."""
    inner = _WHERE_BETA_FIELDS_STOOD[event["type"]]
    for name in mapping_of(event.get(inner)):
        if name in RENAMED or name in REMOVED:
            yield f"{inner}.{name}: {advice(name)}"


@rule("missing-field", Severity.ERROR, ">", prevents="the server refuses the event: missing_required_parameter")
def missing_field(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An event has all fields that it needs."""
    row = ROWS.get((facts.kind_at(event), Direction.SENT, str(event.get("type"))))
    missing = [name for name in row.required if name not in event] if row is not None else []
    if row is not None and missing:
        yield f"{row.name} lacks {', '.join(missing)}"


@rule("unknown-field", Severity.WARNING, ">", prevents="the server may refuse the event: unknown_parameter")
def unknown_field(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An event has only known fields."""
    row = ROWS.get((facts.kind_at(event), Direction.SENT, str(event.get("type"))))
    if row is None:
        return
    if odd := [name for name in event if name not in ("type", "event_id", *row.required, *row.optional)]:
        yield f"{row.name} has no field {', '.join(odd)}"


@rule(
    "session-type",
    Severity.ERROR,
    ">session.update",
    prevents="without session.type the update is refused: missing_required_parameter",
)
def session_type(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """A session.update names the type of its session."""
    session = event.get("session")
    if facts.kind in (SessionKind.TRANSLATION, SessionKind.LIVE):  # theirs have none
        return
    if isinstance(session, Mapping) and session.get("type") not in ("realtime", "transcription", "translation"):
        told = "lacks type" if "type" not in session else f"has type {session['type']!r}"
        yield f'session {told}: "realtime" or "transcription"'


@rule("event-id-repeated", Severity.WARNING, ">", prevents="an error that names the id could be about either event")
def event_id_repeated(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Every event that is sent has an event_id of its own."""
    event_id = event.get("event_id")
    if isinstance(event_id, str) and event_id in facts.event_ids:
        yield f"event_id {event_id!r} is that of #{facts.event_ids[event_id]}, too"


@rule("event-id-missing", Severity.NOTE, "<error", prevents="nobody can tell which event an error is about")
def event_id_missing(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """An event that is refused had an event_id, so that the error can name it."""
    # `parent` is rtcli's own attribution: it may be known where the error names nothing. Once is enough: a server that
    # never names events would bring this with every error.
    if frame.parent is not None and facts.attributed and error_of(event).get("event_id") is None:
        yield f"the error does not name #{frame.parent}, which had no event_id: give each event that you send one"


@rule(
    "refused", Severity.WARNING, "<error", prevents="an error that nobody looks at: what was asked for has not happened"
)
def refused(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """The server refuses nothing."""
    error = error_of(event)
    about = f" (about #{frame.parent})" if frame.parent is not None else ""
    yield f"the server says {error.get('code') or error.get('type') or 'error'}: {error.get('message', '')}{about}"


@rule("response-failed", Severity.WARNING, "<response.done", prevents="an answer that never came, or broke off")
def response_failed(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Responses end completed, or cancelled."""
    response = mapping_of(event.get("response"))
    if (status := response.get("status")) in ("failed", "incomplete"):
        yield f"response {response.get('id')} ended {status}: {(end_reasons(response) or (NO_REASON,))[-1]}"


@rule(
    "unknown-server-event",
    Severity.NOTE,
    "<",
    prevents="a new event of the API, or another server's name, which a program ignores",
)
def unknown_server_event(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """The types of the server's events are known."""
    name = event.get("type")
    if not isinstance(name, str):
        yield "an event without a type"
    elif name not in NAMES and not is_known(name):
        yield f"the server sent {name}, which is not known"
    # Some types cross in both directions, and some only in one kind of session.
    elif direction_of(name) is Direction.SENT and (facts.kind_at(event), Direction.RECEIVED, name) not in ROWS:
        yield f"the server sent {name}, which is an event of clients"


@rule_at_end("unanswered-request", Severity.WARNING, prevents="something was asked for, and a program waits forever")
def unanswered_request(facts: Facts) -> Iterator[tuple[int, str]]:
    """Everything that was asked for is answered before the session ends."""
    for request in (*facts.requests.unanswered, *facts.requests.waiting):
        yield request.number, f"{request.type} was not answered before the session ended"


@rule("not-an-event", Severity.WARNING, MALFORMED, prevents="a message that cannot be read is lost for most programs")
def not_an_event(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """Every message is a JSON object with a type."""
    yield f"{'received' if frame.direction is Direction.RECEIVED else 'sent'}: {frame.problem}"
