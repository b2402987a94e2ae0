"""The OpenTelemetry trace of a session: what OTLP's own classes take, in the terms of the conventions."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.record import Connected, Connection
from rtcli.recording.export.otlp import CONVENTIONS, export_otlp
from tests.kit.exported import STARTED, export
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption
from tests.kit.waiting import DEADLINE

pytest.importorskip("opentelemetry.proto", reason="opentelemetry-proto is not installed")

from tests.kit.otlp import about, otlp_receiver, spans_in  # only where it is installed

USAGE = {"input_tokens": 20, "output_tokens": 7}


def told() -> Told:
    session = Told()
    session.records.append(Connection(0.0, Connected.DIALING, "wss://api.openai.com/v1/realtime?model=x"))
    rest = spoken_turn_with_a_tool_and_an_interruption()
    session.records += rest.records
    session.now = rest.now
    return session


def test_the_spans_of_a_turn_with_a_tool() -> None:
    """The session holds the turns, a turn its responses, its calls and what the timeline measured."""
    data, exported = export(export_otlp, told().records)
    spans = spans_in(data)
    by_id = {span.span_id: span for span in spans}
    found = [(by_id[span.parent_span_id].name if span.parent_span_id else "", span.name) for span in spans]

    assert found[:2] == [("", "realtime session"), ("realtime session", "turn 1")]
    children = [name for parent, name in found if parent == "turn 1"]
    assert children.count("chat") == 2 and children.count("execute_tool get_weather") == 1
    assert {"voice", "end of turn", "audio received", "audio heard"} <= set(children)
    assert len({span.trace_id for span in spans}) == 1 and len(by_id) == len(spans)
    assert exported.what == f"{len(spans)} spans of 2 turns"


def test_times_are_those_of_the_clock() -> None:
    """In nanoseconds since 1970: where the recording began, and the seconds since."""
    call = next(span for span in spans_in(export(export_otlp, told().records)[0]) if "tool" in span.name)

    began = round(STARTED.timestamp() * 1e6) * 1000
    assert call.start_time_unix_nano == began + 2_000_000_000
    assert call.end_time_unix_nano - call.start_time_unix_nano == 700_000_000


def test_requests_and_calls_speak_the_conventions() -> None:
    """Names of the version that the file says, kinds and values as it asks for."""
    session = Told()
    session.records.append(Connection(0.0, Connected.DIALING, "ws://127.0.0.1:9000/v1/realtime"))
    session.gets("session.created", session={"model": "gpt-realtime-2.1"})
    session.types("words that nobody shall collect")
    session.gets("response.created", response={"id": "r", "conversation_id": "conv_1"})
    session.calls("r", "c")
    session.ends("r", usage=USAGE)
    data, _ = export(export_otlp, session.records)
    chat, call = spans_in(data)[-2:]

    assert json.loads(data)["resourceSpans"][0]["scopeSpans"][0]["schemaUrl"].endswith(f"/schemas/{CONVENTIONS}")
    assert chat.name == "chat gpt-realtime-2.1" and chat.kind == chat.SPAN_KIND_CLIENT
    assert about(chat) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.conversation.id": "conv_1",
        "server.address": "127.0.0.1",
        "server.port": 9000,
        "gen_ai.request.model": "gpt-realtime-2.1",
        "gen_ai.response.id": "r",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.output.type": "text",
        "rtcli.response.status": "completed",
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 7,
    }
    assert call.name == "execute_tool get_weather" and call.kind == call.SPAN_KIND_INTERNAL
    assert about(call) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.call.id": "c",
        "rtcli.unfinished": True,
    }
    assert b"nobody shall collect" not in data


def test_what_failed_has_a_status_and_a_type() -> None:
    """The response and its turn; an error is an event of the turn."""
    session = Told()
    session.types()
    session.begins("r")
    details = {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}
    session.ends("r", "failed", status_details=details)
    turn, *_, chat = spans_in(export(export_otlp, session.records)[0])[1:]

    assert chat.status.code == turn.status.code == chat.status.STATUS_CODE_ERROR
    assert chat.status.message == "insufficient_quota, You exceeded your quota"
    assert about(chat)["error.type"] == "insufficient_quota"
    assert about(chat)["gen_ai.response.finish_reasons"] == ["insufficient_quota"]


def test_moments_are_events_of_the_turn() -> None:
    """An interruption says what cut the answer."""
    turn = next(span for span in spans_in(export(export_otlp, told().records)[0]) if span.name == "turn 1")

    assert [event.name for event in turn.events] == ["commit", "first delta", "interruption"]
    assert about(turn)["rtcli.end_of_turn_ms"] == pytest.approx(500, abs=30)


def test_the_same_session_has_the_same_ids() -> None:
    """So that a backend that gets it twice has it once; another one has others."""
    one, again = (export(export_otlp, told().records)[0] for _ in range(2))
    other, _ = export(export_otlp, told().records, STARTED.replace(year=2027))

    assert one == again
    assert spans_in(one)[0].trace_id != spans_in(other)[0].trace_id


def test_an_otlp_http_receiver_takes_it() -> None:
    """As application/json; what is not OTLP it refuses."""

    def post(url: str, body: bytes) -> int:
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return int(answer.status)

    data, _ = export(export_otlp, told().records)
    with otlp_receiver() as (url, taken):
        assert post(url, data) == 200
        assert [span.name for span in taken] == [span.name for span in spans_in(data)]
        with pytest.raises(urllib.error.HTTPError, match="400"):
            post(url, data.replace(b'"spanId":"', b'"spanId":"x'))


def test_a_session_without_a_time_of_day_is_refused() -> None:
    """Plain events, and the output of --both: spans need one."""
    with pytest.raises(UsageError, match="start time of this session is unknown"):
        export(export_otlp, told().records, None)
