"""Whatever a server has said, its recording can be looked at: each field of each event once in each odd kind."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeAlias

import pytest

from rtcli.cli.output import view_writer
from rtcli.commands import Context, default_registry, run_line
from rtcli.errors import RtcliError
from rtcli.protocol.events import encode_bytes
from rtcli.protocol.record import Direction, Frame, Record
from rtcli.protocol.record_lines import record_line
from rtcli.recording.reader import RecordingReader
from rtcli.repl.toolbar import toolbar
from rtcli.session.replay import Replay
from rtcli.views import DisplaySettings
from tests.kit.events import error
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption

Path: TypeAlias = tuple[str | int, ...]

ODD: tuple[Any, ...] = (None, 7, -1, 1e308, True, "x", [], [[]], [3, None], ["x"], {}, {"a": 1})
COMMANDS = (
    *("/status", "/session", "/stats", "/stats --json", "/history", "/usage", "/limits", "/tools", "/turn"),
    *("/turn 1", "/why", "/last error", "/show 5", "/grep a", "/check", "/item 1"),
)
FORMAT = {"type": "audio/pcm", "rate": 24_000}
DETECTION = {"type": "server_vad", "threshold": 0.5, "create_response": True}
SESSION = {
    "id": "sess_1",
    "object": "realtime.session",
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "instructions": "Be brief.",
    "tool_choice": "auto",
    "expires_at": 1_900_000_000,
    "audio": {
        "input": {"format": FORMAT, "transcription": {"model": "whisper-1"}, "turn_detection": DETECTION},
        "output": {"format": FORMAT, "voice": "marin", "speed": 1.0},
    },
    "tools": [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}],
}
TOKENS = {
    "total_tokens": 3,
    "input_tokens": 2,
    "output_tokens": 1,
    "input_token_details": {"text_tokens": 1, "audio_tokens": 1, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 1, "audio_tokens": 0},
}


def told() -> Told:
    """A session with its settings, a spoken turn with a tool, an error, a transcription, rate limits, MCP."""
    all_of_it = spoken_turn_with_a_tool_and_an_interruption()
    for type_ in ("session.created", "session.updated"):
        all_of_it.gets(type_, session=SESSION)
    response = {"id": "r3", "status": "completed", "output": [], "usage": TOKENS, "metadata": {"a": "b"}}
    all_of_it.gets("response.created", response={"id": "r3", "status": "in_progress", "output": []})
    all_of_it.gets("response.done", response=response)
    all_of_it.gets(type_="error", error=error("x", "No.", "event_1")["error"])
    said = {"item_id": "u1", "content_index": 0, "transcript": "hi", "usage": {"type": "tokens", **TOKENS}}
    all_of_it.gets("conversation.item.input_audio_transcription.completed", **said)
    all_of_it.gets(
        "rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 9, "remaining": 8, "reset_seconds": 1}]
    )
    listed = {"type": "mcp_list_tools", "id": "l", "server_label": "s", "tools": [{"name": "a", "input_schema": {}}]}
    failed = {"type": "mcp_call", "id": "m", "name": "a", "arguments": "{}", "error": {"type": "x", "message": "No."}}
    for item in (listed, failed, {"type": "mcp_approval_request", "id": "p", "name": "a", "arguments": "{}"}):
        all_of_it.gets("conversation.item.added", item=item, previous_item_id=None)
    return all_of_it


def paths(value: object, before: Path = ()) -> Iterator[Path]:
    """Every place in an event; of a list the first two."""
    if before:
        yield before
    inside = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from paths(inner, (*before, name))


def changed(event: dict[str, Any], path: Path, odd: object) -> dict[str, Any]:
    result: Any = deepcopy(event)
    place = result
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = odd
    return dict(result)


def cases() -> Iterator[tuple[int, dict[str, Any]]]:
    """The position of a record, and its event with one odd field; each field of each type of event once."""
    seen = set[tuple[Any, Path]]()
    turn = 0
    for index, record in enumerate(told().records):
        event = dict(record.event or {}) if isinstance(record, Frame) and record.direction is Direction.RECEIVED else {}
        for path in paths(event):
            if path == ("type",) or (event["type"], path) in seen:
                continue
            seen.add((event["type"], path))
            turn += 1
            for odd in (ODD[turn % len(ODD)], ODD[(turn + 5) % len(ODD)]):
                yield index, changed(event, path, odd)


async def looked_at(records: list[Record]) -> None:
    """Replay it with every event shown and the toolbar drawn, then give every command that looks."""
    data = b"\n".join(map(record_line, records)) + b"\n"
    replay = Replay(lambda: RecordingReader(io.BytesIO(data), "odd"), speed=None)
    display = DisplaySettings(events="all")
    writer = view_writer(display, None, lambda _: None, json=False, both=False, stdout=io.StringIO())
    replay.feed.subscribe(writer.write)
    while replay.feed_next() is not None:
        toolbar(replay.status, display, 100)
    context = Context(None, display, default_registry(), recorded=replay)
    for line in COMMANDS:
        try:
            for view in await run_line(line, context):
                writer.write(view)
        except RtcliError:  # one clear line
            continue
    writer.close()
    replay.close()


@pytest.mark.parametrize("part", range(4))
async def test_an_odd_field_stops_nothing(part: int, caplog: pytest.LogCaptureFixture) -> None:
    records = told().records
    for index, event in list(cases())[part::4]:
        old = records[index]
        assert isinstance(old, Frame)
        raw = encode_bytes(event)
        odd = Frame(old.number, old.at, old.direction, event, len(raw), raw=raw, parent=old.parent)
        await looked_at([*records[:index], odd, *records[index + 1 :]])

        assert [one for one in caplog.records if one.levelno >= logging.WARNING] == [], event
