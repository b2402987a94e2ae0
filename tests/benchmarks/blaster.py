"""The server of the transport's benchmarks, in a process of its own: it costs the contestants nothing.

/receive?count=N         sends N events at full speed
/paced?count=N&rate=R    sends them at R a second
/send?count=N            takes N appends, and says what sound it got

It waits for one input_audio_buffer.clear before it begins, which every contestant can send.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import sys
from collections.abc import Iterable
from itertools import islice
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.load import frames

_CHUNK = 64
_READY = 20_000  # so many events are ready beforehand, so that nobody waits for the server; more are made on the way
_SESSION = {
    "type": "session.created",
    "event_id": "event_0",
    "session": {"type": "realtime", "id": "sess_bench", "object": "realtime.session", "model": "bench"},
}


async def _blast(connection: ServerConnection, made: Iterable[bytes]) -> None:
    waiting = iter(made)
    while chunk := list(islice(waiting, _CHUNK)):
        connection.transport.write(b"".join(chunk))
        await connection.drain()


async def _pace(connection: ServerConnection, made: Iterable[bytes], rate: float) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number, one in enumerate(made):
        await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
        connection.transport.write(one)


async def _take(connection: ServerConnection, count: int) -> None:
    digest, size = hashlib.sha256(), 0
    while count:
        event = json.loads(await connection.recv(decode=False))
        if event["type"] == "input_audio_buffer.append":
            pcm = base64.b64decode(event["audio"])
            digest.update(pcm)
            size += len(pcm)
            count -= 1
    done = {"type": "rate_limits.updated", "event_id": digest.hexdigest(), "rate_limits": []}
    await connection.send(json.dumps(done))


async def _converse(connection: ServerConnection) -> None:
    assert connection.request is not None
    parts = urlsplit(connection.request.path)
    options = {name: float(values[0]) for name, values in parse_qs(parts.query).items() if name in ("count", "rate")}
    count = int(options["count"])
    made: Iterable[bytes] = [] if "/send/" in parts.path else frames(count)
    made = made if count > _READY else list(made)
    with contextlib.suppress(ConnectionClosed):
        await connection.send(json.dumps(_SESSION))
        while json.loads(await connection.recv(decode=False))["type"] != "input_audio_buffer.clear":
            pass
        if "/send/" in parts.path:
            await _take(connection, count)
        elif "/paced/" in parts.path:
            await _pace(connection, made, options["rate"])
        else:
            await _blast(connection, made)
        await connection.wait_closed()


async def main() -> None:
    """Serve until standard input ends."""
    async with serve(_converse, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None) as server:
        sys.stdout.write(f"{next(iter(server.sockets)).getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
