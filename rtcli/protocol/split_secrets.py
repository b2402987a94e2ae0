"""SplitSecrets: finds secrets in texts that come in pieces, where no piece holds a whole one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rtcli.masking import MASK, begun, incomplete, spans
from rtcli.protocol.audio_payloads import AUDIO_FIELDS
from rtcli.protocol.dialects import CUMULATIVE
from rtcli.protocol.remember import remember

_OTHER_FIELDS = ("transcript", "text")  # where a server has no "delta", one of them holds the piece
_IDS = ("item_id", "call_id", "response_id", "content_index")  # what tells one text from another
_MAX_TEXTS = 64  # that may be in the middle of a secret at a time; a server has a handful


class _Begun(NamedTuple):
    """The end of a text that may be the beginning of a secret, and whether the last of it was taken out."""

    text: str
    hidden: bool


class SplitSecrets:
    """Asked for each event, in order. A secret that is whole in its event is left to `masked`.

    A piece is judged when it comes, for it is written and shown then: what only begins a secret is taken out too, as
    soon as that is likely. The first characters of a secret may therefore stay, and the beginning of another word that
    begins as a secret does may go.
    """

    def __init__(self) -> None:
        self._begun: dict[tuple[object, ...], _Begun] = {}

    def __repr__(self) -> str:
        return f"<SplitSecrets: {len(self._begun)} texts in the middle of one>"

    def without(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The event without its piece of a secret; None where it has none."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return None
        if (not (goes_on := kind.endswith(".delta")) and kind not in CUMULATIVE) or kind in AUDIO_FIELDS:
            return None
        name, piece = "delta", event.get("delta")
        if not isinstance(piece, str):
            name = next((name for name in _OTHER_FIELDS if isinstance(event.get(name), str)), "")
            piece = event[name] if name else ""
        before = key = None
        if self._begun and goes_on:
            key = self._key(event)
            before = self._begun.get(key)
        held = incomplete(piece if before is None else before.text + piece)
        if before is None and not held:
            return None
        key = (key or self._key(event)) if goes_on else None
        clean = self._cut(key, before or _Begun("", hidden=False), piece, held)
        return None if clean == piece else {**event, name: clean}

    @staticmethod
    def _key(event: Mapping[str, Any]) -> tuple[object, ...]:
        return (event["type"], *map(event.get, _IDS))

    def _cut(self, key: tuple[object, ...] | None, before: _Begun, piece: str, held: int) -> str:
        """What is left of a piece, with `held` characters at the end that may begin a secret."""
        text, start = before.text + piece, len(before.text)
        found = spans(text) if start else []
        if held and (hidden := begun(text)):
            found.append((len(text) - hidden, len(text)))
        clean, at = "", start
        for first, end in found:
            if end > at:
                goes_on = first < start and before.hidden  # its beginning was taken out, and MASK stands there
                clean += text[at : max(first, at)] + ("" if goes_on else MASK)
                at = end
        if key is not None and held:
            remember(self._begun, key, _Begun(text[-held:], hidden=at == len(text) and at > start), _MAX_TEXTS)
        elif key is not None:
            self._begun.pop(key, None)
        return clean + text[at:]
