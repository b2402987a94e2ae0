"""Rules about the session's settings: what cannot change any more, and what is switched off one day."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.lint.facts import Facts
from rtcli.lint.rule import AnyEvent, Severity, rule
from rtcli.protocol.events import mapping_of
from rtcli.protocol.models import shutdowns_in
from rtcli.protocol.record import Frame


@rule(
    "voice-fixed",
    Severity.ERROR,
    ">session.update",
    prevents="after the first audio a new voice makes the server drop the whole update: cannot_update_voice",
)
def voice_fixed(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """The voice stays the same once the assistant has spoken."""
    asked, now = (_voice(mapping_of(session)) for session in (event.get("session"), facts.session))
    if facts.speech and asked is not None and now is not None and asked != now:
        yield f"voice {asked} is asked for after the assistant has spoken with {now}"


def _voice(session: AnyEvent) -> object:
    return mapping_of(mapping_of(session.get("audio")).get("output")).get("voice")


@rule(
    "shutdown",
    Severity.WARNING,
    "<session.created",
    "<session.updated",
    prevents="OpenAI has announced the day on which it switches this off",
)
def shutdown(facts: Facts, event: AnyEvent, frame: Frame) -> Iterator[str]:
    """No model and no field is about to be switched off."""
    session = mapping_of(event.get("session"))
    model = session.get("model")
    # session.updated repeats the whole session: only what this update has brought in is news.
    before = set(shutdowns_in(_text(facts.session.get("model")), facts.session)) if facts.whole else set()
    for ending in shutdowns_in(_text(model), session):
        if ending not in before or event["type"] == "session.created":
            yield f"{ending.name} is switched off on {ending.day}" + (f": {ending.instead}" if ending.instead else "")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
