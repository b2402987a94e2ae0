"""What a hostile peer sends: events with anything in them, and frames that are no events at all."""

from __future__ import annotations

import json
import random
from typing import Any

from rtcli.protocol.catalog import EVENT_TYPES

TYPES = sorted(EVENT_TYPES)
_CONTROLS = [
    "\x1b[2J", "\x1b]0;title\x07", "\x1b]52;c;AAAA\x07", "\x1bP+q\x1b\\", "\x9b31m", "\x9d0;x\x9c", "\r", "\x08",
    "\x00", "\x7f", "\u202e", "\u2066", "\u061c", "\u200b", "\U000e0041", "\ud800", "\u2028", "\x1b_Gf=100;AAAA\x1b\\",
]  # fmt: skip
_FIELDS = (
    "type", "event_id", "item", "item_id", "response", "response_id", "delta", "text", "transcript", "audio", "error",
    "session", "content_index", "output_index", "previous_item_id", "id", "content", "role", "status", "code",
    "message", "call_id", "name", "arguments", "output", "usage", "param", "audio_end_ms", "rate_limits", "tools",
    "server_label", "status_details", "reason", "metadata", "conversation_id", "model", "turn_detection", "format",
    "rate",
)  # fmt: skip


class Hostile:
    """Makes frames from a seed: the same ones in each run."""

    def __init__(self, seed: int) -> None:
        self._pick = random.Random(seed)

    def frame(self) -> str | bytes:
        """An event nine times of ten, else a frame that is none."""
        if self._pick.random() < 0.1:
            return self._broken()
        text = json.dumps(self.event(), ensure_ascii=self._pick.random() < 0.5)
        return text.encode("utf-8", "replace").decode()  # a lone surrogate has no UTF-8; its escape does

    def event(self) -> dict[str, Any]:
        """An event of a known type, mostly, with fields of any kind."""
        known = self._pick.random() < 0.9
        fields = self._pick.sample(_FIELDS, self._pick.randrange(8))
        return {**{name: self.value() for name in fields}, "type": self._pick.choice(TYPES) if known else self.value()}

    def value(self, depth: int = 0) -> Any:
        """Any JSON value."""
        pick = self._pick
        match pick.randrange(9 if depth < 4 else 6):
            case 0:
                return None
            case 1:
                return pick.choice([True, False, 0, -1, 2**63, -(2**70), 1e308, 0.1])
            case 2 | 3:
                return self.text()
            case 4:
                return f"{pick.choice(['item', 'resp', 'call', 'event'])}_{pick.randrange(20)}"
            case 5:
                return pick.choice(["assistant", "user", "message", "function_call", "completed", "cancelled", "AAAA"])
            case 6:
                return [self.value(depth + 1) for _ in range(pick.randrange(4))]
            case _:
                names = pick.sample(_FIELDS, pick.randrange(6))
                return {name: self.value(depth + 1) for name in names}

    def text(self) -> str:
        """Words, controls and characters of any plane."""
        pick = self._pick
        made = [
            pick.choice([*_CONTROLS, "word ", "日本", "👩‍💻", "a" * 200, "\n", "**b**", "`"])
            for _ in range(pick.randrange(6))
        ]
        return "".join(made)

    def _broken(self) -> str | bytes:
        texts = (
            "", "null", "[]", "{", '{"type":', "NaN", '{"type": "error"', "[" * 5000, '{"a":1e999}', "\x1b[2J",
            '{"type":"a","type":1}', '"' + "x" * 10_000 + '"',
        )  # fmt: skip
        if self._pick.random() < 0.8:
            return self._pick.choice(texts)
        return self._pick.choice((b"\xff\xfe", bytes(50), self._pick.randbytes(40)))
