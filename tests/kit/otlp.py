"""What takes OTLP/JSON as a collector does: the classes of opentelemetry-proto, and a receiver on loopback."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_ID_LENGTHS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def spans_in(body: bytes) -> list[Span]:
    """The spans of a request; raises where a field is none of OTLP's, or an id is not what OTLP/JSON says of it."""
    request = json_format.ParseDict(_with_base64_ids(json.loads(body)), ExportTraceServiceRequest())
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def _with_base64_ids(value: Any) -> Any:
    """OTLP/JSON writes ids in hex, unlike the JSON of protocol buffers, which has base64 for all bytes."""
    if isinstance(value, list):
        return [_with_base64_ids(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, inner in value.items():
        if (length := _ID_LENGTHS.get(key)) is None:
            found[key] = _with_base64_ids(inner)
            continue
        if not re.fullmatch(f"[0-9a-f]{{{length}}}", inner) or not int(inner, 16):
            raise ValueError(f"{key}: {inner!r}")
        found[key] = base64.b64encode(bytes.fromhex(inner)).decode()
    return found


def about(span: Span) -> dict[str, Any]:
    """The attributes of a span as plain values."""
    return {one.key: _plain(one.value) for one in span.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    found = getattr(value, kind)
    return [_plain(inner) for inner in found.values] if kind == "array_value" else found


@contextlib.contextmanager
def otlp_receiver() -> Iterator[tuple[str, list[Span]]]:
    """The address of an OTLP/HTTP receiver for traces, and the spans that it took."""
    taken: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            right = (self.path, self.headers["content-type"]) == ("/v1/traces", "application/json")
            try:
                taken.extend(spans_in(body) if right else ())
                answer, status = b'{"partialSuccess":{}}', 200 if right else 415
            except Exception as error:  # noqa: BLE001  # whatever is wrong with it is the client's
                answer, status = repr(error).encode(), 400
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
