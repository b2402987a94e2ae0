"""An application for telephone calls on the official Python client: run by that client's own interpreter.

It serves a webhook, says where on stdout, and does with each call what the SIP header X-Plan says; X-Api is the server.
Each thing that it does is a line of JSON on stdout. On stdin it takes offers to post: {"api", "sdp", "session"}.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai

SECRET = sys.argv[1]


def tell(what: str, **details: Any) -> None:
    """One line."""
    sys.stdout.write(json.dumps({"what": what, **details}) + "\n")
    sys.stdout.flush()


def client_of(api: str) -> openai.OpenAI:
    """The official client, told where the server is and nothing else."""
    base = api.replace("ws", "http", 1).removesuffix("/realtime")
    socket = api.removesuffix("/realtime")
    return openai.OpenAI(
        api_key="sk-local", base_url=base, websocket_base_url=socket, webhook_secret=SECRET, max_retries=0
    )


def converse(client: openai.OpenAI, call_id: str) -> None:
    """Greet the caller, hear a key, and end the call."""
    with client.realtime.connect(call_id=call_id) as connection:
        connection.response.create(response={"instructions": "Say: hello caller"})
        for event in connection:
            if event.type == "output_audio_buffer.stopped":
                tell("greeted", event=type(event).__name__)
            if event.type == "input_audio_buffer.dtmf_event_received":
                tell("key", key=event.event, event=type(event).__name__)
                client.realtime.calls.hangup(call_id)
        tell("left")


def handle(body: bytes, headers: dict[str, str]) -> int:
    """Verify and carry out one webhook; the status of the answer."""
    api = next((header["value"] for header in json.loads(body)["data"]["sip_headers"] if header["name"] == "X-Api"), "")
    client = client_of(api)
    try:
        event = client.webhooks.unwrap(body, headers)
    except openai.InvalidWebhookSignatureError as error:
        tell("forged", error=str(error))
        return 400
    assert event.type == "realtime.call.incoming"
    plan = next(header.value for header in event.data.sip_headers if header.name == "X-Plan")
    calls, call_id = client.realtime.calls, event.data.call_id
    tell("rings", event=type(event).__name__, call_id=call_id)
    if plan == "reject":
        calls.reject(call_id, status_code=486)
        return 200
    calls.accept(call_id, type="realtime", model="gpt-realtime-2.1", instructions="You are a receptionist.")
    tell("accepted")
    if plan == "refer":
        calls.refer(call_id, target_uri="sip:agent@example.com")
        tell("referred")
    else:
        threading.Thread(target=converse, args=(client, call_id), daemon=True).start()
    return 200


class Webhook(BaseHTTPRequestHandler):
    """Takes what is posted."""

    def do_POST(self) -> None:
        """One webhook."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(handle(body, dict(self.headers.items())))
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Nothing: stdout and stderr are for what the test reads."""


def create(api: str, sdp: str, session: Any) -> None:
    """Post an offer, and end the call that comes of it."""
    calls = client_of(api).realtime.calls
    answer = calls.with_raw_response.create(sdp=sdp, session=session)
    call_id = answer.headers["location"].rpartition("/")[2]
    tell("created", status=answer.http_response.status_code, call_id=call_id, sdp=answer.text)
    sys.stdin.readline()
    calls.hangup(call_id)
    try:
        calls.hangup(call_id)
    except openai.NotFoundError as error:
        tell("over", code=error.code)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell("serves", url=f"http://127.0.0.1:{server.server_port}/webhook")
    for line in sys.stdin:
        create(**json.loads(line))
