"""A resource of Azure's, by the address that its portal shows, through a proxy that stands for the network."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit.fake_server import raw_server
from tests.kit.program import Ended, rtcli

KEY = "0123456789abcdef0123456789abcdef"
EVENT = '{"type":"response.create"}'


class Network:
    """Takes every tunnel, notes where to and what is asked for there, and refuses it."""

    def __init__(self) -> None:
        self.tunnel = ""
        self.head: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tunnel = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[0]
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    def values(self, name: str) -> list[str]:
        """What the header of this name says, each time that it was sent."""
        pairs = (line.partition(": ") for line in self.head[1:])
        return [value for key, _, value in pairs if key.lower() == name]


async def asked(network: Network, *options: str) -> Ended:
    """How `send-event` to the resource ended."""
    async with raw_server(network) as proxy:
        environ = {**dict.fromkeys(("HTTP_PROXY", "http_proxy"), f"http://{proxy}"), "AZURE_KEY": KEY}
        words = ("send-event", "--url", "http://res.openai.azure.com/", "--api-key-env", "AZURE_KEY", "-m", "mine")
        return await rtcli(*words, *options, "-", text=EVENT, environ=environ)


@pytest.mark.parametrize(
    ("options", "host"),
    [((), "res.openai.azure.com"), (("--header", "Host: front.example"), "front.example")],
    ids=["its own", "the user's"],
)
async def test_the_portals_address_is_dialed_with_one_host(options: tuple[str, ...], host: str) -> None:
    """Below Azure's path, with the key in `api-key` alone; a Host that the user gives takes the place of the URL's."""
    network = Network()
    ended = await asked(network, *options)

    assert ended.code == 3 and "404" in ended.err, ended.err
    assert network.tunnel.startswith("CONNECT res.openai.azure.com:80 ")
    assert network.head[0] == "GET /openai/v1/realtime?model=mine HTTP/1.1"
    assert network.values("host") == [host]
    assert (network.values("api-key"), network.values("authorization")) == ([KEY], [])
