"""A session as an OpenTelemetry trace, OTLP/JSON, in the terms of the semantic conventions for generative AI.

Texts, arguments and outputs are not in it: the conventions leave content out unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from rtcli.errors import UsageError
from rtcli.masking import masked
from rtcli.protocol.events import encode
from rtcli.protocol.record import Connection, Frame, Record
from rtcli.recording.export.otlp_spans import CLIENT, Trace, attributes
from rtcli.recording.export.source import Exported, Source, Write, forgotten
from rtcli.timeline.figures import FIGURES
from rtcli.timeline.reading import mapping, text
from rtcli.timeline.spans import SpanKind, TurnSpan, spans
from rtcli.timeline.timeline import read
from rtcli.timeline.turns import Turn, TurnResponse
from rtcli.views import counted

CONVENTIONS = "1.38.0"
"""The version of the semantic conventions, whose names the attributes have."""

_SCHEMA = f"https://opentelemetry.io/schemas/{CONVENTIONS}"
_FINISHED: Mapping[str, str] = {"completed": "stop", "in_progress": ""}
_OWN = (SpanKind.VOICE, SpanKind.END_OF_TURN, SpanKind.WAITING, SpanKind.RECEIVED, SpanKind.HEARD, SpanKind.SILENCE)
_MOMENTS = (SpanKind.COMMIT, SpanKind.FIRST_DELTA, SpanKind.CUT, SpanKind.ERROR)


def export_otlp(source: Source, write: Write) -> Exported:
    """One trace: the session, its turns, and in each what is in the timeline. The same session has the same ids.

    Raises UsageError for a session that does not say when it began.
    """
    if source.started is None:
        raise UsageError("the start time of this session is unknown", hint="a recording with a header line has one")
    about = _About()
    timeline = read(about.noted(source.records()))
    # The trace's id is made of this: exporting twice must not make two traces of one session.
    trace = Trace(source.started, timeline.at, f"{source.started.isoformat()} {about.conversation}")
    session = trace.span("realtime session", 0.0, timeline.at, about={"gen_ai.conversation.id": about.conversation})
    for turn in timeline.turns:
        _add_turn(trace, turn, session, about.of_request)
    resource = {"service.name": "rtcli", "service.version": source.program, "rtcli.endpoint": source.endpoint}
    scope = {"scope": {"name": "rtcli", "version": source.program}, "spans": trace.spans, "schemaUrl": _SCHEMA}
    value = {"resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [scope]}]}
    write(masked(encode(value)).encode() + b"\n")
    what = f"{counted(len(trace.spans), 'span')} of {counted(len(timeline.turns), 'turn')}"
    return Exported(what, forgotten(timeline))


class _About:
    """What of the session stands in no turn: where its requests go, and its conversation."""

    def __init__(self) -> None:
        self.conversation = ""
        self._url = ""

    def noted(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records as they are, looked at."""
        for record in records:
            if isinstance(record, Connection):
                self._url = record.url or self._url
            elif isinstance(record, Frame) and record.event is not None and not self.conversation:
                self.conversation = text(mapping(record.event, "response"), "conversation_id")
            yield record

    @property
    def of_request(self) -> dict[str, object]:
        """The attributes that every request has."""
        try:
            parts = urlsplit(self._url)
            # .port raises for a number that is out of range, which a URL of a recording may hold.
            host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "ws" else 443)
        except ValueError:
            host, port = "", 0
        provider = "azure.ai.openai" if host.endswith(".azure.com") else "openai"
        found: dict[str, object] = {"gen_ai.provider.name": provider, "gen_ai.conversation.id": self.conversation}
        return {**found, "server.address": host, "server.port": port} if host else found


def _add_turn(trace: Trace, turn: Turn, session: str, request: Mapping[str, object]) -> None:
    figures = {f"rtcli.{name}_ms": ms for name, figure in FIGURES.items() if (ms := figure.of(turn)) is not None}
    about = {"rtcli.turn": turn.number, "rtcli.turn.kind": turn.kind.value, **figures}
    found = spans(turn)
    moments = [(one.start, one.kind.value, _of_span(one)) for one in found if one.kind in _MOMENTS]
    name = f"turn {turn.number}"
    parent = trace.span(name, turn.start, turn.end, session, about, moments=moments, error=turn.why_failed)
    for one in found:
        if one.kind in _OWN:
            trace.span(one.kind.value, one.start, one.end, parent, _of_span(one))
    for response in turn.responses:
        _add_response(trace, response, parent, request)
    for call in turn.calls:
        about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.name, "gen_ai.tool.call.id": call.id}
        end = call.answered.at if call.answered else None
        trace.span(f"execute_tool {call.name}", call.begun.at, end, parent, about, error=call.problem)


def _of_span(span: TurnSpan) -> dict[str, object]:
    note = span.note if span.kind in (SpanKind.CUT, SpanKind.ERROR) else ""
    return {"rtcli.name": span.name, "rtcli.note": note, "rtcli.frame": span.frame or None}


def _add_response(trace: Trace, response: TurnResponse, parent: str, request: Mapping[str, object]) -> None:
    finished = _FINISHED.get(response.status, response.reason.partition(",")[0] or response.status)
    about = {
        "gen_ai.operation.name": "chat",
        **request,
        "gen_ai.request.model": response.model,
        "gen_ai.response.id": response.id,
        "gen_ai.response.finish_reasons": [finished] if finished else [],
        "gen_ai.output.type": "speech" if response.parts else "text",
        "rtcli.response.status": response.status,
    }
    if response.usage.total:
        about |= {
            "gen_ai.usage.input_tokens": response.usage.input,
            "gen_ai.usage.output_tokens": response.usage.output,
        }
    # From the request: what a user waits for is the whole of it.
    begun = response.asked.at if response.asked else response.created.at
    end = response.done.at if response.done else None
    error = (response.reason or response.status) if response.failed else ""
    trace.span(f"chat {response.model}".strip(), begun, end, parent, about, kind=CLIENT, error=error)
