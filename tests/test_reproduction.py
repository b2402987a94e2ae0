"""A recording is a deterministic test: what a client sends by itself follows from what it got, was told and played.

Every session of the tests is held to that when it ends (tests/kit/twin.py); these hold the check itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rtcli.protocol.playback import Playback
from rtcli.protocol.record import Direction, Frame, Heard, Record
from rtcli.protocol.responses import ResponseSequencer
from rtcli.server import RealtimeServer
from tests.kit.recordings import records_of
from tests.kit.reproduction import reproduced
from tests.kit.scenes import SCENES
from tests.kit.sessions import session_on


async def recorded(name: str, path: Path) -> list[Record]:
    scene, options = SCENES[name]
    async with (
        RealtimeServer(voice="tone", pace=4) as server,
        session_on(f"{server.url}?model=gpt-realtime-2.1", **options()) as live,
    ):
        live.session.recorder.start(path)
        await scene(live)
    return records_of(path)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("tools", {"response.create": 2}),
        ("interruption", {"response.create": 1, "response.cancel": 1, "conversation.item.truncate": 1}),
        ("voice", {"conversation.item.truncate": 1, "conversation.item.retrieve": 1}),
    ],
)
async def test_a_recording_makes_the_client_send_it_again(name: str, kinds: dict[str, int], tmp_path: Path) -> None:
    made = reproduced(await recorded(name, tmp_path / "a.ndjson"))
    made.check()

    sent = [event["type"] for _, event in made.made]
    assert {kind: sent.count(kind) for kind in kinds} == kinds


def _without(kind: str) -> Callable[[list[Record]], list[Record]]:
    def edit(records: list[Record]) -> list[Record]:
        return [r for r in records if not (isinstance(r, Frame) and r.event is not None and r.event["type"] == kind)]

    return edit


def _other_position(records: list[Record]) -> list[Record]:
    return [replace(record, ms=record.ms + 7) if isinstance(record, Heard) else record for record in records]


def _late(records: list[Record]) -> list[Record]:
    """The client's own sends come one frame later."""
    edited = list(records)
    for index in range(len(edited) - 2, 0, -1):
        frame, after = edited[index], edited[index + 1]
        own = isinstance(frame, Frame) and frame.direction is Direction.SENT and frame.cause.startswith("#")
        if own and isinstance(after, Frame) and after.direction is Direction.RECEIVED:
            edited[index : index + 2] = [after, frame]
    return edited


@pytest.mark.parametrize(
    "edit",
    [_without("conversation.item.truncate"), _without("conversation.item.truncated"), _other_position, _late],
)
async def test_a_recording_of_another_client_is_found(
    edit: Callable[[list[Record]], list[Record]], tmp_path: Path
) -> None:
    """One that does not cut, cuts elsewhere, or does it later."""
    records = edit(await recorded("voice", tmp_path / "a.ndjson"))
    with pytest.raises(AssertionError):
        reproduced(records).check()


@pytest.mark.parametrize(
    ("owner", "name", "result"), [(ResponseSequencer, "next_create", None), (Playback, "interrupt", [])]
)
async def test_a_core_that_does_something_else_is_found(
    owner: type, name: str, result: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promise is the core's: without a part of it, the recording is not made again."""
    records = await recorded("interruption", tmp_path / "a.ndjson")
    reproduced(records).check()
    monkeypatch.setattr(owner, name, lambda *_args, **_options: result)
    with pytest.raises(AssertionError):
        reproduced(records).check()
