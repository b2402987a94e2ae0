"""What lets pages of other origins send requests here and read the answers, as browsers ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# a page reads no header of an answer from elsewhere that is not named
_EXPOSED = {"Access-Control-Expose-Headers": "Location"}
_PREFLIGHT_SECONDS = "600"  # how long a browser may remember the answer


def allows(origins: Iterable[str], origin: str) -> bool:
    """Whether pages from there may connect; "*" among the origins is any."""
    return bool(set(origins) & {origin, "*"})


def readable_by(origin: str) -> dict[str, str]:
    """The headers that let a page of this origin read an answer."""
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **_EXPOSED}


def preflight(headers: Mapping[str, str], methods: str) -> dict[str, str]:
    """What a page may send. Chrome asks besides whether a page of the internet may reach this machine."""
    allowed = {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        "Allow": f"{methods}, OPTIONS",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return allowed
