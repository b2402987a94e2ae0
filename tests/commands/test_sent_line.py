"""Whoever does something sees that it was done, in one short line."""

from __future__ import annotations

import pytest

from rtcli.views import Notice
from tests.kit.sessions import Live, live_session


async def lines(live: Live, line: str) -> list[str]:
    return [view.what for view in await live.run(line) if isinstance(view, Notice)]


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("/system be brief", "conversation.item.create"),
        ("/discard", "input_audio_buffer.clear"),
        ("/respond", "response.create"),
        ('/send {"type": "input_audio_buffer.clear"}', "input_audio_buffer.clear"),
        ('{"type": "input_audio_buffer.clear"}', "input_audio_buffer.clear"),
    ],
)
async def test_what_was_sent_is_named_with_its_number(live: Live, line: str, sent: str) -> None:
    """The number is that of the event view."""
    number = live.session.state.log.last_number + 1

    assert await lines(live, line) == [f"-> #{number} {sent}"]
    assert live.session.state.log.find(number) in live.records(sent)


async def test_where_rows_show_it_no_line_repeats_it(live: Live) -> None:
    """And what is answered by speech needs none."""
    assert await lines(live, "/say hello") == []
    await live.idle()
    live.context.display.events = "all"
    assert await lines(live, "/system be brief") == []


async def test_many_events_take_one_line_too(live: Live) -> None:
    """Their numbers from and to."""
    first = live.session.state.log.last_number + 1
    await live.run('{"type": "input_audio_buffer.clear"}')
    (line,) = await lines(live, "\n".join(['{"type": "input_audio_buffer.clear"}'] * 5))

    assert line.endswith(", 5 events") and int(line.split()[1][1:]) > first


async def test_what_waits_for_its_turn_is_said_to_wait() -> None:
    """A response.create behind a running response has not gone out."""
    async with live_session(server={"pace": 1}) as live:
        await live.run("count to 30")
        await live.until(lambda: live.records("response.created"))

        assert "queued" in (await lines(live, '{"type": "response.create"}'))[0]
        (line,) = await lines(live, "/interrupt")
        assert line.endswith("response.cancel")
