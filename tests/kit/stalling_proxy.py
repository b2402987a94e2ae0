"""A TCP proxy that can stall: it stops reading and writing, and both ends are left with a connection that is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_PIECE = 64 * 1024


class StallingProxy:
    """`url` is the way through it."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self.url = ""
        self.connections = 0  # that were made
        self.passed = 0  # bytes
        self.arrived = 0  # bytes since it stalls
        self._open = asyncio.Event()  # cleared: nothing passes
        self._open.set()
        self._pause = 0.0  # seconds after each piece
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def stall(self) -> None:
        """Pass nothing any more, in either direction; the connections stay open."""
        self._open.clear()

    def resume(self) -> None:
        """Pass everything, at once."""
        self._pause = 0.0
        self._open.set()

    def trickle(self, seconds: float) -> None:
        """Pause after each 64 KiB."""
        self._pause = seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers += writer, far_writer
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await source.read(_PIECE):
                    self.arrived += 0 if self._open.is_set() else len(data)
                    await self._open.wait()
                    self.passed += len(data)
                    sink.write(data)
                    await sink.drain()
                    await asyncio.sleep(self._pause)
        finally:
            sink.close()

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def stalling_proxy(target: str) -> AsyncIterator[StallingProxy]:
    """A proxy to the host and port of a ws:// address."""
    proxy = StallingProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_PIECE)
    port = server.sockets[0].getsockname()[1]
    proxy.url = urlsplit(target)._replace(netloc=f"127.0.0.1:{port}").geturl()
    try:
        yield proxy
    finally:
        await proxy.close()
        server.close()
