"""What both listeners of this program, the server and the proxy, do alike with the library of their WebSockets."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from rtcli.masking import masking_logger


class Addressed(Protocol):
    """A connection of `websockets`."""

    @property
    def remote_address(self) -> Any:
        """Host, port and more; None where the peer has left."""


def address_of(connection: Addressed) -> str:
    """HOST:PORT of the client; it may have left already."""
    host, port = (*(connection.remote_address or ()), "?", "?")[:2]
    return f"{host}:{port}"


def quiet_logger(name: str) -> logging.Logger:
    """What strangers do to the port is not an error of this program: it is logged for debugging alone."""
    quiet = masking_logger(name)
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    return quiet
