"""Texts that would run, or end the element that they stand in, if a page took them for more than text."""

from __future__ import annotations

from rtcli.protocol.record import Connected, Connection, Did, Mark
from tests.kit.told import Told

TEXTS = (
    "</script><script>window.hacked = 1</script>",
    "<!--<script>window.hacked = 1",
    "<img src=x onerror='window.hacked = 1'>",
    "\"><svg onload='window.hacked = 1'>",
    "'\" onmouseover='window.hacked = 1' autofocus onfocus='window.hacked = 1' x=\"",
    "\u2028window.hacked = 1;\u2029",
    "javascript:window.hacked=1",
    "</title></style></textarea></noscript><script>window.hacked = 1</script>",
    "]]><script>window.hacked = 1</script>",
    "$title $$ ${events} `${window.hacked = 1}`",
    "&lt;script&gt;window.hacked = 1&lt;/script&gt; &amp;quot;",
    "\x00\x1b[31m\r\n\t\x7f\ufeff",
    "\ud800 half of a pair",
    "__proto__",
)


def hostile_session() -> Told:
    """Each of the texts wherever a session can have one: what is said, names, ids, reasons, types, marks."""
    told = Told()
    for index, text in enumerate(TEXTS):
        told.now += 1.0
        told.records.append(Connection(told.now, Connected.DIALING, text))
        told.records.append(Mark(told.now, text))
        told.records.append(Did(told.now, text))
        told.types(text)
        response = f"{text}{index}"
        told.gets("response.created", response={"id": response})
        told.gets("response.output_text.delta", response_id=response, item_id=text, delta=text)
        told.gets("response.output_text.done", response_id=response, item_id=text, text=text)
        item = {"type": "function_call", "id": f"{text}i", "call_id": f"{text}c", "name": text, "arguments": text}
        told.gets("response.output_item.done", response_id=response, item={**item, "status": "completed"})
        told.now += 0.3
        told.sends(
            "conversation.item.create", item={"type": "function_call_output", "call_id": f"{text}c", "output": text}
        )
        status = {"reason": text, "error": {"message": text, "code": text}}
        told.gets("response.done", response={"id": response, "status": "failed", "status_details": status})
        told.gets("error", error={"type": text, "code": text, "message": text})
        told.gets(text or "x", **{text: text})
    return told
