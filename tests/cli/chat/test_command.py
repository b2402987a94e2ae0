"""`rtcli chat` without a terminal: lines in, answers out."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import wave
from pathlib import Path

import pytest

from tests.kit.events import CREATED, response_event, text_response
from tests.kit.fake_server import Conversation, Step, answers, fake_server, reply_to, steps
from tests.kit.program import Ended, one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE


async def chat(*arguments: str, text: str | bytes = "hello\n", environ: dict[str, str] | None = None) -> Ended:
    return await rtcli("chat", *arguments, text=text, environ=environ)


async def test_hello_to_the_built_in_server_as_ndjson() -> None:
    """`echo hello | rtcli chat --local --json` prints the server's events and exits 0 when the answer is complete."""
    ended = await chat("--local", "--json")

    assert ended.code == 0, ended.err
    assert ended.types[0] == "session.created"
    done = [event for event in ended.events if event["type"] == "response.done"]
    assert [event["response"]["status"] for event in done] == ["completed"]


async def test_stdout_is_the_answer_and_nothing_else() -> None:
    """What is for users goes to stderr; its first line says where this talks to and with which model."""
    async with fake_server(answers) as server:
        ended = await chat("--url", server.url, "--model", "m-1")

    assert ended.out == "hello\n"
    assert ended.err.splitlines()[0].startswith("rtcli: connecting to 127.0.0.1:")
    assert "model m-1" in ended.err.splitlines()[0]
    assert ended.code == 0


async def test_without_address_and_key_it_talks_with_the_built_in_server_and_says_so() -> None:
    """In one line."""
    ended = await chat()

    assert ended.code == 0, ended.err
    assert "no key and no URL was given" in ended.err.splitlines()[0]
    assert ended.out.strip()


async def test_one_turn_at_a_time() -> None:
    """The second line is sent when the first answer is complete, not before."""
    order: list[str] = []

    async def watch(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            order.append(event["type"])
            if event["type"] != "response.create":
                await talk.send(*reply_to(event))
                continue
            for reply in text_response(f"r{len(order)}", "x"):
                await asyncio.sleep(0)
                await talk.send(reply)
            order.append("done")

    async with fake_server(watch) as server:
        ended = await chat("--url", server.url, text="one\ntwo\n\nthree")

    assert ended.code == 0, ended.err
    turn = ["conversation.item.create", "response.create", "done"]
    assert [kind for kind in order if kind != "session.update"] == turn * 3


async def test_commands_and_raw_events_work_in_a_pipe() -> None:
    """`/` and `{` lines, and `//` for a text that begins with a slash."""
    async with fake_server(answers) as server:
        raw = json.dumps({"type": "response.create", "event_id": "mine"})
        ended = await chat("--url", server.url, text=f"//usr/bin\n{raw}\n/status\n/quit\nnever sent\n")

    texts = [event["item"]["content"][0]["text"] for event in server.received if "item" in event]
    assert texts == ["/usr/bin"]
    assert "mine" in [event.get("event_id") for event in server.received]
    assert "connected" in ended.out
    assert ended.code == 0, ended.err


async def test_a_line_that_goes_wrong_does_not_stop_the_next_one() -> None:
    """It is said, it counts for the exit code, and the conversation goes on."""
    async with fake_server(answers) as server:
        ended = await chat("--url", server.url, text="/nope\nhello\n")

    assert "/nope" in ended.err
    assert ended.out == "hello\n"
    assert ended.code == 2


async def test_both_directions_as_ndjson() -> None:
    """--json --both wraps the events like send-event does."""
    async with fake_server(answers) as server:
        ended = await chat("--url", server.url, "--json", "--both")

    assert {row["dir"] for row in ended.events} == {"<", ">"}
    assert all(
        {"dir", "t", "n", "event"} <= set(row) <= {"dir", "t", "n", "event", "parent", "by"} for row in ended.events
    )


async def test_the_built_in_server_speaks_at_the_pace_that_is_asked_for() -> None:
    """At a quarter of its pace each word of a text takes 80 ms."""
    ended = await chat("--local", "--pace", "0.25", "--json", "--both")

    words = [row["t"] for row in ended.events if row["event"]["type"] == "response.output_text.delta"]
    assert len(words) > 5 and words[-1] - words[0] > 0.06 * (len(words) - 1)


async def test_a_filter_chooses_the_events_that_are_printed() -> None:
    """--json --filter."""
    async with fake_server(answers) as server:
        ended = await chat("--url", server.url, "--json", "--filter", "response.*.delta")

    assert ended.types == ["response.output_text.delta"]


async def test_the_session_is_asked_for_as_the_options_say(tmp_path: Path) -> None:
    """A file, with instructions, voice and text on top; fields the program does not know are passed on."""
    (tmp_path / "session.json").write_text(
        json.dumps({"session": {"type": "realtime", "id": "x", "instructions": "old", "max_output_tokens": 9}})
    )
    (tmp_path / "say.txt").write_text("Be brief.\n")
    async with fake_server(answers) as server:
        ended = await chat(
            *("--url", server.url, "--session", str(tmp_path / "session.json")),
            *("--instructions", f"@{tmp_path / 'say.txt'}", "--voice", "cedar", "--text"),
        )

    session = server.received[0]["session"]
    assert ended.code == 0, ended.err
    assert session["instructions"] == "Be brief."
    assert session["max_output_tokens"] == 9
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["output"]["voice"] == "cedar"
    assert "id" not in session


async def test_tools_of_a_file_are_offered_and_called(tmp_path: Path) -> None:
    """A function with docstring and annotations; its result goes back, and one response is asked for."""
    (tmp_path / "tools.py").write_text(
        'def add(a: int, b: int) -> int:\n    """Add two numbers."""\n    return a + b\n', encoding="utf-8"
    )
    call = {
        "id": "item_c",
        "type": "function_call",
        "name": "add",
        "call_id": "call_1",
        "arguments": '{"a": 2, "b": 3}',
    }

    item = {**call, "status": "completed"}
    calls = [
        response_event("created", "r1"),
        {"type": "response.output_item.done", "response_id": "r1", "output_index": 0, "item": item},
        response_event("done", "r1", status="completed", output=[item]),
    ]
    script = steps(Step("response.create", calls), Step("response.create", text_response("r2", "five")))
    async with fake_server(script) as server:
        ended = await chat("--url", server.url, "--tools", str(tmp_path / "tools.py"), text="add\n")

    outputs = [
        event["item"] for event in server.received if event.get("item", {}).get("type") == "function_call_output"
    ]
    assert server.received[0]["session"]["tools"][0]["name"] == "add"
    assert [(item["call_id"], item["output"]) for item in outputs] == [("call_1", "5")]
    assert ended.out.endswith("five\n")
    assert ended.code == 0, ended.err


async def test_sound_from_a_file_and_into_a_file(tmp_path: Path) -> None:
    """Where there are no devices: --audio-in is spoken into the session, --audio-out keeps what is answered."""
    spoken = b"\x10\x20" * 2400  # 100 ms

    async def listen(talk: Conversation) -> None:
        await talk.send(CREATED)
        heard = 0
        while True:
            event = await talk.receive()
            if event["type"] != "input_audio_buffer.append":
                await talk.send(*reply_to(event))
                continue
            before, heard = heard, heard + len(base64.b64decode(event["audio"]))
            if before < 4800 <= heard:
                place = {"response_id": "r", "item_id": "item_r", "output_index": 0, "content_index": 0}
                begin, *_, end = text_response("r", "")
                delta = {"type": "response.output_audio.delta", **place, "delta": base64.b64encode(spoken).decode()}
                await talk.send(begin, delta, {"type": "response.output_audio.done", **place}, end)

    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(b"\x01\x01" * 2400)
    async with fake_server(listen) as server:
        ended = await chat(
            *("--url", server.url, "--audio-in", str(tmp_path / "in.wav"), "--audio-out", str(tmp_path / "out.wav")),
            text="",
        )

    assert ended.code == 0, ended.err
    with wave.open(str(tmp_path / "out.wav"), "rb") as kept:
        assert spoken[200:-200] in kept.readframes(kept.getnframes())


async def test_a_disk_that_fills_up_costs_the_file_and_not_the_answer(tmp_path: Path) -> None:
    """Told once, by name; the turn is completed without the file, and the exit code says that something is missing."""
    limited = 'ulimit -f 80 && exec "$@"'  # of 512 bytes each
    command = (sys.executable, "-m", "rtcli", "chat", "--local", "--audio-out", str(tmp_path / "out.wav"))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", limited, "sh", *command), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(b"count to 5\nhello\n"), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()

    assert process.returncode == 1, err
    assert err.count(b"out.wav ends here") == 1
    assert b"File too large" in err
    assert len(out.splitlines()) == 2  # both answers
    with wave.open(str(tmp_path / "out.wav"), "rb") as kept:
        assert kept.getnframes() > 0


async def test_a_reader_that_leaves_ends_the_chat_quietly() -> None:
    """As `| head -1` does."""
    ours, theirs = os.pipe()

    async def endless(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.confirm_until("response.create")
        begin, added, entered, part, delta, *_ = text_response("r", "words ")
        await talk.send(begin, added, entered, part)
        while True:
            await talk.send(delta)

    async with fake_server(endless) as server:
        process = await start("chat", "--url", server.url, stdout=theirs)
        os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(b"hello\n")
        await asyncio.to_thread(os.read, ours, 10)
        os.close(ours)
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert process.returncode == 0
    assert b"Traceback" not in err
    assert b"Exception" not in err


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
async def test_a_signal_ends_the_chat_with_its_own_code(name: str, code: int) -> None:
    """While it waits for a line that does not come."""
    import signal

    async with fake_server(answers) as server:
        process = await start("chat", "--url", server.url)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\n")
        await asyncio.wait_for(process.stdout.readline(), DEADLINE)
        process.send_signal(getattr(signal, name))
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert process.returncode == code
    assert b"Traceback" not in err


async def test_openais_key_stays_at_home() -> None:
    """A chat with another address does not carry it, whatever the environment holds."""
    async with fake_server(answers) as server:
        await chat("--url", server.url, environ={"OPENAI_API_KEY": "sk-openai-secret-0123456789"})

    assert "sk-openai" not in str(server.headers)


async def test_a_key_is_shown_nowhere() -> None:
    """Neither in what is printed nor in an error that repeats it."""
    secret = "sk-proj-abcdefghijklmnopqrstuvwxyz"
    echo_it = Step("response.create", text_response("r", f"Your key is {secret}"))
    async with fake_server(steps(echo_it)) as server:
        ended = await chat("--url", server.url, "--api-key-env", "K", environ={"K": secret})

    assert server.headers[0]["Authorization"] == f"Bearer {secret}"
    assert secret not in ended.out + ended.err


async def test_input_that_is_no_text_is_an_input_error() -> None:
    """Line and code, no traceback."""
    async with fake_server(answers) as server:
        ended = await chat("--url", server.url, text=b"hello\n\xff\xfe\n")

    assert "-:2:1: not UTF-8 text" in ended.err
    assert ended.code == 2


async def test_a_setting_that_the_server_refuses_is_told() -> None:
    """The session runs on its defaults then: a code of 4 alone would explain nothing."""
    ended = await chat("--local", "--voice", "nobody")

    assert "nobody" in ended.err and "session.update" in ended.err
    assert ended.code == 4


async def test_prices_and_barge_in_come_from_the_settings(tmp_path: Path) -> None:
    """The user's own figures make the estimate; a typed message leaves the assistant talking."""
    folder = tmp_path / "rtcli"
    folder.mkdir()
    (folder / "config.toml").write_text('barge_in = false\n[prices."gpt-realtime-2.1"]\noutput_text = 1000000\n')
    ended = await chat("--local", text="hello\n/usage\n/bargein\n", environ={"XDG_CONFIG_HOME": str(tmp_path)})

    assert ended.code == 0, ended.err
    assert "about $15.0002" in ended.err, "15 tokens of output at a dollar each, and 45 of input at the usual price"
    assert "your own prices" in ended.err
    assert "barge-in by typing: off" in ended.err


async def test_a_server_that_gives_two_items_one_id_is_talked_to_all_the_same() -> None:
    """Each line gets its answer, at once."""

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            for said in reply_to(event):
                await talk.send({**said, "item": {**said["item"], "id": "same"}} if "item" in said else said)

    async with fake_server(script) as server:
        ended = await chat("--url", server.url, "--timeout", "0", text="one\ntwo\nthree\n")

    assert ended.code == 0, ended
    assert ended.out.count("hello") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--timeout", "-1"), "--timeout -1"),
        (("--pace", "-2"), "--pace -2"),
        (("--audio-in", "none.wav"), "none.wav: No such file"),
    ],
)
async def test_what_cannot_be_done_is_told_before_anything_is_dialed(arguments: tuple[str, ...], words: str) -> None:
    """A time limit below nothing, a file that is not there."""
    ended = await rtcli("chat", "--local", *arguments, text="hello\n")

    one_clear_line(ended, 2, words)
