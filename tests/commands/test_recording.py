"""/record: says where a session is recorded, begins and ends that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rtcli.errors import InputError, UsageError
from rtcli.protocol.record import Frame
from rtcli.recording.reader import open_recording
from rtcli.session.log import RECORDED_BYTES
from tests.kit.sessions import Live, live_session


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with live_session() as running:
        yield running


def frames(path: Path) -> list[Frame]:
    with open_recording(str(path)) as reader:
        return [record for record in reader if isinstance(record, Frame)]


async def test_a_recording_that_begins_late_has_what_came_before(live: Live, tmp_path: Path) -> None:
    await live.run("hello")
    await live.idle()
    path = tmp_path / "late.ndjson"
    await live.run(f"/record start {path}")
    await live.run("/record stop")

    assert [frame.number for frame in frames(path)] == [frame.number for frame in live.session.state.log.records]


async def test_with_a_recording_memory_keeps_less(live: Live, tmp_path: Path) -> None:
    """The file has the rest, and gives it back."""
    await live.run(f"/record start {tmp_path / 'r.ndjson'}")
    log = live.session.state.log
    assert log.max_event_bytes == RECORDED_BYTES // 2

    log.max_event_bytes = 2000
    await live.run("hello")
    await live.idle()
    first = log.find(1)
    assert log.forgotten and first is not None and first.event and first.event["type"] == "session.update"


async def test_a_file_that_is_there_is_overwritten_with_force_alone(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(InputError, match="it exists already"):
        await live.run(f"/record start {path}")
    assert path.read_text(encoding="utf-8") == "precious"

    await live.run(f"/record start {path} --force")
    await live.run("/record stop")
    assert frames(path)


async def test_it_says_what_is_and_refuses_what_cannot_be(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    live.views.extend(await live.run("/record"))
    with pytest.raises(UsageError, match="nothing is being recorded"):
        await live.run("/record stop")
    with pytest.raises(UsageError, match="a recording needs a file"):
        await live.run("/record start")
    with pytest.raises(UsageError, match="a recording needs a file"):
        await live.run("/record start -")
    for line in (f"/record start {path}", "/record", "/record stop", "/record"):
        live.views.extend(await live.run(line))
    said = "\n".join(live.notices)
    for words in (
        "this session is not recorded",
        f"recording to {path}",
        "kB so far",
        f"recorded to {path}",
        "has ended",
    ):
        assert words in said

    await live.run(f"/record start {tmp_path / 's.ndjson'}")
    with pytest.raises(UsageError, match="recording already"):
        await live.run(f"/record start {tmp_path / 't.ndjson'}")
