"""`rtcli serve --from RECORDING`: what a client that deviates sees, and how the command ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE


async def served(file: Path, text: str, *options: str) -> tuple[int, str, str]:
    """Exit code and stderr of `serve --once` with a client that says this, and what that client printed."""
    server = await start("serve", "--port", "0", "--from", str(file), "--once", *options)
    assert server.stdout is not None
    url = (await asyncio.wait_for(server.stdout.readline(), DEADLINE)).decode().strip()
    client = await rtcli("chat", "--url", url, "--text", text=text)
    _, err = await asyncio.wait_for(server.communicate(), DEADLINE)
    assert server.returncode is not None
    return server.returncode, err.decode(), client.out


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    path = tmp_path / "talk.ndjson"
    ended = await rtcli("chat", "--local", "--text", "--record", str(path), text="hello\nwhat time is it?\n")
    assert ended.code == 0
    return path


async def test_the_same_client_gets_the_same_and_the_command_ends_well(file: Path) -> None:
    code, err, out = await served(file, "hello\nwhat time is it?\n", "--pace", "0")

    assert (code, err) == (0, "replies: recording talk.ndjson\nany key is accepted, or none\n")
    assert out.startswith("Hello! I am the test server") and "It is" in out


async def test_a_client_that_deviates_is_shown_how_and_served_on(file: Path) -> None:
    code, err, out = await served(file, "hello\nwhat day \x1bis it?\n", "--pace", "0")

    assert code == 6
    mismatch = err[err.index("mismatch") :].splitlines()
    assert (
        mismatch[0].startswith("mismatch: event 4 of the client is not #") and "conversation.item.create" in mismatch[0]
    )
    assert mismatch[1:] == ["  item.content.0.text", '    - "what time is it?"', '    + "what day \\u001bis it?"']
    assert "It is" in out


async def test_a_client_that_leaves_early_is_told_what_it_never_sent(file: Path) -> None:
    code, err, _ = await served(file, "hello\n", "--pace", "0")

    assert code == 6 and "mismatch: the client never sent\n" in err
    assert [line.split(" ")[-1] for line in err.splitlines()[-2:]] == ["conversation.item.create", "response.create"]


@pytest.mark.parametrize(("text", "code"), [("what is the weather?\n", 0), ("hello\n", 6)])
async def test_a_script_judges_its_client(tmp_path: Path, text: str, code: int) -> None:
    """A rule with `expect` has to answer, and what it expects has to have been sent."""
    path = tmp_path / "judge.yaml"
    path.write_text("- when: {text: weather}\n  expect: [{text: /what.*weather/}]\n  reply: [{text: Sunny.}]\n")
    server = await start("serve", "--port", "0", "--voice", "tone", "--script", str(path), "--once")
    assert server.stdout is not None
    url = (await asyncio.wait_for(server.stdout.readline(), DEADLINE)).decode().strip()
    await rtcli("chat", "--url", url, "--text", text=text)
    _, err = await asyncio.wait_for(server.communicate(), DEADLINE)

    assert server.returncode == code
    assert (b"mismatch: rules that expect something never answered\n  rule 1 of judge.yaml" in err) is (code == 6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "nowhere.ndjson"], ["nowhere.ndjson", "No such file"]),
        (["--pace", "-1"], ["--pace -1", "must be a number from 0 on"]),
        (["--from", "a", "--script", "b"], ["a recording and a script exclude each other"]),
        (["--record", f"{__file__}/recordings"], ["recordings: Not a directory"]),
    ],
)
async def test_what_cannot_be_served_is_one_line(options: list[str], words: list[str]) -> None:
    one_clear_line(await rtcli("serve", "--port", "0", *options), 2, *words)
