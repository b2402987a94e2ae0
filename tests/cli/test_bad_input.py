"""Whatever goes wrong: one clear line with what to do, the right exit code, no traceback, nothing left running."""

from __future__ import annotations

import asyncio
import json
import socket
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.kit.events import CREATED, Event, error, text_response
from tests.kit.fake_server import (
    Conversation,
    Step,
    answers,
    fake_server,
    greets,
    raw_server,
    refuses,
    reply_to,
    silent,
    steps,
)
from tests.kit.program import Ended, one_clear_line, rtcli

EVENT = json.dumps({"type": "response.create"})
COMMANDS = pytest.mark.parametrize("command", ["chat", "send-event"])


async def talk_to(command: str, url: str, *more: str, text: str | None = None) -> Ended:
    """The same address, by each command that connects."""
    if command == "chat":
        return await rtcli("chat", "--url", url, *more, text="hello\n" if text is None else text)
    return await rtcli("send-event", "-", "--url", url, *more, text=EVENT)


def clear(ended: Ended, code: int, *words: str) -> None:
    """As `one_clear_line`; chat's first line, which says where it talks to, is not counted."""
    expected = ("connecting to", "answers will be text")
    lines = [line for line in ended.err.splitlines() if not any(words in line for words in expected)]
    one_clear_line(Ended(ended.code, ended.out, "\n".join(lines)), code, *words)


@COMMANDS
async def test_a_wrong_key(command: str) -> None:
    """OpenAI answers 101, then an error, then close 3000: its own words, and which key to look at."""
    refusal = error("invalid_api_key", "Incorrect API key provided: sk-12345***6789.")
    async with fake_server(refuses(refusal, 3000, "invalid_request_error.invalid_api_key")) as server:
        ended = await talk_to(command, server.url)

    clear(ended, 3, "Incorrect API key provided", "check the API key")


@COMMANDS
async def test_an_empty_address_is_not_the_default(command: str) -> None:
    """A variable that is not set gives one; what is said must not go elsewhere then."""
    clear(await talk_to(command, ""), 2, "--url is empty")


@pytest.mark.parametrize("seconds", ["nan", "inf", "0"])
async def test_a_time_to_listen_is_a_number(seconds: str) -> None:
    """Told before anything is dialed."""
    clear(await talk_to("send-event", "ws://127.0.0.1:9", "--for", seconds), 2, "--for", "must be ")


@COMMANDS
async def test_an_unknown_model(command: str) -> None:
    """The same manner, with close 4000."""
    refusal = error("invalid_model", 'Model "nope" is not supported in realtime mode.')
    async with fake_server(refuses(refusal, 4000, "invalid_request_error.invalid_model")) as server:
        ended = await talk_to(command, server.url, "--model", "nope")

    clear(ended, 3, "not supported in realtime mode", "check the model")


@COMMANDS
@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (HTTPStatus.UNAUTHORIZED, "Access denied due to invalid subscription key", "key"),
        (HTTPStatus.FORBIDDEN, "not for you", "403"),
        (HTTPStatus.NOT_FOUND, "no such deployment", "404"),
    ],
)
async def test_an_upgrade_that_is_refused(command: str, status: HTTPStatus, body: str, hint: str) -> None:
    """Status, the server's words, and what to look at."""
    async with fake_server(silent, refuse=(status, body)) as server:
        ended = await talk_to(command, server.url)

    clear(ended, 3, str(status.value), body, hint)


@COMMANDS
async def test_a_port_where_nothing_listens(command: str) -> None:
    """The address is named."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = await talk_to(command, f"ws://127.0.0.1:{port}/v1")

    clear(ended, 3, f"127.0.0.1:{port}", "is the server running")


@COMMANDS
async def test_tls_that_fails(command: str) -> None:
    """wss:// to something that speaks no TLS."""
    async with fake_server(greets) as server:
        ended = await talk_to(command, server.url.replace("ws://", "wss://"))

    clear(ended, 3, "wss://127.0.0.1")


@COMMANDS
async def test_a_host_that_has_no_address(command: str) -> None:
    """A name that can never resolve (RFC 2606)."""
    ended = await talk_to(command, "ws://rtcli-test.invalid/v1")

    clear(ended, 3, "rtcli-test.invalid")


@COMMANDS
async def test_something_that_is_no_websocket_server(command: str) -> None:
    """It hangs up on the upgrade request."""

    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with raw_server(hang_up) as address:
        ended = await talk_to(command, f"ws://{address}/v1")

    clear(ended, 3, address)


async def test_a_server_that_closes_in_the_middle_of_a_reply() -> None:
    """Chat keeps what came, says how it ended and what to do, and ends with 3."""
    leave = Step("response.create", text_response("r", "half a sentence")[:5], close=(1011, "overloaded"))
    async with fake_server(steps(leave)) as server:
        ended = await talk_to("chat", server.url)

    assert "half a sentence" in ended.out
    assert "1011" in ended.err
    assert "overloaded" in ended.err
    assert "/reconnect" in ended.err
    assert "Traceback" not in ended.err
    assert ended.code == 3


async def test_a_frame_that_is_no_json_does_not_end_a_chat() -> None:
    """The answer comes all the same."""

    async def stumble(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            await talk.send("{", b"\xff".decode("latin-1"), "[]", *reply_to(await talk.receive()))

    async with fake_server(stumble) as server:
        ended = await talk_to("chat", server.url)

    assert ended.out == "hello\n"
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err


async def test_an_error_of_the_server_in_a_chat() -> None:
    """It is shown with its hint; the chat goes on, and ends with 4."""

    def refusal(event: Event) -> list[Event]:
        return [error("insufficient_quota", "You exceeded your quota.", event.get("event_id"))]

    async with fake_server(steps(Step("response.create", refusal))) as server:
        ended = await talk_to("chat", server.url)

    assert "You exceeded your quota." in ended.err
    assert ended.code == 4
    assert "Traceback" not in ended.err


async def test_a_response_that_fails_in_a_chat() -> None:
    """Its reason is shown; the code is 5."""
    failed = text_response("r", "", "failed", {"type": "failed", "error": {"code": "x", "message": "No luck"}})
    async with fake_server(steps(Step("response.create", failed))) as server:
        ended = await talk_to("chat", server.url)

    assert "No luck" in ended.err
    assert ended.code == 5


async def test_a_server_that_never_answers_in_a_chat() -> None:
    """--timeout bounds the time without any event; the code is 6."""

    async def confirm_only(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            if event["type"] != "response.create":
                await talk.send(*reply_to(event))

    async with fake_server(confirm_only) as server:
        ended = await talk_to("chat", server.url, "--timeout", "0.3")

    clear(ended, 6, "the answer is incomplete", "--timeout")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (None, "no such file"),
        ("folder", "folder"),
        (b"no picture at all", "image"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "image"),
    ],
    ids=["missing", "folder", "text", "broken"],
)
@pytest.mark.parametrize("line", ["@{} what is this?", "/image {}"])
async def test_an_image_that_cannot_be_had(tmp_path: Path, make: bytes | str | None, words: str, line: str) -> None:
    """A missing file, a folder, a file that is not an image, a broken one: named, code 2, nothing sent of it."""
    place = tmp_path / "picture.png"
    if make == "folder":
        place.mkdir()
    elif isinstance(make, bytes):
        place.write_bytes(make)
    async with fake_server(answers) as server:
        ended = await talk_to("chat", server.url, text=line.format(place) + "\n")

    clear(ended, 2, "picture.png")
    assert words in ended.err.lower()
    assert "conversation.item.create" not in server.types


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--session", "{folder}/none.json"), "none.json"),
        (("--session", "{folder}/bad.json"), "bad.json:2:1"),
        (("--session", "{folder}/list.json"), "not a session"),
        (("--instructions", "@{folder}/none.txt"), "none.txt"),
        (("--tools", "{folder}/none.py"), "none.py"),
        (("--tools", "{folder}/bad.json"), "bad.json"),
        (("--filter", "item="), "item="),
        (("--events", "some"), "off, summary, all"),
        (("--echo", "loud"), "auto, aec, gate, half, off"),
        (("--both",), "--json"),
        (("--audio-in", "{folder}/a.wav", "--mic"), "--audio-in"),
        (("--audio-in", "{folder}/none.wav"), "none.wav"),
        (("--header", "Authorization: Bearer x"), "Authorization"),
        (("--profile", "none"), "none"),
        (("--call-id", "c"), "--local"),
    ],
)
async def test_options_that_cannot_be_carried_out(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """Exit 2 before anything is dialled."""
    (tmp_path / "bad.json").write_text("{\n")
    (tmp_path / "list.json").write_text("[]")
    ended = await rtcli("chat", "--local", *(argument.format(folder=tmp_path) for argument in arguments), text="hi\n")

    clear(ended, 2, words)


@pytest.mark.parametrize("option", [("--mic",), ("--in", "no such microphone"), ("--out", "no such speaker")])
async def test_sound_that_was_asked_for_and_is_not_there(option: tuple[str, ...]) -> None:
    """Code 7. (A machine that has sound devices still has none of these names; there --mic alone works.)"""
    from rtcli.audio.devices import list_devices
    from rtcli.errors import AudioUnavailableError

    try:
        devices = list_devices()
    except AudioUnavailableError:
        devices = ()
    if devices and option == ("--mic",):
        pytest.skip("this machine has a microphone")
    clear(await rtcli("chat", "--local", *option, text="hi\n"), 7)


async def test_the_built_in_server_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    """`serve` with a port that is taken, a host that needs a key, a script that is not there, a fault that is none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        one_clear_line(await rtcli("serve", "--port", str(taken.getsockname()[1])), 2, "in use")
    one_clear_line(await rtcli("serve", "--host", "0.0.0.0", "--port", "0"), 2, "RTCLI_SERVE_KEY")
    one_clear_line(await rtcli("serve", "--port", "0", "--script", str(tmp_path / "none.yaml")), 2, "none.yaml")
    one_clear_line(await rtcli("serve", "--port", "0", "--fault", "after=1s:bad"), 2, "bad")
    one_clear_line(await rtcli("serve", "--port", "0", "--reply", "parrot"), 2, "parrot")
