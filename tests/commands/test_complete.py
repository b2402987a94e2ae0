"""Completion, as a function of what stands before the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.commands import Command, default_registry
from rtcli.commands.known import Known
from rtcli.commands.session_arguments import ItemId
from rtcli.protocol.items import MessageItem
from tests.kit.sessions import Live


def texts(live: Live, line: str) -> list[str]:
    """The whole lines that completion would make of one."""
    return [line[: c.start] + c.text for c in live.complete(line)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/mu", "/mute "),
        ("/laten", "/latency "),
        ("/sess", "/session "),
        ("/session ", "/session diff "),
        ("/session g", "/session get "),
        ("/session get audio.output.v", "/session get audio.output.voice "),
        ("/session get voice", "/session get audio.output.voice "),
        ("/session set audio.output.vo", "/session set audio.output.voice="),
        ("/session set audio.output.voice=ma", "/session set audio.output.voice=marin "),
        ("/set audio.output.voice=ma", "/set audio.output.voice=marin "),
        ("/voice ce", "/voice cedar "),
        ("/events s", "/events summary "),
        ("/vad semantic eag", "/vad semantic eagerness="),
        ("/last response.d", "/last response.done "),
        ("/filter -response.output_text.de", "/filter -response.output_text.delta "),
        ("/filter < er", "/filter < error "),
        ("/send --r", "/send --raw "),
        ("/play x.wav --c", "/play x.wav --commit "),
        ("/export m", "/export md "),
        ("/respond instr", "/respond instructions="),
        ("/respond instructions=x conv", "/respond instructions=x conversation="),
        ("/image clip", "/image clipboard "),
        ('{"type": "response.cr', '{"type": "response.create"'),
        ("/show ", "/show 1 "),
        ("/show response.cr", "/show response.created "),
        ("/why sess", "/why session.created "),
        ("/model gpt", "/model gpt-realtime-2.1-mini "),
        ("/help mu", "/help mute "),
        ("/help /mu", "/help /mute "),
        ("/help session s", "/help session set "),
        ("/help aud", "/help audio "),
        ("/send ", '/send {"type":"response.create"'),
        ("/send response.cr", '/send {"type":"response.create"'),
        ('/send {"type": "response.cr', '/send {"type": "response.create"'),
        ("/filter ", "/filter off "),
        ("/set audio.output.speed=1.0 audio.output.voice=ma", "/set audio.output.speed=1.0 audio.output.voice=marin "),
    ],
)
async def test_what_can_follow_is_offered(live: Live, line: str, wanted: str) -> None:
    """Commands, subcommands, paths and their values, event types, options."""
    assert wanted in texts(live, line)


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "//mu",
        "/xyzzy",
        "/mute ",
        "/session xyz ",
        '{"type": "response.create", "x": "',
        "",
        "@",
        "/session set id=",
    ],
)
async def test_where_nothing_is_known_nothing_is_offered(live: Live, line: str) -> None:
    """Plain text, complete JSON, arguments of commands that take none."""
    assert [t for t in texts(live, line) if line not in ("@",)] == []


async def test_items_of_the_conversation_are_offered_the_newest_first(live: Live) -> None:
    """Nobody types an id."""
    ids = [item.item_id for item in live.session.state.history]

    assert texts(live, "/item ") == [f"/item {item_id} " for item_id in reversed(ids)]
    assert [c.meta for c in live.complete("/item ")][-1] == "1 user: hello"
    assert f"/show {ids[0]} " in texts(live, "/show item_")
    assert f"/filter item={ids[0]} " in texts(live, f"/filter item={ids[0][:8]}")


async def test_of_a_long_conversation_the_newest_items_are_offered(live: Live) -> None:
    """As many as a menu has; the others are there by their numbers and ids."""
    history = live.session.state.history
    for number in range(300):
        content = [{"type": "input_text", "text": f"word {number}"}]
        history.update(MessageItem(f"item_long{number}", "user", "completed", content))

    count = len(history)
    offered = live.complete("/item ")
    assert [c.meta for c in offered] == [f"{count - n} user: word {299 - n}" for n in range(200)]
    read, known = ItemId().parse, Known.to_parse(live.context)
    for typed in ("item_long3", str(count - 296), f"#{count - 296}", "item_…_long3"):
        assert read(typed, known) == "item_long3"
    for unknown in ("0", str(count + 1), "9" * 30):
        assert read(unknown, known) == unknown
    for number in range(300):
        history.remove(f"item_long{number}")  # the recording of this session knows nothing of them


async def test_an_id_is_offered_with_the_last_event_that_names_it(live: Live) -> None:
    """A response, with how far it is."""
    assert [c.meta for c in live.complete("/show resp_")] == ["response.done"]


async def test_files_are_offered_for_paths_and_pictures(live: Live, tmp_path: Path) -> None:
    """Folders go on; only what fits; names with spaces are quoted."""
    for name in ("a.wav", "b c.wav", "d.png", ".hidden.wav"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()

    assert texts(live, f"/play {tmp_path}/") == [
        f"/play {tmp_path}/a.wav ",
        f'/play "{tmp_path}/b c.wav" ',
        f"/play {tmp_path}/folder/",
    ]
    assert texts(live, f"look @{tmp_path}/") == [f"look @{tmp_path}/d.png ", f"look @{tmp_path}/folder/"]
    assert texts(live, f"/image {tmp_path}/") == [f"/image {tmp_path}/d.png ", f"/image {tmp_path}/folder/"]
    (tmp_path / "e.json").write_bytes(b"")
    assert texts(live, f"/reset {tmp_path}/") == [f"/reset {tmp_path}/e.json ", f"/reset {tmp_path}/folder/"]
    assert texts(live, f"/send @{tmp_path}/e") == [f"/send @{tmp_path}/e.json "]
    assert texts(live, f'/play "{tmp_path}/b') == [f'/play "{tmp_path}/b c.wav" ']
    assert texts(live, f"/play {tmp_path}/nowhere/") == []
    assert texts(live, f"/play {tmp_path}/.h") == [f"/play {tmp_path}/.hidden.wav "]


async def test_an_offer_tells_what_it_means(live: Live) -> None:
    """The menu shows a name and a meaning."""
    (offer,) = live.complete("/mut")

    assert (offer.display, offer.meta) == ("/mute", "Stop sending the microphone's audio.")


@pytest.mark.parametrize("entry", list(default_registry()), ids=lambda entry: entry.name)
async def test_every_argument_of_every_command_completes_without_error(live: Live, entry: Command) -> None:
    """Also where there is nothing to offer: no device, no call, no approval."""
    line = f"/{entry.name} "
    for _ in entry.parameters:
        for offer in live.complete(line):
            assert 0 <= offer.start <= len(line)
            assert offer.text
        line += "1 "
    assert entry.parameters is not None


async def test_no_more_is_offered_than_a_menu_can_hold(live: Live) -> None:
    """A folder with a million files does not stall a key."""
    assert len(live.complete("/last ")) <= 200
