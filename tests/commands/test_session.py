"""Commands for the session's settings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rtcli.commands.known import Known
from rtcli.commands.session_arguments import Assignments, Fields
from rtcli.errors import InputError, ServerError, UsageError
from rtcli.views import Json, Level, Notice, Table
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.sessions import Live, ManualSpeaker, live_session, session_on


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    """A session that answers at once."""
    async with live_session() as running:
        yield running


async def said(live: Live, line: str) -> list[str]:
    return [f"{view.what} | {view.why} | {view.hint}" for view in await live.run(line) if isinstance(view, Notice)]


async def test_the_session_is_shown_whole_and_by_path(live: Live) -> None:
    """As the server confirmed it."""
    (whole,) = await live.run("/session")
    (part,) = await live.run("/session get audio.output.voice")

    assert isinstance(whole, Json) and whole.value["object"] == "realtime.session"
    assert isinstance(part, Json) and part.value == whole.value["audio"]["output"]["voice"]
    with pytest.raises(UsageError) as caught:
        await live.run("/session get voice")
    assert "audio.output.voice" in caught.value.hint


async def test_a_set_sends_what_changes_and_says_what_came_of_it(live: Live) -> None:
    """One key goes out; the server's word comes back."""
    assert await said(live, "/session set audio.output.voice=marin") == ['audio.output.voice = "marin" |  | ']

    update = live.events("session.update")[-1]
    assert update["session"] == {"type": "realtime", "audio": {"output": {"voice": "marin"}}}


async def test_a_refusal_is_the_servers_own(live: Live) -> None:
    """Code and message; nothing has changed."""
    with pytest.raises(ServerError, match="nobody"):
        await live.run("/session set audio.output.voice=nobody")


async def test_a_server_that_does_something_else_is_found_out() -> None:
    """Asked for one thing and confirmed another: a warning with both, and a row in /session diff."""

    async def stubborn(talk: Conversation) -> None:
        session = {"id": "s", "type": "realtime", "instructions": "mine"}
        await talk.send({"type": "session.created", "session": session})
        while True:
            event = await talk.receive()
            updated = {"type": "session.updated", "session": session}
            await talk.send(*([updated] if event["type"] == "session.update" else reply_to(event)))

    async with fake_server(stubborn) as server, session_on(server.url) as live:
        (notice,) = await live.run("/instructions be brief")
        (table,) = await live.run("/session diff")

        assert isinstance(notice, Notice) and notice.level is Level.WARNING
        assert (notice.what, notice.why) == ('instructions is "mine"', 'requested "be brief"')
        assert isinstance(table, Table) and ("instructions", '"be brief"', '"mine"') in table.rows


async def test_a_session_as_asked_for_has_no_difference(live: Live) -> None:
    """Said in a line."""
    assert await said(live, "/session diff") == ["the session is as requested |  | "]


async def test_settings_are_saved_and_loaded(live: Live, tmp_path: Path) -> None:
    """A file that was saved changes nothing when it is loaded; a changed one sends its change."""
    file = tmp_path / "session.json"
    await live.run(f"/session save {file}")
    assert await said(live, f"/session load {file}") == ["nothing changed |  | "]

    saved = json.loads(file.read_text())
    assert not {"id", "object", "expires_at"} & saved.keys()
    file.write_text(json.dumps({"session": {**saved, "instructions": "from a file"}}))
    assert await said(live, f"/session load {file}") == ['instructions = "from a file" |  | ']
    assert set(live.events("session.update")[-1]["session"]) == {"type", "instructions"}


@pytest.mark.parametrize(("text", "kind"), [("[1]", UsageError), ("{", InputError), ('{"temperature": 1}', UsageError)])
async def test_a_file_that_is_no_session_is_refused(
    live: Live, tmp_path: Path, text: str, kind: type[Exception]
) -> None:
    """Nothing is sent of it."""
    (tmp_path / "a.json").write_text(text)
    before = live.sent()
    with pytest.raises(kind):
        await live.run(f"/session load {tmp_path / 'a.json'}")
    with pytest.raises(InputError):
        await live.run(f"/session load {tmp_path / 'none.json'}")
    with pytest.raises(InputError):
        await live.run(f"/session save {tmp_path / 'none' / 'a.json'}")

    assert live.sent() == before


async def test_settings_are_edited_in_an_editor(live: Live) -> None:
    """What comes back and differs is sent; without a terminal there is no editor."""
    with pytest.raises(UsageError, match="no terminal"):
        await live.run("/session edit")

    async def edit(text: str) -> str | None:
        session = json.loads(text)
        session["audio"]["output"]["speed"] = 1.2
        return json.dumps(session)

    async def leave(text: str) -> str | None:
        return None

    async def spoil(text: str) -> str | None:
        return text[:-5]

    live.context.edit = edit
    assert await said(live, "/session edit") == ["audio.output.speed = 1.2 |  | "]
    live.context.edit = leave
    assert await said(live, "/session edit") == ["nothing changed |  | "]
    live.context.edit = spoil
    with pytest.raises(UsageError, match="not JSON"):
        await live.run("/session edit")


async def test_a_broken_edit_is_kept_and_opened_again(live: Live) -> None:
    """A page of tools with one comma too many is not typed twice; emptied, it is dropped."""
    opened: list[str] = []
    results: list[str | None] = ['{"tools": [1,]}', '{"audio": {"output": {"speed": 99}}}', None, "", None]

    async def edit(text: str) -> str | None:
        opened.append(text)
        return results[len(opened) - 1]

    live.context.edit = edit
    for refusal in (UsageError, ServerError, ServerError):
        with pytest.raises(refusal) as caught:
            await live.run("/session edit")
        assert "the edit is kept: /session edit opens it again" in caught.value.hint
    assert opened[1:3] == ['{"tools": [1,]}', '{"audio": {"output": {"speed": 99}}}']
    assert await said(live, "/session edit") == ["the edit was dropped |  | "]
    await live.run("/session edit")
    assert '"voice"' in opened[-1]


async def test_the_difference_knows_what_rtcli_asked_for_by_itself() -> None:
    """Also the defaults that nobody named: a server that makes something else of them is found out at once."""

    async def deaf(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.receive()
        await talk.send({"type": "session.updated", "session": {"type": "realtime", "output_modalities": ["text"]}})
        await talk.receive_all()

    async with fake_server(deaf) as server, session_on(server.url, speaker=ManualSpeaker()) as live:
        (table,) = await live.run("/session diff")
        rows = {row[0]: row[1:] for row in table.rows} if isinstance(table, Table) else {}

        assert rows["output_modalities"] == ('["audio"]', '["text"]')
        assert rows["audio.input.turn_detection.type"] == ('"semantic_vad"', "-")
        assert "" not in rows


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        ("/voice cedar", "voice", "cedar"),
        ("/instructions be very brief", "instructions", "be very brief"),
        ("/modalities audio", "output_modalities", ["audio"]),
        ("/vad off", "turn_detection", None),
    ],
)
async def test_shortcuts_set_and_without_a_value_show(live: Live, line: str, path: str, value: object) -> None:
    """What is set most takes the fewest keys."""
    await live.run(line)
    (shown,) = await live.run(line.split(maxsplit=1)[0])

    assert isinstance(shown, Json)
    assert shown.value == value and shown.title.endswith(path)


async def test_voice_detection_is_tuned_in_a_line(live: Live) -> None:
    """A kind with fields starts anew; fields alone change the present kind."""
    await live.run("/vad server threshold=0.7 silence_duration_ms=300")
    await live.run("/vad threshold=0.6")
    (shown,) = await live.run("/vad")
    await live.run("/vad semantic eagerness=high")
    (other,) = await live.run("/vad")

    assert isinstance(shown, Json) and isinstance(other, Json)
    assert (shown.value["threshold"], shown.value["silence_duration_ms"]) == (0.6, 300)
    assert (other.value["type"], other.value["eagerness"]) == ("semantic_vad", "high")
    await live.run("/vad off")
    with pytest.raises(UsageError, match="off"):
        await live.run("/vad threshold=0.5")


async def test_another_model_is_connected_to(live: Live) -> None:
    """Text is carried over; without a name the model is shown."""
    await live.run("hello")
    await live.idle()
    assert "gpt-realtime-mini" in (await said(live, "/model gpt-realtime-mini"))[0]
    await live.idle()

    assert await said(live, "/model") == ["gpt-realtime-mini |  | "]
    assert len(live.session.state.history) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1 b.c=two", [("a", 1), ("b.c", "two")]),
        (
            'instructions="Be brief, b=2" audio.output.speed=1.2',
            [("instructions", "Be brief, b=2"), ("audio.output.speed", 1.2)],
        ),
        ('tools=[{"type": "x"}]  tool_choice=none', [("tools", [{"type": "x"}]), ("tool_choice", "none")]),
        ("a= b=2", [("a", ""), ("b", 2)]),
        ("a=", [("a", "")]),
        ("instructions=Be brief and kind", [("instructions", "Be brief and kind")]),
        ('prompt {"id": "x=y"}', [("prompt", {"id": "x=y"})]),
        ("session.tracing=null", [("tracing", None)]),
    ],
)
def test_settings_are_read_one_or_several(text: str, expected: list[tuple[str, Any]]) -> None:
    """Quoted values and JSON may hold spaces; a value that is not quoted may, where it is the only one."""
    assert Assignments().parse(text, Known()) == expected


def test_fields_take_quoted_values() -> None:
    """And name the word that is none."""
    fields = Fields({})

    assert fields.parse('instructions="Be brief" max=3', Known()) == {"instructions": "Be brief", "max": 3}
    with pytest.raises(UsageError, match="'brief'"):
        fields.parse("instructions=Be brief", Known())
