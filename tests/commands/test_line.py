"""The line grammar, on a session with the local server."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rtcli.errors import InputError, UsageError
from rtcli.protocol.filters import type_of
from rtcli.protocol.ndjson import parse_events, parse_object
from rtcli.views import Level, Notice, Quit
from tests.kit.sessions import Live, live_session


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    """A session that answers at once."""
    async with live_session() as running:
        yield running


def sent_texts(live: Live) -> list[str]:
    records = [r for r in live.records("conversation.item.create") if r.direction == ">"]
    return [part.get("text", "") for r in records if r.event for part in r.event["item"]["content"]]


async def test_text_is_a_message(live: Live) -> None:
    """And is answered."""
    assert await live.run("  hello there  ") == []
    await live.idle()

    assert sent_texts(live) == ["hello there"]
    assert live.events("response.done")


async def test_nothing_is_nothing(live: Live) -> None:
    """An empty line sends no message."""
    before = live.sent()

    assert await live.run("   ") == []
    assert live.sent() == before


async def test_two_slashes_send_one(live: Live) -> None:
    """A message can begin with a slash."""
    await live.run("//help me")

    assert sent_texts(live) == ["/help me"]


async def test_pasted_commands_are_carried_out_one_after_the_other(live: Live) -> None:
    """Events among them, as in a pipe; one that fails is shown in its place, and nothing follows a /quit."""
    views = await live.run('/bargein off\n\n  /nosuch\n{"type": "input_audio_buffer.clear"}\r\n/quit\n/bargein on\n')

    said = [view.what for view in views if isinstance(view, Notice) and not view.what.startswith("->")]
    assert said == ["barge-in by typing: off", "unknown command /nosuch"]
    assert isinstance(views[-1], Quit)
    assert live.sent()[-1] == "input_audio_buffer.clear"


@pytest.mark.parametrize(
    "text",
    [
        "look at this:\n/quit\n/disconnect",
        "/usr/lib/python3/x.py:3: error\n/usr/bin/env: not found",
        "/home/me/notes\nare they good?",
        "and\n{broken: 1}",
    ],
)
async def test_pasted_text_is_one_message(live: Live, text: str) -> None:
    """Whatever its rows begin with."""
    await live.run(text)

    assert sent_texts(live) == [text]


async def test_a_command_takes_the_rows_below_it_as_its_text(live: Live) -> None:
    """Where it takes the rest of its line at all."""
    await live.run("/say first\nsecond /third\n{fourth")

    assert sent_texts(live) == ["first\nsecond /third\n{fourth"]


async def test_a_brace_begins_raw_events_over_several_lines(live: Live) -> None:
    """Pasted JSON goes out as it is, with a warning for what looks wrong and no veto."""
    item = '{"type": "message", "role": "user",\n "content": [{"type": "input_text", "text": "raw"}]}'
    views = await live.run(f'{{"type": "conversation.item.create",\n "item": {item}}}\n{{"type": "response.creat"}}')
    await live.until(lambda: live.records("error"))

    assert sent_texts(live) == ["raw"]
    warning, sent = [view for view in views if isinstance(view, Notice)]
    assert sent.what == "-> #4 conversation.item.create, #5 response.creat"
    assert warning.level is Level.WARNING and "response.create" in warning.what


@pytest.mark.parametrize("line", ['{"type": }', '{"a": 1}', '{"type": "x"} trailing', '{"type": 7}'])
async def test_raw_text_that_is_no_event_is_refused_here(live: Live, line: str) -> None:
    """With line and column, before anything is sent."""
    before = live.sent()
    with pytest.raises(UsageError):
        await live.run(line)

    assert live.sent() == before


def test_json_is_named_with_line_and_column() -> None:
    """The place is found without counting."""
    with pytest.raises(UsageError, match="line 2, column 11"):
        parse_object('{\n  "type": }')
    with pytest.raises(UsageError, match="nested too deeply"):
        parse_events("[" * 100_000)
    with pytest.raises(UsageError, match="one JSON object"):
        parse_object("{} {}")


async def test_of_several_events_all_are_sent_or_none(live: Live) -> None:
    """A mistake in the second is found before the first has gone out."""
    before = live.sent()
    with pytest.raises(UsageError, match='no string under "type"'):
        await live.run('{"type": "input_audio_buffer.clear"} {"typo": "x"}')

    assert live.sent() == before


async def test_an_at_adds_a_picture_and_a_handle_stays_text(live: Live, tmp_path: Path) -> None:
    """@path goes with the message, in quotes if it has spaces; @alice is somebody."""
    held = io.BytesIO()
    Image.new("RGB", (3, 4)).save(held, "PNG")
    (tmp_path / "my shot.png").write_bytes(held.getvalue())
    views = await live.run(f'@"{tmp_path / "my shot.png"}" what would @alice say?')

    record = next(r for r in live.records("conversation.item.create") if r.direction == ">")
    text, image = (record.event or {})["item"]["content"]
    assert text == {"type": "input_text", "text": "what would @alice say?"}
    assert image["image_url"].startswith("data:image/png;base64,")
    assert any("3x4" in view.what for view in views if isinstance(view, Notice))


async def test_a_picture_in_the_middle_leaves_one_space(live: Live, tmp_path: Path) -> None:
    """The words of the message stay as they were typed, rows included."""
    Image.new("RGB", (3, 4)).save(tmp_path / "a.png")
    await live.run(f"look @{tmp_path / 'a.png'} please\nand  say")

    record = next(r for r in live.records("conversation.item.create") if r.direction == ">")
    assert (record.event or {})["item"]["content"][0]["text"] == "look please\nand  say"


async def test_a_picture_that_is_not_there_sends_nothing(live: Live) -> None:
    """The message is kept back rather than sent without it."""
    with pytest.raises(InputError, match="no such file"):
        await live.run("look at @nowhere.png")

    assert sent_texts(live) == []


async def test_frames_know_the_line_that_sent_them(live: Live) -> None:
    """The cause of each frame is the command, typed text or a raw event."""
    await live.run("/session set instructions=x")
    await live.run("hi")
    await live.run('{"type": "input_audio_buffer.clear"}')

    causes = {r.event["type"]: r.cause for r in live.session.state.log.records if r.event and r.direction == ">"}
    assert causes["session.update"] == "/session set"
    assert causes["conversation.item.create"] == "typed text"
    assert causes["input_audio_buffer.clear"] == "raw event"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("/truncate", "ITEM is missing"),
        ("/truncate item_1 soon", "not a whole number"),
        ("/truncate item_1 10 --part", "needs a value"),
        ("/mute now", "unexpected argument 'now'"),
        ("/events loud", "not one of: off, summary, all"),
        ('/show "1', "not closed"),
        ("/session set voice", "PATH=VALUE"),
        ("/respond instructions", "NAME=VALUE"),
    ],
)
async def test_arguments_that_do_not_fit_are_named(live: Live, line: str, what: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match=what):
        await live.run(line)


async def test_options_may_stand_anywhere_before_the_rest(live: Live) -> None:
    """--raw before the JSON that it is about."""
    await live.run('/send --raw {"type": "input_audio_buffer.clear"}')

    assert live.sent()[-1] == "input_audio_buffer.clear"


@pytest.mark.parametrize(
    "line",
    [
        "@{folder}/ok.png, what is it?",
        "what is on @{folder}/ok.png?",
        "look (@{folder}/ok.png)",
        "what is on \u201c@{folder}/ok.png\u201d?",
        "look @{folder}/ok.png\u2026",
        "what is @{folder}/ok.png's color?",
        "look **@{folder}/ok.png**",
        "look @'{folder}/with space.png'",
        'look @"{folder}/with space.png".',
        "look @{folder}/with\\ space.png",
        "look @file://{folder}/with%20space.png",
        "'{folder}/with space.png'",
        "{folder}/with\\ space.png what is it?",
        "file://{folder}/with%20space.png",
        "{folder}/ok.png",
        "look @{folder}/with\\ thin\\ space.png",
        "look @{folder}/with\u00a0thin\u202fspace.png",
    ],
)
async def test_an_image_is_found_in_every_spelling_of_its_name(live: Live, tmp_path: Path, line: str) -> None:
    """Punctuation behind it, quotes, backslashes, URLs, the blanks of macOS, a path that was dropped."""
    for name in ("ok.png", "with space.png", "with thin\u202fspace.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)

    await live.run(line.format(folder=tmp_path))

    item = last_item(live)
    assert [part["type"] for part in item["content"]][-1] == "input_image"
    assert str(tmp_path) not in str(item["content"][0].get("text", ""))


async def test_an_image_that_is_no_file_is_told_before_anything_is_sent(live: Live) -> None:
    """The model would answer about nothing."""
    before = live.sent()
    with pytest.raises(UsageError, match=r"none\.png"):
        await live.run("look at @none.png, please")
    assert live.sent() == before


@pytest.mark.parametrize("text", ["write to @alice, please", "me@example.com", "a @ b", "@", "x = @decorator"])
async def test_what_names_no_image_stays_as_it_is(live: Live, text: str) -> None:
    """Handles and addresses."""
    await live.run(text)

    assert last_item(live)["content"] == [{"type": "input_text", "text": text}]


@pytest.mark.parametrize("line", ["exit", "quit", "Quit"])
async def test_a_word_that_leaves_every_prompt_leaves_this_one(live: Live, line: str) -> None:
    """It does not go to the model."""
    (view,) = await live.run(line)

    assert isinstance(view, Quit)


@pytest.mark.parametrize("line", ["help", "?"])
async def test_a_word_that_asks_every_prompt_for_help_is_answered_here(live: Live, line: str) -> None:
    """It does not go to the model."""
    before = live.sent()
    assert await live.run(line)
    assert live.sent() == before


async def test_a_flag_may_stand_behind_the_rest_of_a_line(live: Live) -> None:
    """As the usage shows it."""
    await live.run('/send {"type": "input_audio_buffer.clear"} --raw')

    assert live.sent()[-1] == "input_audio_buffer.clear"


async def test_several_settings_are_set_at_once(live: Live) -> None:
    """One update; text with an = in it is one value, and a value may be empty."""
    await live.run("/session set audio.output.speed=1.2 instructions=brief")
    assert live.session.settings.confirmed["audio"]["output"]["speed"] == 1.2
    assert live.session.settings.confirmed["instructions"] == "brief"

    await live.run("/session set instructions=say a=1 b")
    assert live.session.settings.confirmed["instructions"] == "say a=1 b"
    await live.run("/session set instructions=")
    assert live.session.settings.confirmed["instructions"] == ""


def last_item(live: Live) -> dict[str, Any]:
    """The item that was created last."""
    records = live.session.state.log.records
    items = [frame.event["item"] for frame in records if frame.event and type_of(frame) == "conversation.item.create"]
    return dict(items[-1])
