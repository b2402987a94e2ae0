"""A pytest plugin (`-p tests.kit.server_tap`): all events that the server hands to a connection go to a file too."""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

import pytest

from rtcli.protocol.events import encode
from rtcli.server.runtime.client_connection import ClientConnection

TAP = "RTCLI_SERVER_TAP"
"""The variable that names the file; one JSON object a line is added to it."""


def pytest_configure(config: pytest.Config) -> None:
    """From now on all connections are tapped; the file is closed with the run."""
    file = open(os.environ[TAP], "a", encoding="utf-8")  # noqa: PTH123, SIM115  open as long as the run lasts
    config.add_cleanup(file.close)
    send = ClientConnection.send
    others = WeakSet[ClientConnection]()  # translations: the typed models are those of the realtime sessions

    def tapped(link: ClientConnection, event: dict[str, Any]) -> None:
        session = event.get("session")
        if isinstance(session, dict) and session.get("type") == "translation":
            others.add(link)
        if link not in others:
            file.write(encode(event) + "\n")
        send(link, event)

    ClientConnection.send = tapped  # type: ignore[assignment, method-assign]
