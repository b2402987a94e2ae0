"""What a client posts to start a call: an SDP offer, with a session beside it or without."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

from rtcli.protocol.events import WireObject
from rtcli.server.validation.api_errors import ApiError, invalid_type, missing_parameter
from rtcli.server.validation.bodies import json_of

# An audio section, and the application section of the data channel: the events go over it.
_SECTIONS = (re.compile(r"^m=audio ", re.MULTILINE), re.compile(r"^m=application ", re.MULTILINE))


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as it was posted; `session` is None where none came with it."""

    sdp: str
    session: WireObject | None = None


def read_offer(content_type: str, body: bytes) -> Offer:
    """The offer in a request's body: raw `application/sdp`, a form, or JSON with `sdp` and `session`.

    Raises ApiError for another content type, a body that is not what it says, and text that is not an offer of audio
    and a data channel.
    """
    kind = content_type.partition(";")[0].strip().lower()
    reader = _READERS.get(kind)
    if reader is None:
        named = ", ".join(_READERS)
        raise ApiError(f"Unsupported content type: '{kind}'. Expected one of {named}.")  # inferred
    offer = reader(content_type, body)
    if not offer.sdp.startswith("v=0") or not all(section.search(offer.sdp) for section in _SECTIONS):
        raise invalid_offer()
    return offer


def invalid_offer() -> ApiError:
    """The API's words for an offer that nobody can answer."""
    text = "Invalid SDP offer. Please try again with a WHIP-compliant offer."
    return ApiError(text, "invalid_offer")


def _raw(content_type: str, body: bytes) -> Offer:
    return Offer(_text(body))


def _form(content_type: str, body: bytes) -> Offer:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = {str(part.get_param("name", "", "content-disposition")): _content(part) for part in message.iter_parts()}
    if "sdp" not in parts:
        raise missing_parameter("sdp")
    session = _object(parts["session"]) if "session" in parts else None
    return Offer(_text(parts["sdp"]), session)


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""  # a form in a form has none


def _json(content_type: str, body: bytes) -> Offer:
    request = _object(body)
    if "sdp" not in request:
        raise missing_parameter("sdp")
    if not isinstance(request["sdp"], str):
        raise invalid_type("sdp", "a string", "something else")
    session = request.get("session")
    if session is not None and not isinstance(session, dict):
        raise invalid_type("session", "an object", "something else")
    return Offer(request["sdp"], session)


_READERS: Mapping[str, Callable[[str, bytes], Offer]] = {
    "application/sdp": _raw,
    "multipart/form-data": _form,
    "application/json": _json,
}


def _object(body: bytes) -> WireObject:
    value = json_of(body)
    if not isinstance(value, dict):
        raise invalid_type("session", "an object", "something else")
    return value


def _text(body: bytes) -> str:
    try:
        return body.decode().lstrip()
    except UnicodeDecodeError as error:
        raise invalid_offer() from error
