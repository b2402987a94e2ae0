"""Makes the page: records in, one HTML file out that needs nothing else and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from string import Template
from typing import Any

from rtcli.masking import masked
from rtcli.protocol.record import Record
from rtcli.recording.header import Header
from rtcli.recording.report.audio import AudioKind, TrackElements
from rtcli.recording.report.blobs import json_element
from rtcli.recording.report.events import Describe, EventColumns
from rtcli.recording.report.lanes import lanes_of
from rtcli.recording.report.turn_table import cards, text, turn_table
from rtcli.recording.tracks import Tracks
from rtcli.timeline.book import MAX_TURNS
from rtcli.timeline.diff import Cost
from rtcli.timeline.timeline import Timeline, read

_STYLE = "report.css"
_SCRIPTS = (
    "blobs.js",
    "filters.js",
    "model.js",
    "audio.js",
    "lanes.js",
    "drawing.js",
    "timeline.js",
    "events.js",
    "details.js",
    "main.js",
)
"""In the order in which they need each other."""


@dataclass(slots=True)
class Session:
    """What is known when every record was read."""

    name: str
    header: Header | None
    timeline: Timeline
    events: EventColumns
    tracks: Tracks
    notes: list[str] = field(default_factory=list)


def read_session(name: str, header: Header | None, records: Iterable[Record], describe: Describe) -> Session:
    """Read the records once."""
    events, tracks = EventColumns(describe), Tracks()

    def passed() -> Iterator[Record]:
        for record in records:
            events.observe(record)
            yield record

    return Session(name, header, read(passed(), tracks), events, tracks)


def page(session: Session, audio: AudioKind, cost: Cost, version: str) -> Iterator[bytes]:
    """The page in pieces. What a reader sees first comes first: the audio is at the end."""
    timeline, turns = session.timeline, session.timeline.turns
    user, model = TrackElements("user", audio), TrackElements("model", audio)
    heard = session.tracks.heard()
    user.take(session.tracks.user)
    model.take(heard)
    # 0.001: a session without a length cannot be drawn.
    length = max(timeline.at, session.tracks.user.end, heard.end, *(turn.end for turn in turns), 0.001)
    about = {
        "length": round(length, 6),
        "played": session.tracks.played,
        "spans": lanes_of(turns, session.events.errors, length),
        "turns": [[turn.number, round(max(turn.start, 0.0), 6), round(turn.end, 6), turn.failed] for turn in turns],
        "moments": session.events.moments,
        "audio": {"user": user.about(), "model": model.about()} if audio is not AudioKind.NONE else None,
    }
    # Only the head is a template: a "$" in the data would be one as well.
    head, tail = _asset("page.html").split("<!-- data -->")
    style, scripts = _asset(_STYLE), [_asset(name) for name in _SCRIPTS]
    values = {
        "title": text(_title(session)),
        "heading": text(_heading(session)),
        "version": text(version),
        "policy": _policy(style, scripts),
        "style": style,
        "about": "".join(f"<li>{part}</li>" for part in _about(session)),
        "notes": "".join(f'<p class="note">{text(note)}</p>' for note in _notes(session)),
        "cards": cards(turns, length, len(session.events), cost),
        "turns": turn_table(turns),
    }
    yield Template(head).substitute(values).encode()
    yield json_element("session", about)
    yield user.waveform() + model.waveform()
    yield from session.events.elements()
    for script in scripts:
        yield b"<script>" + script.encode() + b"</script>\n"
    yield from user.elements
    yield from model.elements
    yield tail.encode()


def _asset(name: str) -> str:
    return (resources.files("rtcli.recording.report") / "assets" / name).read_text(encoding="utf-8")


def _policy(style: str, scripts: Iterable[str]) -> str:
    """What the page may do: run these scripts, and load nothing."""
    # Hashes, and not 'unsafe-inline': a text of the session that found a way into the page would still not run.
    ours = " ".join(f"'{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {ours}; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _title(session: Session) -> str:
    return f"{_heading(session)}, {session.header.started:%Y-%m-%d %H:%M}" if session.header else session.name


def _heading(session: Session) -> str:
    model = session.header.model if session.header else ""
    return f"Session with {model}" if model else "Session"


def _about(session: Session) -> Iterator[str]:
    """Where the session is from."""
    header = session.header
    if header is not None:
        shown: list[Any] = [header.command and f"rtcli {header.command}", header.endpoint]
        yield from (text(part) for part in shown if part)
        yield f'<time datetime="{text(header.started.isoformat())}">{header.started:%Y-%m-%d %H:%M:%S %Z}</time>'
    yield text(session.name)


def _notes(session: Session) -> Iterator[str]:
    yield from map(masked, session.notes)
    turns = session.timeline.turns
    if turns and turns[0].number > 1:
        yield f"Turns 1 to {turns[0].number - 1} are not shown: the newest {MAX_TURNS:,} are."
