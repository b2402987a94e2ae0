"""Errors as servers of all kinds write them: none names what it refuses."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.events import Event
from tests.kit.fake_server import Conversation, Script, reply_to

WORDS = "the cat sat on the cable"

NOTHING = dict.fromkeys(("type", "code", "message", "param", "event_id"))

SAYING: Mapping[str, Event] = {
    "a message alone": {"type": "error", "error": {"message": WORDS}},
    "null fields": {"type": "error", "error": {**NOTHING, "message": WORDS}},
    "empty fields": {"type": "error", "error": {"type": "", "code": "", "message": WORDS, "event_id": ""}},
    "text": {"type": "error", "error": WORDS},
    "text and a code": {"type": "error", "error": WORDS, "code": "unknown"},
    "nested": {"type": "error", "error": {"type": "error", "error": {"code": 7, "message": WORDS}}},
    "a code alone": {"type": "error", "error": {"code": WORDS}},
    "a type alone": {"type": "error", "error": {"type": WORDS}},
    "no error object": {"type": "error", "code": "unknown", "message": WORDS},
    "a wrapper": {"type": "error", "data": {"error": {"message": WORDS}}},
    "a list": {"type": "error", "error": [{"message": WORDS}, {"message": "and more"}]},
    "errors": {"type": "error", "errors": [{"msg": WORDS, "loc": ["response"]}]},
    "a detail": {"type": "error", "detail": [{"loc": ["body"], "msg": WORDS}]},
    "a status and a title": {"type": "error", "error": {"status": 500, "title": WORDS}},
    "a message in parts": {"type": "error", "error": {"message": {"text": "", "reason": WORDS}}},
    "true": {"type": "error", "error": True, "message": WORDS},
    "no type": {"error": {"message": WORDS}},
    "no type, and text": {"error": WORDS},
    "an id that is filled in for all": {"type": "error", "error": {"message": WORDS, "event_id": "event_TODO"}},
    "another name": {"type": "response.error", "error": {"message": WORDS}},
}
"""Errors that say `WORDS` somewhere."""

SILENT: Mapping[str, tuple[Event, str]] = {
    "nothing": ({"type": "error"}, "no message"),
    "null": ({"type": "error", "error": None}, "no message"),
    "an empty object": ({"type": "error", "error": {}}, "no message"),
    "nulls": ({"type": "error", "error": NOTHING}, "no message"),
    "a status": ({"type": "error", "error": {"status": 503}}, "503"),
    "a status beside": ({"type": "error", "status": 503, "error": None}, "503"),
    "a number": ({"type": "error", "error": 42}, "42"),
}
"""Errors without words, and what can be said of each."""

ODD: Mapping[str, tuple[Event, str]] = {**{name: (event, WORDS) for name, event in SAYING.items()}, **SILENT}


def refusing(*errors: Event) -> Script:
    """A server that takes everything and answers each response.create, of whichever client, with the next of these."""
    left = iter(errors)

    async def play(talk: Conversation) -> None:
        await talk.send({"type": "session.created", "session": {"id": "sess_1", "type": "realtime"}})
        while True:
            event = await talk.receive()
            await talk.send(*([next(left)] if event["type"] == "response.create" else reply_to(event)))

    return play
