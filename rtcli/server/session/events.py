"""Server events: their id, and the padding that hides how long a delta is."""

from __future__ import annotations

import random
from typing import Any

from rtcli.protocol.events import WireObject
from rtcli.server.ids import new_id, random_text


def event(type_: str, **fields: Any) -> WireObject:
    """An event of that type with an id of its own."""
    return {"type": type_, "event_id": new_id("event"), **fields}


def obfuscated(delta: WireObject) -> WireObject:
    """A delta of text with random padding, as the API sends it."""
    return {**delta, "obfuscation": random_text(random.randint(4, 16))}


def key_pressed(key: str, received_at: int) -> WireObject:
    """The caller has pressed a key of the telephone, at that Unix second: the one event of the API without an id."""
    return {"type": "input_audio_buffer.dtmf_event_received", "event": key, "received_at": received_at}
