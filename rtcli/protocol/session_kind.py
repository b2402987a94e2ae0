"""Which protocol a session speaks: the conversation that the API is named after, or one of its neighbors."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import parse_qs, urlsplit


class SessionKind(StrEnum):
    """As the `type` of a session names it, where it has one."""

    REALTIME = "realtime"
    TRANSCRIPTION = "transcription"
    TRANSLATION = "translation"
    LIVE = "live"  # GPT-Live, a protocol of its own


def is_attached(url: str) -> bool:
    """Whether an address joins a session of GPT-Live that somebody else has started."""
    return kind_of(url) is SessionKind.LIVE and urlsplit(url).path.rstrip("/").endswith("/attach")


def kind_of(url: str) -> SessionKind:
    """What an address leads to. With a model, `intent=transcription` is still a conversation, as the API has it."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if "/v1/live/" in parts.path:
        return SessionKind.LIVE
    if parts.path.rstrip("/").endswith("/realtime/translations"):
        return SessionKind.TRANSLATION
    if query.get("intent") == ["transcription"] and not query.keys() & {"model", "call_id"}:
        return SessionKind.TRANSCRIPTION
    return SessionKind.REALTIME
