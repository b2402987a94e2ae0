"""Errors for a connection that ended, or never became a session: with the server's own words and what to do."""

from __future__ import annotations

from rtcli.errors import ConnectError, ConnectionLostError, NotConnectedError, UsageError, message_of
from rtcli.protocol.close_codes import NO_CLOSE_FRAME, advice_for_close, describe_close
from rtcli.protocol.events import Event

SILENT = "the server has stopped answering pings, or reading what is sent"
"""The reason of an end that we made, as no close frame has one: it stands where a server's own reason would."""

NOT_AN_ERROR = (1000, 1001, 1005)
"""Close codes that end a session without anything being wrong."""


def connection_lost(code: int | None, reason: str, last_error: Event | None) -> ConnectionLostError:
    """The server ended the connection; `last_error` is the error event that it sent before, if it did."""
    if reason == SILENT:
        return peer_silent(last_error)
    return ConnectionLostError(
        "the server ended the connection",
        why=describe_close(code, reason, message_of(last_error)),
        hint=advice_for_close(code, reason),
        code=code,
        reason=reason,
        server_error=last_error,
    )


def read_only() -> UsageError:
    """Something was to be sent over a transport that only looks."""
    return UsageError("watching: nothing is sent", hint="chat --call-id without --watch takes part")


def message_too_large(max_bytes: int) -> ConnectionLostError:
    """We ended the connection, because of what the server sent."""
    return ConnectionLostError(
        f"a message of the server was larger than {max_bytes:,} bytes, and the connection was ended (close code 1009)",
        hint="give a larger max_message_bytes",
        code=1009,
    )


def peer_silent(last_error: Event | None) -> ConnectionLostError:
    """We ended the connection, because the server neither sent nor took anything."""
    return ConnectionLostError(
        "the connection was lost",
        why=describe_close(NO_CLOSE_FRAME, "", SILENT),
        hint="check the network; the server may have stalled",
        code=NO_CLOSE_FRAME,
        server_error=last_error,
    )


def no_session(seconds: float, last_error: Event | None) -> ConnectError:
    """The connection is open, but no session came."""
    what = f"the server accepted the connection, but sent no session within {seconds:g} s"
    return ConnectError(what, why=message_of(last_error), hint="does this address speak the GA Realtime protocol?")


def closed_early() -> ConnectError:
    """close() was called before connect() was done."""
    return ConnectError("the connection was closed before it was set up")


def not_connected(status: str) -> NotConnectedError:
    """A send that finds no connection."""
    return NotConnectedError(f"not connected (status: {status})", hint="connect() first")
