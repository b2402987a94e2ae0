"""Secrets of made-up values go in by every way there is; no command and no failure lets one out again.

A later command adds a row to `RUNS`. Standard output of NDJSON is the wire, verbatim, and left out where a row says so.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rtcli.protocol.record_lines import record_line
from rtcli.server import RealtimeServer
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, raw_server
from tests.kit.program import Ended, start
from tests.kit.terminal import Terminal
from tests.kit.told import Told
from tests.kit.waiting import DEADLINE

# None has a shape by which it could be known: they are found by their values alone.
KEY = "canaryKEY0123456789abcdef"
PROXY_PASSWORD = "canaryPROXY%2Fpass0123"
MINTED = "canaryMINTED0123456789"
MCP_TOKEN = "canaryMCPtoken0123456789"
FILE_KEY = "canaryFILE0123456789abcd"
HEADER = "canaryHEADER0123456789ab"
PIECE = 12  # characters of a secret that nothing may show: a text that is cut before it is masked still tells some
SECRETS = (KEY, PROXY_PASSWORD, MINTED, MCP_TOKEN, FILE_KEY, HEADER)
_EPHEMERAL = re.compile(r"ek_\w{12,}")  # what a server really mints: nobody knows its value before

_MCP = {"type": "mcp", "server_label": "s", "server_url": "https://mcp.test", "authorization": MCP_TOKEN}
_UPDATE = json.dumps({"type": "session.update", "session": {"type": "realtime", "tools": [_MCP]}})


@dataclass(frozen=True)
class Run:
    """One command. `{url}`, `{dead}`, `{refused}` and `{folder}` in its words are filled in."""

    name: str
    words: tuple[str, ...]
    typed: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    wire: bool = False  # standard output is the wire
    ps: bool = True  # False: the user has typed the secret into the command line


_PROXY = dict.fromkeys(("HTTP_PROXY", "ALL_PROXY"), f"http://u:{PROXY_PASSWORD}@127.0.0.1:9")
_SAID = {"RTCLI_INSTRUCTIONS": f"say {KEY}"}
_COMMANDS = "\n".join(
    (
        *("hello", "/session show", "/session save s.json", _UPDATE, "/last session.update"),
        *("/export json c.json", "/export md c.md", "/grep canary", "/why", ""),
    )
)
_LOOKS = "\n".join(
    (
        *(
            "/history",
            "/turn 1",
            "/turn 1 --json",
            "/stats",
            "/check",
            "/tools",
            "/events all",
            "/show 1 --full",
            "/why 9",
        ),
        *("/export md x.md", "/session show", "/status", ""),
    )
)
_SPELL = "\n".join(
    ("hello", "/events 500", "/grep you", "/show 20", "/why 30", "/turn", "/export json y.json", "/export md y.md", "")
)
_KEYS = {"OPENAI_API_KEY": KEY}
_RECORDED = ("--record", "r.ndjson")
_AS_KEY = ("--api-key-env", "CANARY")
RUNS = (
    Run("chat", ("chat", "--url", "{url}", *_AS_KEY, "--text"), _COMMANDS),
    Run("chat that shows all", ("chat", "--url", "{url}", *_AS_KEY, "--text", "--events", "all"), f"{_UPDATE}\n"),
    Run("chat as NDJSON", ("chat", "--url", "{url}", *_AS_KEY, "--text", "--json", "--both"), "hello\n", wire=True),
    Run("chat with a key file", ("chat", "--url", "{url}", "--text"), "hi\n", {"RTCLI_API_KEY_FILE": "{folder}/key"}),
    Run("chat with a minted secret", ("chat", "--url", "{url}", "--text", *_AS_KEY), "hello\n", {"CANARY": MINTED}),
    Run("chat refused", ("chat", "--url", "{refused}", *_AS_KEY, "--text"), "hello\n"),
    Run("chat with nobody there", ("chat", "--url", "{dead}", *_AS_KEY, "--text"), "hello\n"),
    Run("chat through a proxy", ("chat", "--url", "ws://far.test/v1", *_AS_KEY, "--text"), "hello\n", _PROXY),
    Run("chat in the built-in server", ("chat", "--local", "--text"), f"{_UPDATE}\nhello\n/session save l.json\n"),
    Run("send-event", ("send-event", "--url", "{url}", *_AS_KEY, "-"), _UPDATE, wire=True),
    Run("send-event, recorded", ("send-event", "--url", "{url}", *_AS_KEY, *_RECORDED, "-"), _UPDATE, wire=True),
    Run("chat, recorded", ("chat", "--url", "{url}", "--text", *_AS_KEY, *_RECORDED), f"{_UPDATE}\n/record\n"),
    Run("chat refused, recorded", ("chat", "--url", "{refused}", *_AS_KEY, "--text", *_RECORDED), "hello\n"),
    Run("send-event, pretty", ("send-event", "--url", "{url}", *_AS_KEY, "--pretty", "-"), _UPDATE),
    Run("send-event refused", ("send-event", "--url", "{refused}", *_AS_KEY, "-"), _UPDATE),
    Run("chat with one who spells", ("chat", "--url", "{spells}", *_AS_KEY, "--text"), _SPELL),
    Run("chat with one who spells, recorded", ("chat", "--url", "{spells}", *_AS_KEY, *_RECORDED), _SPELL),
    Run("chat that shows who spells", ("chat", "--url", "{spells}", *_AS_KEY, "--events", "all"), _SPELL),
    Run("chat with one who spells, as NDJSON",
        ("chat", "--url", "{spells}", *_AS_KEY, "--json", *_RECORDED), _SPELL, wire=True),
    Run("send-event to one who spells",
        ("send-event", "--url", "{spells}", *_AS_KEY, *_RECORDED, "--until", "response.done", "-"),
        '{"type":"response.create"}', wire=True),
    Run("send-event, broken", ("send-event", "--url", "{url}", *_AS_KEY, "-"), _UPDATE[:-1]),
    Run("doctor", ("doctor", "--url", "{url}", *_AS_KEY, "--bundle", "b.json"), "", _SAID),
    Run("doctor, live, as JSON", ("doctor", "--url", "{url}", *_AS_KEY, "--live", "--json")),
    Run("doctor, live, refused", ("doctor", "--url", "{refused}", *_AS_KEY, "--live")),
    Run("chat that mints a key", ("chat", "--url", "{real}", "--secret", "--text", *_AS_KEY), _COMMANDS),
    Run("chat that mints a key, recorded", ("chat", "--url", "{real}", "--secret", *_AS_KEY, *_RECORDED), "hi\n"),
    Run("chat with a header", ("chat", "--url", "{url}", "--text", "-H", f"X-My-Token: {HEADER}"), "hi\n", ps=False),
    Run("chat with a key as header", ("chat", "--url", "{url}", "-H", f"Authorization: Bearer {KEY}"), "", ps=False),
    Run("chat with odd headers", ("chat", "--url", "{url}", "-H", f"X-Api-Key: {KEY}\u2014"), "", ps=False),
    Run("send-event with a header", ("send-event", "--url", "{url}", "-H", f"X-Key: {HEADER}", "-"), _UPDATE,
        wire=True, ps=False),
    Run("chat with tools that tell", ("chat", "--url", "{real}", "--text", "--tools", "tools.py", *_AS_KEY),
        "please tell\n/tools\n/last response.done\n"),
    Run("chat with tools that cannot be loaded", ("chat", "--url", "{real}", "--tools", "broken.py", *_AS_KEY), "hi\n"),
    Run("call that is not known", ("call", "hangup", "rtc_1", "--url", "{real}", *_AS_KEY), "", _KEYS),
    Run("call of a server without calls", ("call", "accept", "rtc_1", "--url", "{url}", *_AS_KEY), "", _KEYS),
    Run("replay", ("replay", "wire.ndjson"), "/show 1\n/last error\n/grep canary\n/export json x.json\n", _KEYS),
    Run("replay that shows all", ("replay", "wire.ndjson", "--events", "all"), "", _KEYS),
    Run("replay of turns", ("replay", "a.ndjson"), _LOOKS, _KEYS),
    Run("check", ("check", "wire.ndjson"), "", _KEYS),
    Run("check as JSON", ("check", "a.ndjson", "--json"), "", _KEYS),
    Run("export to events, of the wire", ("export", "wire.ndjson", "--to", "events", "-o", "-"), "", _KEYS),
    *(
        Run(f"export to {form}", ("export", "a.ndjson", "--to", form, "-o", "-"), "", _KEYS)
        for form in ("md", "json", "events", "perfetto", "otlp")
    ),
    Run("diff", ("diff", "a.ndjson", "b.ndjson", "--fail-on", "any"), "", _KEYS),
    Run("diff as JSON", ("diff", "a.ndjson", "b.ndjson", "--json"), "", _KEYS),
    Run("report", ("report", "a.ndjson", "-o", "-"), "", _KEYS),
    Run("report in a file", ("report", "wire.ndjson", "--audio", "none"), "", _KEYS),
    Run("recordings list", ("recordings", "list"), "", _KEYS),
    Run("recordings list as JSON", ("recordings", "list", "--json"), "", _KEYS),
    Run("recordings search", ("recordings", "search", "canary"), "", _KEYS),
    Run("recordings search by text", ("recordings", "search", "*", "--text", "canary"), "", _KEYS),
    Run("recordings search as JSON", ("recordings", "search", "*", "--json"), "", _KEYS),
    Run("recordings search for a secret", ("recordings", "search", "*", "--text", KEY), "", _KEYS, ps=False),
    Run("recordings that do not exist", ("recordings", "delete", KEY), "", _KEYS, ps=False),
    Run("chat that goes on with a recording", ("chat", "--url", "{url}", "--text", "--resume", "a.ndjson", *_AS_KEY),
        "hi\n/history\n", _KEYS),
    Run("recordings search by type", ("recordings", "search", "error"), "", _KEYS),
    Run("config", ("config",), "", {"RTCLI_INSTRUCTIONS": f"say {KEY}", "OPENAI_API_KEY": KEY}),
    Run("config as JSON", ("config", "--json"), "", {"RTCLI_INSTRUCTIONS": f"say {KEY}", "OPENAI_API_KEY": KEY}),
    Run("config of a URL that is refused", ("config", "--json"), "", {"RTCLI_URL": f"ws://u:{KEY}@h.test/v1"}),
    Run("config init", ("config", "init", "--force"), "", {"OPENAI_API_KEY": KEY}),
    Run("devices", ("devices",), "", {"OPENAI_API_KEY": KEY}),
    Run("serve that cannot begin", ("serve", "--port", "1", "--host", "203.0.113.1"), "", {"RTCLI_SERVE_KEY": KEY}),
)  # fmt: skip


async def echo_secrets(talk: Conversation) -> None:
    """A server that repeats what it should not, in every place that a client shows, and ends with it too."""
    assert talk.socket.request is not None
    key = talk.socket.request.headers.get("Authorization", "").removeprefix("Bearer ")
    await talk.send({**CREATED, "session": {**CREATED["session"], "instructions": f"the key is {key}"}})
    for _ in range(3):
        asked = await talk.receive()
        error = {
            "type": "invalid_request_error",
            "code": "bad",
            "message": f"key {key} is wrong",
        }
        await talk.send({"type": "error", "event_id": "e", "error": error})
        if asked["type"] == "session.update":
            await talk.send({"type": "session.updated", "event_id": "u", "session": asked["session"]})
    await talk.socket.close(4000, f"bad {key}")


_SPELLED = (
    ("response.output_text", "text", {"item_id": "item_1", "content_index": 0}),
    ("response.output_audio_transcript", "transcript", {"item_id": "item_2", "content_index": 0}),
    ("response.function_call_arguments", "arguments", {"item_id": "item_3", "call_id": "call_3"}),
    ("conversation.item.input_audio_transcription", "transcript", {"item_id": "item_4", "content_index": 0}),
)


async def spell_secrets(talk: Conversation) -> None:
    """A server that spells the key, a few characters at a time, in every text that comes in pieces; one has no end."""
    assert talk.socket.request is not None
    text = f"it is {talk.socket.request.headers.get('Authorization', '').removeprefix('Bearer ')}, you see"
    await talk.send(CREATED)
    await talk.confirm_until("response.create")
    response = {"object": "realtime.response", "id": "resp_1", "output": []}
    await talk.send({"type": "response.created", "event_id": "c", "response": {**response, "status": "in_progress"}})
    for size in (13, 4, 1):
        for name, whole, place in _SPELLED:
            ids = {"event_id": "d", "response_id": "resp_1", "output_index": 0, **place}
            ids["item_id"] = f"{place['item_id']}_{size}"
            for at in range(0, len(text) - (12 if size == 1 else 0), size):
                await talk.send({"type": f"{name}.delta", **ids, "delta": text[at : at + size]})
            if size > 1:
                end = "completed" if name.startswith("conversation") else "done"
                await talk.send({"type": f"{name}.{end}", **ids, whole: text})
    await talk.send({"type": "response.done", "event_id": "e", "response": {**response, "status": "cancelled"}})
    await talk.receive_all()


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """401, with the key in the body, as it is and as base64 and URLs write it."""
    await reader.readuntil(b"\r\n\r\n")
    body = f"key {KEY} {base64.b64encode(KEY.encode()).decode()}".encode()
    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


TELLS = """
import logging, os, warnings

logging.basicConfig(level=logging.DEBUG, filename="own.log")
KEY = os.environ["CANARY"]


class Own(logging.Handler):
    def emit(self, record):
        with open("handler.log", "a") as log:
            log.write(f"{self.format(record)} {record.args} {record.exc_text}\\n")


logging.getLogger().addHandler(Own())


def tell() -> str:
    "Tells what it should not."
    print("printed", KEY)
    warnings.warn(f"warned {KEY}")
    logging.warning("logged %s", KEY)
    try:
        raise ValueError(KEY)
    except ValueError:
        logging.exception("caught")
    raise RuntimeError(f"raised {KEY}")
"""
BROKEN = "import os\nraise SystemError('no ' + os.environ['CANARY'])\n"
WIRE: tuple[dict[str, Any], ...] = (  # as `--both` prints it: nothing is masked
    {"t": 0.1, "dir": ">", "event": json.loads(_UPDATE)},
    {"t": 0.2, "dir": "<", "event": {"type": "error", "event_id": "e", "error": {"message": f"bad {KEY}"}}},
    {"t": 0.3, "dir": "<", "event": {"type": "some.event", "headers": {"Authorization": f"Bearer {KEY}"}}},
)
MADE = ("key", "tools.py", "broken.py", "wire.ndjson", "a.ndjson", "b.ndjson", "2026-11-26T10-00-00-chat-abcd.ndjson")


def turns(says: str) -> bytes:
    """A recording whose every place that users write or servers say holds the key: words, arguments, ids, names."""
    told = Told()
    told.gets("session.created", session={"id": KEY, "instructions": f"{says} {KEY}", "tools": [_MCP]})
    told.types(f"{'long ' * 12}{KEY} question")
    told.begins(KEY)
    told.calls(KEY, f"call_{KEY}", f"tool_{KEY}")
    told.ends(KEY)
    told.answers(f"call_{KEY}", f"{says} {KEY}")
    told.begins("r2")
    told.gets("response.output_text.delta", response_id="r2", item_id=KEY, delta=f"{says} {KEY}")
    told.gets(f"unknown.{KEY}", fields={KEY: KEY})
    told.gets("response.output_text.done", response_id="r2", item_id=KEY, text=f"{says} {KEY}")
    told.ends("r2", "failed", status_details={"error": {"code": KEY, "message": f"{says} {KEY}"}})
    return b"\n".join(record_line(record) for record in told.records) + b"\n"


def prepare(folder: Path) -> None:
    """The files that runs read, which hold secrets: all of them are in `MADE`."""
    (folder / "key").write_text(FILE_KEY)
    (folder / "key").chmod(0o600)
    (folder / "tools.py").write_text(TELLS)
    (folder / "broken.py").write_text(BROKEN)
    lines = "".join(f"{json.dumps(line)}\n" for line in WIRE)
    (folder / "wire.ndjson").write_text(lines)
    header = {"rtcli": {"recording": 1, "started": "2026-11-26T10:00:00Z", "endpoint": KEY, "model": KEY}}
    (folder / "a.ndjson").write_bytes(f"{json.dumps(header)}\n".encode() + turns("yes"))
    (folder / "b.ndjson").write_bytes(turns("no"))
    recordings = folder / "xdg" / "rtcli" / "recordings"
    recordings.mkdir(parents=True)
    (recordings / MADE[-1]).write_text(lines)


@asynccontextmanager
async def addresses(folder: Path) -> AsyncIterator[dict[str, str]]:
    """What rows fill in."""
    async with (
        fake_server(echo_secrets) as server,
        fake_server(spell_secrets) as spelling,
        raw_server(refuse) as refused,
        RealtimeServer(key=KEY, voice="tone", pace=0) as real,
    ):
        places = {
            "url": server.url,
            "spells": spelling.url,
            "real": real.url,
            "refused": f"ws://{refused}/v1",
            "dead": "ws://127.0.0.1:9/v1",
        }
        yield {**places, "folder": str(folder)}


def written(folder: Path) -> dict[str, str]:
    """Every file below a folder, but those that we made."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name not in MADE)
    return {str(file.relative_to(folder)): file.read_bytes().decode(errors="replace") for file in files}


def leaks(text: str) -> list[str]:
    """The secrets that stand in a text, whole or in part, however it writes them."""
    forms = {secret: (*pieces(secret), quote(secret, safe=""), *as_base64(secret)) for secret in SECRETS}
    found = [secret for secret, written in forms.items() if any(form in text for form in written)]
    return found + _EPHEMERAL.findall(text)


def pieces(secret: str) -> list[str]:
    """Every piece of it that tells too much."""
    return [secret[start : start + PIECE] for start in range(len(secret) - PIECE + 1)]


def as_base64(secret: str) -> list[str]:
    """How base64 writes it, at any place of a longer text, without the ends that depend on what stands beside it."""
    return [base64.b64encode(b" " * shift + secret.encode()).decode()[4:-4] for shift in range(3)]


def command_line(pid: int) -> str:
    """What `ps` shows of a process, where the system tells."""
    shown = Path(f"/proc/{pid}/cmdline")
    return shown.read_text() if shown.exists() else ""


def surroundings(folder: Path, debug: str) -> dict[str, str]:
    """The environment of every run."""
    xdg = {name: str(folder / "xdg") for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    return {"CANARY": KEY, "RTCLI_DEBUG": debug, "HOME": str(folder), **xdg}


async def run(row: Run, folder: Path, debug: str) -> tuple[Ended, str]:
    """The command, ended, and its command line as `ps` shows it."""
    prepare(folder)
    async with addresses(folder) as places:
        environ = surroundings(folder, debug) | {name: value.format(**places) for name, value in row.environ.items()}
        process = await start(*(word.format(**places) for word in row.words), environ=environ, cwd=folder)
        ps = command_line(process.pid)
        try:
            out, err = await asyncio.wait_for(process.communicate(row.typed.encode()), DEADLINE)
        finally:
            if process.returncode is None:
                process.kill()
        return Ended(process.returncode or 0, out.decode(), err.decode()), ps


# Debugging shows more than is shown without it, so what is quiet can wait.
DEBUG = pytest.mark.parametrize("debug", [pytest.param("", marks=pytest.mark.slow), "1"], ids=["quiet", "debug"])


@DEBUG
@pytest.mark.parametrize("row", RUNS, ids=lambda row: row.name)
async def test_no_secret_leaves(row: Run, debug: str, tmp_path: Path) -> None:
    """Neither shown, logged nor written to any file, nor in the list of processes."""
    ended, ps = await run(row, tmp_path, debug)

    assert "Traceback" not in ended.err
    shown = {"stderr": ended.err, "ps": ps if row.ps else "", "stdout": "" if row.wire else ended.out}
    looked_at = {**written(tmp_path), **shown}
    assert {place: found for place, text in looked_at.items() if (found := leaks(text))} == {}


def test_the_search_finds_what_it_is_made_for() -> None:
    """As it is, in a URL, in base64 at any place of it."""
    assert KEY in leaks(f"a {KEY} b")
    assert leaks(f"a {KEY[:PIECE]}… b") == [KEY]
    assert PROXY_PASSWORD in leaks(quote(PROXY_PASSWORD, safe=""))
    assert all(MINTED in leaks(base64.b64encode(f"{'x' * n}{MINTED}".encode()).decode()) for n in range(3))
    assert leaks("nothing") == []


PROMPTS = (
    Run("what the server says", ("chat", "--url", "{url}", "--text", *_AS_KEY, "--events", "all"), "hello\r/why\r"),
    Run("what the server spells", ("chat", "--url", "{spells}", *_AS_KEY, "--text"), "hello\r/events 500\r/why\r"),
    Run(
        "what the server spells, all of it",
        ("chat", "--url", "{spells}", *_AS_KEY, "--text", "--events", "all"),
        "hello\r/grep you\r/show 20\r",
    ),
    Run("a key that is minted", ("chat", "--url", "{real}", "--text", "--secret", *_AS_KEY), "hello\r/session show\r"),
    Run("tools", ("chat", "--url", "{real}", "--text", "--tools", "{folder}/tools.py", *_AS_KEY), "please tell\r"),
    Run("a refusal", ("chat", "--url", "{refused}", "--text", *_AS_KEY), "/reconnect\r"),
    Run("a replay", ("replay", "{folder}/wire.ndjson", "--events", "all"), "/last error\r/grep canary\r", _KEYS),
)


def at_a_prompt(row: Run, folder: Path, places: Mapping[str, str], debug: str) -> Terminal:
    """The command in a terminal, ended after everything was typed."""
    environ = surroundings(folder, debug) | dict(row.environ)
    words = [word.format(**places) for word in row.words]
    with Terminal([sys.executable, "-m", "rtcli", *words], environ=environ, cwd=folder) as terminal:
        terminal.wait_for("leave")
        for line in row.typed.split("\r")[:-1]:
            shown = terminal.text().count("›")
            terminal.send(f"{line}\r")
            terminal.wait_for(lambda shown=shown: terminal.text().count("›") > shown)  # type: ignore[misc]
        terminal.send("/quit\r")
        terminal.wait_exit()
    return terminal


@pytest.mark.terminal
@DEBUG
@pytest.mark.parametrize("row", PROMPTS, ids=lambda row: row.name)
async def test_no_secret_leaves_at_a_prompt(row: Run, debug: str, tmp_path: Path) -> None:
    """Every byte that the terminal got, the recording, the history and whatever else was written."""
    prepare(tmp_path)
    async with addresses(tmp_path) as places:
        terminal = await asyncio.to_thread(at_a_prompt, row, tmp_path, places, debug)

    looked_at = {**written(tmp_path), "terminal": terminal.raw.decode(errors="replace"), "screen": terminal.text()}
    assert {place: found for place, text in looked_at.items() if (found := leaks(text))} == {}
    assert "xdg/rtcli/history" in looked_at
    assert any(name.startswith("xdg/rtcli/recordings") for name in looked_at) or "replay" in row.name + row.words[0]


@pytest.mark.terminal
async def test_a_secret_that_is_typed_is_kept_nowhere(tmp_path: Path) -> None:
    """The terminal shows what is typed; the history and the recording do not have it."""
    typed = Run("typed", ("chat", "--url", "{real}", "--text", *_AS_KEY), f"{_UPDATE}\rmy key is {KEY}\rplain words\r")
    prepare(tmp_path)
    async with addresses(tmp_path) as places:
        await asyncio.to_thread(at_a_prompt, typed, tmp_path, places, "")

    files = written(tmp_path)
    assert {place: found for place, text in files.items() if (found := leaks(text))} == {}
    assert "plain words" in files["xdg/rtcli/history"]
    (recording,) = (text for name, text in files.items() if name.startswith("xdg/rtcli/recordings"))
    assert "plain words" in recording
    assert '"masked":true' in recording.replace(" ", "")


async def test_a_server_lets_no_secret_out(tmp_path: Path) -> None:
    """Its log and its recordings: the key of its clients, what it mints, what clients send, the key of --reply."""
    prepare(tmp_path)
    environ = surroundings(tmp_path, "1") | {"RTCLI_SERVE_KEY": KEY, "RTCLI_REPLY_KEY": FILE_KEY}
    words = ("serve", "--port", "0", "--voice", "tone", "--pace", "0", "--log", "--record", "served")
    async with raw_server(refuse) as refused:
        server = await start(*words, "--reply", f"openai:http://{refused}/v1", environ=environ, cwd=tmp_path)
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().strip()
        for row in (("--secret",), ("--resume", "a.ndjson"), ("--header", f"X-My-Token: {HEADER}")):
            client = await start("chat", "--url", url, "--text", *_AS_KEY, *row, environ=environ, cwd=tmp_path)
            await asyncio.wait_for(client.communicate(f"{_UPDATE}\nmy key is {KEY}\n".encode()), DEADLINE)
        client = await start("chat", "--url", url, *_AS_KEY, environ=environ | {"CANARY": MINTED}, cwd=tmp_path)
        await asyncio.wait_for(client.communicate(b"hello\n"), DEADLINE)
        server.terminate()
        out, err = await asyncio.wait_for(server.communicate(), DEADLINE)

    looked_at = {**written(tmp_path), "stderr": err.decode(), "stdout": out.decode()}
    assert {place: found for place, text in looked_at.items() if (found := leaks(text))} == {}
    assert len([name for name in looked_at if name.startswith("served/")]) >= 3
    assert "session.update" in looked_at["stderr"]
