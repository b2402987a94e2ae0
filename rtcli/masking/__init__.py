"""The one place that knows this process's secret values, and takes them out of everything that leaves it.

Code that reads, mints or is given a secret hands it to `add_secret`; what shows, logs or keeps text sends it through
`masked`. Standard output of `--json` and `send-event` is the wire, verbatim, and the only exception.
"""

from __future__ import annotations

import base64
import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, TextIO, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from rtcli.masking.forms import ADDING, beginning, begun_length, common_length, rows_of, telling_pieces
from rtcli.masking.forms import MASK as MASK
from rtcli.masking.forms import MIN_LENGTH as MIN_LENGTH

_MIN_BEGUN = 4
"""So many characters at the end of a piece of text may be chance."""

_MAX_SECRETS = 200
_MAX_SECRET_LENGTH = 16_384

_IN_QUERIES = "key|token|secret|sig|signature|auth|password|code"
_IN_HEADERS = "authorization|api-key|subscription-key|cookie"
_HEADER_MARKERS = ("uthorization", "UTHORIZATION", "-key", "-Key", "-KEY", "ookie", "OOKIE")
_VALUE = r"[^\s\"',;}]"  # a character of a header's value, wherever that is quoted

# The second net, for secrets that nobody told us about. A row: what the text has to hold for the pattern to be worth
# its time, the pattern, what is left of a match.
_SHAPES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (("sk-", "ek-", "ek_", "sess-"), re.compile(r"\b((?:sk|ek|sess)-|ek_)[A-Za-z0-9_-]{12,}"), r"\1…"),
    (("earer", "EARER"), re.compile(r"\b((?i:bearer)(?:\s+|%20))[\w.~+/=%-]{20,}"), r"\1…"),
    (("asic ",), re.compile(r"\b((?i:basic) )[\w+/-]{20,}={0,2}"), r"\1…"),
    (("eyJ",), re.compile(r"(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"), "eyJ…"),
    (("@",), re.compile(r"(://)[^/?#\s@\"'<>]+@"), rf"\1{MASK}@"),
    (("=",), re.compile(rf"([?&][\w-]{{0,40}}(?i:{_IN_QUERIES})=)[^&#\s\"'<>]+"), r"\1…"),
    (
        _HEADER_MARKERS,
        re.compile(rf"((?i:{_IN_HEADERS})[\"']?\s?[:=]\s?[\"']?){_VALUE}{{16,}}"),
        r"\1…",
    ),
)  # fmt: skip
_PARTIAL_SHAPE = re.compile(
    r"(?:\b(?:sk-|ek-|ek_|sess-)[A-Za-z0-9_-]*|\b(?i:bearer)\s+[\w.~+/=%-]*|(?<![\w-])eyJ[\w-]*(?:\.[\w-]*){0,2})\Z"
)
_PARTIAL_WINDOW = 300

_SECRET_ENDINGS = (
    "authorization", "auth", "key", "token", "secret", "password", "passwd", "pwd", "passphrase", "cookie",
    "credential", "credentials", "signature", "sig", "jwt",
)  # fmt: skip
_HARMLESS_NAMES = ("idempotencykey", "xidempotencykey", "secwebsocketkey")
_ASSIGNMENT = re.compile(rf"(?<![\w.-])([\w.-]{{1,80}})[\"']?\s?[:=]\s?[\"']?(?:Bearer |Basic )?({_VALUE}+)")
_STAND_IN = re.compile(r"\b(?:(?:sk|ek|sess)-|ek_|eyJ)…")
_values: dict[str, None] = {}  # in the order in which they became known
# Each way in which a value may be written: what is looked for, all of it, what stands for it. Of a value its beginning
# is looked for, so that one that was cut off is found too.
_forms: tuple[tuple[str, str, str], ...] = ()


def add_secret(value: str) -> None:
    """From now on `value` is shown nowhere. Values of less than 8 characters are not looked for."""
    global _forms  # noqa: PLW0603  (one process, one set of secrets: that is the point)
    for one in {value, value.strip()}:  # a file's line break is not sent with its key
        if MIN_LENGTH <= len(one) <= _MAX_SECRET_LENGTH and one not in _values:
            with ADDING:
                _values[one] = None
                # The oldest goes: a server that mints a key a second must not slow every text that is masked.
                if len(_values) > _MAX_SECRETS:
                    del _values[next(iter(_values))]
                _forms = rows_of(_values)


def forget_secrets() -> None:
    """For tests, whose secrets are not the next test's."""
    global _forms  # noqa: PLW0603
    _values.clear()
    _forms = ()


def add_header(name: str, value: str) -> None:
    """What a header carries is a secret if its name says so: the token of a scheme, each cookie, a Basic password."""
    if not is_secret_name(name):
        return
    scheme, space, token = value.partition(" ")
    if space and name.lower().endswith("authorization"):
        add_secret(token)
        if scheme.lower() == "basic":
            _add_basic(token)
    elif name.lower().endswith("cookie"):
        for pair in value.split(";"):
            add_secret(pair.partition("=")[2])
    add_secret(value)


def add_url(url: str) -> None:
    """What an address carries: a user's password, a key in the query."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        return
    for value in (password, user if not password else ""):
        add_secret(value)
        add_secret(unquote(value))  # as headers and messages have it
    if password:
        _encode_basic(user, password)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if is_secret_parameter(name):
            add_secret(value)


def add_environment(environ: Mapping[str, str]) -> None:
    """The keys that a process was started with, whether or not it will send them: a user may have pasted them."""
    for name, value in environ.items():
        if name.upper().endswith(("API_KEY", "SERVE_KEY", "REPLY_KEY")):
            add_secret(value)


def add_event(event: Mapping[str, Any]) -> None:
    """What an event of ours carries for others, such as the authorization of an MCP server."""
    waiting: list[Any] = [event]  # a list: an event may be nested more deeply than Python calls
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if isinstance(inner, str):
                    add_header(str(name), inner)
                else:
                    waiting.append(inner)
        elif isinstance(value, list):
            waiting.extend(value)


def add_typed(line: str) -> None:
    """What a command or an event that was typed sets under a secret's name."""
    for name, value in _ASSIGNMENT.findall(line):
        if is_secret_name(name.rpartition(".")[2]):
            add_secret(value)


def is_secret_name(name: str) -> bool:
    """Whether a header, a field or a variable of this name holds a secret."""
    joined = re.sub(r"[^a-z0-9]", "", name.lower())
    return joined.endswith(_SECRET_ENDINGS) and joined not in _HARMLESS_NAMES


def is_secret_parameter(name: str) -> bool:
    """Whether a URL's parameter of this name holds a secret."""
    return is_secret_name(name) or name.lower() == "code"


def masked(text: str) -> str:
    """The text without any secret."""
    for begin, _, _ in _forms:
        if begin in text:
            text = _without_values(text)
            break
    if not _has_marker(text):
        return text
    for markers, pattern, left in _SHAPES:
        for marker in markers:
            if marker in text:
                text = pattern.sub(left, text)
                break
    return text


def holds_mask(text: str) -> bool:
    """Whether something in the text stands for a secret that was taken out."""
    return MASK in text or bool(_STAND_IN.search(text))


def _without_values(text: str) -> str:
    """The text without the values, then without what is left of one that was cut off: of two that begin alike each goes
    whole."""
    for _, form, stand_in in _forms:
        text = text.replace(form, stand_in)
    for begin, form, stand_in in _forms:
        if begin != form and begin in text:
            text = _without_beginnings(text, begin, form, stand_in)
    return text


def _without_beginnings(text: str, begin: str, form: str, stand_in: str) -> str:
    kept: list[str] = []
    end, at = 0, text.find(begin)
    while at >= 0:
        kept += (text[end:at], stand_in)
        end = at + common_length(form, text[at : at + len(form)])
        at = text.find(begin, end)
    return "".join(kept) + text[end:]


def masked_start(text: str, size: int, more: str = "…") -> str:
    """The text without any secret, `size` characters of it at most: a secret that was cut would not be known any more.

    `more` is its end where it was cut.
    """
    text = masked(text)
    return text if len(text) <= size else text[: size - len(more)] + more


def _has_marker(text: str) -> bool:
    """Whether any marker of _SHAPES is there: every event that is recorded passes here, and a loop takes five times as
    long. To look for one character takes a quarter of the time of two, so a rare one of a marker is looked for first.
    """
    return (
        "=" in text
        or "@" in text
        or ("-" in text and ("sk-" in text or "ek-" in text or "sess-" in text or "-k" in text or "-K" in text))
        or ("k" in text and ("ek_" in text or "ookie" in text))
        or ("J" in text and "eyJ" in text)
        or ("z" in text and "uthorization" in text)
        or ("O" in text and ("UTHORIZATION" in text or "OOKIE" in text))
        or ("R" in text and "EARER" in text)
        or (" " in text and "asic " in text)
        or "earer" in text
    )


def masked_value(value: Any) -> Any:
    """The same JSON value with every text in it masked, and everything under a secret's name."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {masked(str(name)): _masked_field(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked_value(inner) for inner in value]
    return value


def _masked_field(name: str, value: Any) -> Any:
    unseen = isinstance(value, str) and len(value) >= MIN_LENGTH and is_secret_name(name)
    return MASK if unseen else masked_value(value)


def incomplete(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of a secret, whose rest is still to come."""
    held = 0
    for value in tuple(_values):
        if value[0] in text:
            held = max(held, begun_length(text, value))
    # Each shape has one of these: to look for it in every piece of a text takes longer than all the rest of this.
    if ("-" in text or "_" in text or "eyJ" in text or "earer" in text or "EARER" in text) and (
        found := _PARTIAL_SHAPE.search(text[-_PARTIAL_WINDOW:])
    ):
        held = max(held, len(found[0]))
    return held


def begun(text: str) -> int:
    """How many characters at the end of `text` are the beginning of a value, and more of it than chance gives."""
    found = ((length, value) for value in tuple(_values) if (length := begun_length(text, value)) >= _MIN_BEGUN)
    return max((length for length, value in found if length >= beginning(value, _MIN_BEGUN)), default=0)


def spans(text: str) -> list[tuple[int, int]]:
    """Where secrets begin and end in a text, in order; none overlaps another."""
    if masked(text) == text:
        return []
    found = [(at.start(), at.end()) for _, form, _ in _forms for at in re.finditer(re.escape(form), text)]
    for _, pattern, _ in _SHAPES:
        found += [(at.end(1) if pattern.groups else at.start(), at.end()) for at in pattern.finditer(text)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


# -- user and password of a URL or a header --------------------------------------------------------------------------


def _add_basic(token: str) -> None:
    try:
        # Padding that is too much is ignored, padding that is missing is an error.
        user, colon, password = base64.b64decode(token + "==").decode().partition(":")
    except ValueError:
        return
    if colon:
        add_secret(password)
    else:
        add_secret(user)


def _encode_basic(user: str, password: str) -> None:
    """What a client makes of a user and a password in a URL."""
    add_secret(base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())


# -- what leaves by other ways than a renderer -------------------------------------------------------------------------


def mask_exception(error: BaseException | None) -> None:
    """Take the secrets out of the texts of an exception, and of those that led to it."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]  # a traceback prints whichever is there
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        _mask_fields(one)


def _mask_fields(error: BaseException) -> None:
    if any(isinstance(part, str) and masked(part) != part for part in error.args):
        error.args = tuple(masked(part) if isinstance(part, str) else part for part in error.args)
    for name, value in tuple(getattr(error, "__dict__", {}).items()):
        if isinstance(value, str) and masked(value) != value:
            setattr(error, name, masked(value))


def mask_record(record: logging.LogRecord) -> None:
    """Take the secrets out of a log record, whichever handler gets it: headers by their name, everything by value."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    if len(arguments) == 2 and isinstance(arguments[0], str) and is_secret_name(arguments[0]):  # a header's line
        record.args = (arguments[0], MASK)
    elif any(_holds_secret(argument) for argument in arguments):  # a frame, whose own text would be cut in the middle
        record.args = tuple(MASK if _holds_secret(argument) else argument for argument in arguments)
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # a wrong format of somebody's: their handler tells
        return
    if (clean := masked(text)) != text:
        record.msg, record.args = clean, ()
    if record.exc_info and record.exc_info[1] is not None:
        mask_exception(record.exc_info[1])
        record.exc_text = masked("".join(traceback.format_exception(record.exc_info[1]))).rstrip("\n")


def _holds_secret(argument: Any) -> bool:
    data = getattr(argument, "data", None)
    if not isinstance(data, bytes | bytearray | memoryview):
        return False
    text = bytes(data).decode(errors="replace")
    return masked(text) != text or any(piece in text for value in tuple(_values) for piece in telling_pieces(value))


class MaskingFilter(logging.Filter):
    """For a logger whose records hold what was sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass, without its secrets."""
        mask_record(record)
        return True


def masking_logger(name: str) -> logging.Logger:
    """The logger of this name, whose records are masked for every handler of a program that uses this library."""
    logger = logging.getLogger(name)
    if not any(isinstance(one, MaskingFilter) for one in logger.filters):
        logger.addFilter(MaskingFilter())
    return logger


def mask_all_records() -> None:
    """Mask what any library of this process logs. For a program of ours; a library has no business to."""
    make = logging.getLogRecordFactory()

    def masking(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        mask_record(record)
        return record

    logging.setLogRecordFactory(masking)


class MaskingStream:
    """A text stream that takes the secrets out of what is written: tracebacks, warnings, whatever a library prints."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text without any secret."""
        self._stream.write(masked(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def masking_stream(stream: TextIO) -> TextIO:
    """The stream, masked."""
    return stream if isinstance(stream, MaskingStream) else cast(TextIO, MaskingStream(stream))
