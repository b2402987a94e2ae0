"""What the terms of /filter match: held by the program, and by the page that `rtcli report` makes."""

from __future__ import annotations

from typing import Any

from rtcli.protocol.record import Direction, Frame


def frame(type_: str, direction: str = "<", **fields: Any) -> Frame:
    return Frame(1, 0.0, Direction(direction), {"type": type_, **fields}, 10)


DELTA = frame("response.output_text.delta", item_id="item_AAAAAAAAAAAAAAAA12345")
CREATE = frame("response.create", ">")
ADDED = frame("conversation.item.added", item={"id": "item_B"}, previous_item_id="item_A")
DONE = frame("response.done", response={"status": "failed", "output": [{"id": "item_B"}]})
BAD = Frame(2, 0.0, Direction.RECEIVED, None, 3, problem="not JSON")

VECTORS: list[tuple[str, Frame, bool]] = [
    ("", BAD, True),
    ("response.*", DELTA, True),
    ("response.*", ADDED, False),
    ("response", DELTA, False),
    ("*.delta", DELTA, True),
    ("response.d?ne", DONE, True),
    ("<", DELTA, True),
    ("<", CREATE, False),
    (">", CREATE, True),
    ("-*.delta", DELTA, False),
    ("-*.delta", CREATE, True),
    ("response.* -*.delta <", DONE, True),
    ("response.* -*.delta <", CREATE, False),
    ("item=item_B", ADDED, True),
    ("item=item_A", ADDED, False),
    ("item=item_B", DONE, True),
    ("item=item_…12345", DELTA, True),
    ("item=item_…54321", DELTA, False),
    ("item=12345", DELTA, True),
    ("-item=item_B", DELTA, True),
    ("error", frame("error", error={}), True),
    ("error", DONE, True),
    ("error", BAD, True),
    ("error", frame("mcp_list_tools.failed"), True),
    ("error", DELTA, False),
    ("-error", DELTA, True),
    ("response.*", BAD, False),
    ("response.[a-d]*", DONE, True),
    ("response.[!a-d]*", DONE, False),
    ("response.[!a-d]*", DELTA, True),
    ("response.[z-a]one", DONE, False),
    ("[]r]esponse.done", DONE, True),
    ("[r", frame("[r"), True),
    ("[!r", frame("[!r"), True),
    ("[!]", frame("[!]"), True),
    ("x[a-]y", frame("x-y"), True),
    ("x[-a]y", frame("x-y"), True),
    ("x[a-c-e]y", frame("x-y"), True),
    ("x[a-c-e]y", frame("xdy"), False),
    ("*.*.delta", DELTA, True),
    ("*output*text*", DELTA, True),
    ("**", CREATE, True),
    ("Response.*", DONE, False),
    ("antwort.größe", frame("antwort.größe"), True),
    ("  <   response.* ", DONE, True),
    ("item=…12345", DELTA, True),
    ("item=em…345", DELTA, False),
    ("item=45", DELTA, False),
    ("item=a=b", frame("x", item_id="a=b"), True),
    ("--error", DONE, True),
]
"""An expression, a frame, and whether it passes."""

REFUSED = ["-", "response.* -", "colour=red", "item=", "{}", "--", "=", "a$b", "response.* <>", "'error'"]
"""Expressions with a term that can match nothing."""
