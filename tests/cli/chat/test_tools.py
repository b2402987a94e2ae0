"""Tools of a file in a pipe: stdout stays data, nobody waits for a tool, and nothing ends as a success that is none."""

from __future__ import annotations

import asyncio
import json
import signal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_main import modules_after
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.program import Ended, rtcli, start
from tests.kit.waiting import DEADLINE, until

LOCAL = ("chat", "--local", "--text")


def written(folder: Path, text: str, name: str = "shop.py") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


async def asked(file: str, *options: str, text: str = "get_stock of apples\n", url: str = "") -> Ended:
    where = ("chat", "--text", "--url", url) if url else LOCAL
    return await rtcli(*where, "--tools", file, *options, text=text)


NOISY = """
import os, subprocess, sys
print("at import")
subprocess.run([sys.executable, "-c", "print('child at import')"])

def get_stock(item: str) -> str:
    print("from print")
    sys.stdout.write("from write, ")
    sys.stdout.flush()
    sys.__stdout__.write("from the first stdout\\n")
    sys.__stdout__.flush()
    os.write(1, b"from descriptor 1\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"])
    return sys.stdin.read() + "four"
"""


async def test_what_a_tool_prints_is_never_data(tmp_path: Path) -> None:
    """Every way to print, from the first line of the file on, goes to stderr; what it reads is not the conversation."""
    ended = await asked(written(tmp_path, NOISY), "--json", text="get_stock of apples\nhello\n")

    assert ended.code == 0
    assert ended.types.count("response.done") == 3, "the second line was not read by the tool"
    for words in ("at import", "child at import", "print", "write", "the first stdout", "descriptor 1", "a child"):
        assert words in ended.err
    outputs = [event["item"]["output"] for event in ended.events if event.get("item", {}).get("output")]
    assert outputs[0] == "four"


@pytest.mark.parametrize(
    "body", ["sys.stdout.close()", "sys.stderr.close()", "sys.stdout = None", "sys.stdout.detach()", "os.close(1)"]
)
async def test_a_tool_that_closes_the_standard_streams_spoils_nothing(tmp_path: Path, body: str) -> None:
    """They are as much the program's as its own: what the session says still comes out, and the end is in order."""
    file = written(tmp_path, f"import os, sys\ndef get_stock(item: str) -> str:\n    {body}\n    return 'four'\n")
    ended = await asked(file, text="get_stock of apples\nhello\n")

    assert ended.code == 0, ended.err
    assert "four" in ended.out and "Hello!" in ended.out
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "body",
    [
        "    time.sleep(600)",
        "    while True: pass",
        "    while True: print('busy')",
        "    subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])",
        "    concurrent.futures.ThreadPoolExecutor().submit(time.sleep, 600).result()",
        "    threading.Thread(target=time.sleep, args=[600]).start(); time.sleep(600)",
    ],
)
@pytest.mark.parametrize("kind", ["def", pytest.param("async def", marks=pytest.mark.slow)])
async def test_a_pipe_ends_in_time_whatever_a_tool_does(tmp_path: Path, kind: str, body: str) -> None:
    """Exit code 6, with what has not returned; nothing that the tool has started keeps stderr open."""
    source = (
        f"import concurrent.futures, subprocess, sys, threading, time\n{kind} get_stock(item: str) -> str:\n{body}\n"
    )
    ended = await asked(written(tmp_path, source), "--timeout", "2")

    assert ended.code == 6, ended.err[-500:]
    assert "get_stock is still running" in ended.err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)], ids=["TERM", "INT", "HUP"]
)
async def test_a_signal_is_heard_while_a_tool_runs(tmp_path: Path, number: int, code: int) -> None:
    """At once, with its own code."""
    started = tmp_path / "started"
    source = (
        f"import time\ndef get_stock(item: str) -> str:\n    open({str(started)!r}, 'w').close()\n    time.sleep(600)\n"
    )
    process = await start(*LOCAL, "--tools", written(tmp_path, source))
    assert process.stdin
    process.stdin.write(b"get_stock of apples\n")
    await process.stdin.drain()
    await until(started.exists)
    process.send_signal(number)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert process.returncode == code
    assert b"Traceback" not in err


async def test_a_tool_has_so_long_and_no_longer(tmp_path: Path) -> None:
    """--tool-timeout: the model is told, and the turn goes on."""
    file = written(tmp_path, "import time\ndef get_stock(item: str) -> str:\n    time.sleep(600)\n")
    ended = await asked(file, "--tool-timeout", "0.2")

    assert ended.code == 0
    assert "get_stock took longer than 0.2 s" in ended.err
    assert "took longer" in ended.out


async def test_a_tool_that_exits_has_failed_and_the_chat_goes_on(tmp_path: Path) -> None:
    """The user sees file and line."""
    file = written(tmp_path, "import sys\ndef get_stock(item: str) -> str:\n    sys.exit('no such item')\n")
    ended = await asked(file, text="get_stock of apples\nhello\n")

    assert ended.code == 0
    assert "SystemExit: no such item" in ended.err
    assert f"{file}:3 in get_stock" in ended.err
    assert len(ended.out.splitlines()) == 2


def calls(*names: str) -> Any:
    """A server whose first response calls functions of these names, and whose later ones say hello."""
    items = [
        {"id": f"i{n}", "type": "function_call", "status": "completed", "call_id": f"c{n}", "name": name}
        for n, name in enumerate(names)
    ]
    items = [{**item, "arguments": '{"item": "pear"}'} for item in items]

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        asked = 0
        for number in count(10):
            event = await talk.receive()
            asked += event["type"] == "response.create"
            if event["type"] == "response.create" and asked == 1:
                response = {"id": "r1", "output": []}
                await talk.send({"type": "response.created", "response": {**response, "status": "in_progress"}})
                for index, item in enumerate(items):
                    place = {"response_id": "r1", "output_index": index}
                    await talk.send({"type": "response.output_item.done", **place, "item": item})
                await talk.send({"type": "response.done", "response": {**response, "status": "completed"}})
            else:
                await talk.send(*reply_to(event, number))

    return script


STOCK = "def get_stock(item: str) -> int:\n    return 4\n"


@pytest.mark.parametrize("names", [("lookup",), ("get_stock", "lookup"), ("lookup", "get_stock")])
async def test_a_call_to_a_made_up_tool_is_answered_as_an_error(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Together with the calls beside it; the turn goes on, and so does the next line."""
    async with fake_server(calls(*names)) as server:
        ended = await asked(written(tmp_path, STOCK), text="first\nsecond\n", url=server.url)
        sent = [event["item"] for event in server.received if event["type"] == "conversation.item.create"]

    outputs = [item["output"] for item in sent if item["type"] == "function_call_output"]
    wanted = {"lookup": '{"error": "there is no tool lookup"}', "get_stock": "4"}
    assert outputs == [wanted[name] for name in names]
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 2


async def test_a_call_that_nobody_answers_is_no_success(tmp_path: Path) -> None:
    """A schema without a function: a later line can answer it; else the code says so at the end."""
    schema = written(tmp_path, '[{"name": "lookup"}]', "tools.json")
    async with fake_server(calls("lookup")) as server:
        unanswered = await asked(schema, text="first\n", url=server.url)
    async with fake_server(calls("lookup")) as server:
        answered = await asked(schema, text='first\n/tool {"found": 7}\n', url=server.url)
        outputs = [e["item"].get("output") for e in server.received if e["type"] == "conversation.item.create"]

    assert unanswered.code == 5
    assert "lookup c0 was not answered" in unanswered.err
    assert answered.code == 0
    assert json.loads(outputs[-1]) == {"found": 7}


def test_nothing_for_tools_is_imported_without_a_tools_file(tmp_path: Path) -> None:
    """Neither pydantic nor docstring_parser, also for schemas in JSON."""
    heavy = {"pydantic", "pydantic_core", "docstring_parser"}
    schema = written(tmp_path, '[{"name": "lookup"}]', "tools.json")
    bad = ("--url", "ws://127.0.0.1:9/")  # nobody listens there

    assert heavy & modules_after("--version") == set()
    assert heavy & modules_after("chat", "--json", *bad) == set()
    assert heavy & modules_after("chat", "--json", *bad, "--tools", schema) == set()
