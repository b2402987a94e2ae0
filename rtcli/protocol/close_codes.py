"""How a connection ended, in words: from its close code, its reason and what the server said before."""

from __future__ import annotations

from collections.abc import Mapping

NO_CLOSE_FRAME = 1006  # RFC 6455: never sent, it stands for a connection that just broke

TOO_LARGE = "a message of the server was larger than is taken"
"""The reason of an end that we made with 1009: the same code of a server is about what we sent."""

_ADVICE: Mapping[int, str] = {
    1001: "sessions last at most 60 minutes, and servers are restarted: connect again",
    1006: "the connection broke without a close frame: check the network, and the server's own log",
    1009: "a frame was too large for the server: send less at once",
    1011: "the server failed, or did not answer pings: connect again",
    1013: "the server takes no more work: after a quota error see the account's billing page, else wait and try again",
    3000: "check the API key and its permissions",
    4000: "check the model and the URL, and that no OpenAI-Beta header is sent",
}

FINAL = frozenset({3000, 4000})
"""Codes after which another connection would end the same way."""


def advice_for_close(code: int | None, reason: str = "") -> str:
    """What to do after a connection has ended with this code (None: without a close frame), or ""."""
    if reason == TOO_LARGE:
        return ""
    return _ADVICE.get(NO_CLOSE_FRAME if code is None else code, "")


def describe_close(code: int | None, reason: str, server_said: str = "") -> str:
    """The end of a connection with the server's own words first, where there are any."""
    closed = "no close frame" if code is None else f"close code {code}" + (f", {reason}" if reason else "")
    return f"{server_said} ({closed})" if server_said else closed
