"""Secrets of made-up values go in by every way there is; no command and no failure lets one out again.

A later command adds a row to `_RECORDED = ("--record", "r.ndjson")
RUNS`. Standard output of NDJSON is the wire, verbatim, and left out where a row says so.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, raw_server
from tests.kit.program import Ended, start
from tests.kit.waiting import DEADLINE

# None has a shape by which it could be known: they are found by their values alone.
KEY = "canaryKEY0123456789abcdef"
PROXY_PASSWORD = "canaryPROXY%2Fpass0123"
MINTED = "canaryMINTED0123456789"
MCP_TOKEN = "canaryMCPtoken0123456789"
FILE_KEY = "canaryFILE0123456789abcd"
SECRETS = (KEY, PROXY_PASSWORD, MINTED, MCP_TOKEN, FILE_KEY)

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


_PROXY = dict.fromkeys(("HTTP_PROXY", "ALL_PROXY"), f"http://u:{PROXY_PASSWORD}@127.0.0.1:9")
_SAID = {"RTCLI_INSTRUCTIONS": f"say {KEY}"}
_COMMANDS = "\n".join(
    (
        *("hello", "/session show", "/session save s.json", _UPDATE, "/last session.update"),
        *("/export json c.json", "/export md c.md", "/grep canary", "/why", ""),
    )
)
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
    Run("send-event, broken", ("send-event", "--url", "{url}", *_AS_KEY, "-"), _UPDATE[:-1]),
    Run("doctor", ("doctor", "--url", "{url}", *_AS_KEY, "--bundle", "b.json"), "", _SAID),
    Run("doctor, live, as JSON", ("doctor", "--url", "{url}", *_AS_KEY, "--live", "--json")),
    Run("doctor, live, refused", ("doctor", "--url", "{refused}", *_AS_KEY, "--live")),
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


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """401, with the key in the body, as it is and as base64 and URLs write it."""
    await reader.readuntil(b"\r\n\r\n")
    body = f"key {KEY} {base64.b64encode(KEY.encode()).decode()}".encode()
    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


@asynccontextmanager
async def addresses(folder: Path) -> AsyncIterator[dict[str, str]]:
    """What rows fill in."""
    async with fake_server(echo_secrets) as server, raw_server(refuse) as refused:
        yield {"url": server.url, "refused": refused, "dead": "ws://127.0.0.1:9/v1", "folder": str(folder)}


def written(folder: Path) -> dict[str, str]:
    """Every file below a folder, but the key file that we made."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "key")
    return {str(file.relative_to(folder)): file.read_bytes().decode(errors="replace") for file in files}


def leaks(text: str) -> list[str]:
    """The secrets that stand in a text, however it writes them."""
    forms = {
        secret: (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()[4:-4]) for secret in SECRETS
    }
    return [secret for secret, written in forms.items() if any(form in text for form in written)]


def command_line(pid: int) -> str:
    """What `ps` shows of a process, where the system tells."""
    shown = Path(f"/proc/{pid}/cmdline")
    return shown.read_text() if shown.exists() else ""


async def run(row: Run, folder: Path, debug: str) -> tuple[Ended, str]:
    """The command, ended, and its command line as `ps` shows it."""
    (folder / "key").write_text(FILE_KEY)
    (folder / "key").chmod(0o600)
    async with addresses(folder) as places:
        environ = {
            "CANARY": KEY, "RTCLI_DEBUG": debug, "HOME": str(folder),
            **{name: str(folder / "xdg") for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")},
            **{name: value.format(**places) for name, value in row.environ.items()},
        }  # fmt: skip
        process = await start(*(word.format(**places) for word in row.words), environ=environ, cwd=folder)
        ps = command_line(process.pid)
        try:
            out, err = await asyncio.wait_for(process.communicate(row.typed.encode()), DEADLINE)
        finally:
            if process.returncode is None:
                process.kill()
        return Ended(process.returncode or 0, out.decode(), err.decode()), ps


@pytest.mark.parametrize("debug", ["", "1"], ids=["quiet", "debug"])
@pytest.mark.parametrize("row", RUNS, ids=lambda row: row.name)
async def test_no_secret_leaves(row: Run, debug: str, tmp_path: Path) -> None:
    """Neither shown, logged nor written to any file, nor in the list of processes."""
    ended, ps = await run(row, tmp_path, debug)

    assert "Traceback" not in ended.err
    looked_at = {**written(tmp_path), "stderr": ended.err, "ps": ps, "stdout": "" if row.wire else ended.out}
    assert {place: found for place, text in looked_at.items() if (found := leaks(text))} == {}


def test_the_search_finds_what_it_is_made_for() -> None:
    """As it is, in a URL, in base64 at any place of it."""
    assert leaks(f"a {KEY} b") == [KEY]
    assert leaks(quote(PROXY_PASSWORD, safe="")) == [PROXY_PASSWORD]
    assert leaks(base64.b64encode(MINTED.encode()).decode()) == [MINTED]
    assert leaks("nothing") == []
