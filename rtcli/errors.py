"""Every error that rtcli raises on purpose, and the exit code that a command ends with because of it.

    RtcliError                      1   anything that is ours
     ├─ UsageError                  2   the command line, or a value given to a command
     │   └─ InputError              2   a file that cannot be read or parsed: names file, line, column
     ├─ TransportError              3   the connection as a whole
     │   ├─ ConnectError            3   it never came about: HTTP status and body, or the network's reason
     │   ├─ ConnectionLostError     3   it ended: close code and reason
     │   ├─ NotConnectedError       3   a send while there is no connection
     │   ├─ OutboxFullError         3   the peer reads slower than we are told to send
     │   └─ UnsupportedError        3   this transport cannot do that (mute without a microphone, audio over SIP)
     ├─ ServerError                 4   an `error` event of the server
     ├─ ResponseFailedError         5   a response that ended failed or incomplete, or waits for a call's answer
     ├─ ExpectationError            6   a time limit, or --until / --count that was not met
     └─ AudioUnavailableError       7   a device was asked for and there is none
         └─ AudioFileError          1   the file in a speaker's place takes no more: the disk is full

An error says what happened, why, and what to do about it; `str()` gives the first two in one line. No text of one holds
a secret of this process.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar

from rtcli.masking import masked


class ExitCode(IntEnum):
    """What a process ends with. Several apply: signals, then 2, 3, 6, 4, 5 (see `worst`)."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    CONNECTION = 3
    SERVER_ERROR = 4
    RESPONSE_FAILED = 5
    EXPECTATION = 6
    AUDIO_UNAVAILABLE = 7
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


# the user's own end of it says most, then what kept the program from working, then what the model made of it
_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.HANGUP,
    ExitCode.UNEXPECTED,
    ExitCode.USAGE,
    ExitCode.CONNECTION,
    ExitCode.AUDIO_UNAVAILABLE,
    ExitCode.EXPECTATION,
    ExitCode.SERVER_ERROR,
    ExitCode.RESPONSE_FAILED,
    ExitCode.OK,
)


def worst(*codes: ExitCode) -> ExitCode:
    """The one exit code for a run in which several things happened."""
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.OK)


class RtcliError(Exception):
    """`what` happened, `why`, and the `hint` that says what to do. All are single lines."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        # here, so that no handler between here and the terminal can forget it
        self.what, self.why, self.hint = masked(what), masked(why), masked(hint)
        super().__init__(self.what)

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" if self.why else self.what


class UsageError(RtcliError):
    """A command line or an argument that cannot be carried out as given."""

    exit_code = ExitCode.USAGE


class InputError(UsageError):
    """A file (or standard input, named `-`) that cannot be read or parsed.

    `line` and `column` count from 1; None where they say nothing.
    """

    def __init__(
        self, file: str, why: str, *, line: int | None = None, column: int | None = None, hint: str = ""
    ) -> None:
        place = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(place, why=why, hint=hint)
        self.file = masked(file)
        self.line = line
        self.column = column


class TransportError(RtcliError):
    """The connection as a whole."""

    exit_code = ExitCode.CONNECTION


class ConnectError(TransportError):
    """No connection came about. `status` and `body` are the HTTP answer's, where there was one."""

    def __init__(
        self, what: str, *, why: str = "", hint: str = "", url: str = "", status: int | None = None, body: str = ""
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.url = masked(url)
        self.status = status
        self.body = masked(body)


class ConnectionLostError(TransportError):
    """The connection ended. `code` and `reason` are those of the close frame (1006: there was none).

    `server_error` is the `error` event that the server sent just before it closed, if it did.
    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        hint: str = "",
        code: int | None = None,
        reason: str = "",
        server_error: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.code = code
        self.reason = masked(reason)
        self.server_error = server_error


class NotConnectedError(TransportError):
    """Something was to be sent while there is no connection."""


class OutboxFullError(TransportError):
    """The peer reads more slowly than we are told to send, and the bound of the outbox is reached."""


class UnsupportedError(TransportError):
    """This transport cannot do what was asked of it."""


_SAID_IN = (
    *("message", "error", "errors", "detail", "details", "msg", "reason", "description", "error_message"),
    *("title", "data", "payload", "body"),
)
"""Where servers say what is wrong: in text, in an object or a list of them, wrapped once or twice."""

_BESIDE = ("code", "param", "status")
_MAX_WRAPS, _MAX_LISTED = 4, 8


def error_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `error` object of an error event, empty where it says nothing.

    It has its `message` as text, wherever the server puts its words; {"message", "code"} where there is no object.
    """
    error = event.get("error")
    if isinstance(error, Mapping) and isinstance(error.get("message"), str) and error["message"]:
        return error
    # the event's own id and type are not the error's
    read = _read_error({name: event[name] for name in (*_BESIDE, *_SAID_IN) if name in event}, _MAX_WRAPS)
    return {} if set(read) <= {"error"} else read


def _read_error(value: object, wraps: int) -> Mapping[str, Any]:
    """What a server wrote as an error, with a `message` if there is any text in it."""
    if isinstance(value, str):
        return {"message": value} if value else {}
    if isinstance(value, Mapping):
        return value if isinstance(value.get("message"), str) and value["message"] else _unwrapped(value, wraps)
    if isinstance(value, list):
        read = [_read_error(one, wraps - 1) for one in value[:_MAX_LISTED]] if wraps else []
        messages = [one["message"] for one in read if "message" in one]
        return {**read[0], "message": "; ".join(messages)} if messages else {}
    return {"message": str(value)} if value and not isinstance(value, bool) else {}


def _unwrapped(error: Mapping[str, Any], wraps: int) -> Mapping[str, Any]:
    own = {key: value for key, value in error.items() if value is not None and key != "message"}
    for name in _SAID_IN if wraps else ():
        inner = _read_error(error.get(name), wraps - 1)
        if inner.get("message"):
            return {**{key: value for key, value in own.items() if key != name}, **inner}
        if inner and name in own:  # it has a code, and no words
            own = {**{key: value for key, value in own.items() if key != name}, **inner}
    if own.get("status") and "code" not in own:
        return {**own, "message": f"status {own['status']}"}
    return own


def message_of(event: Mapping[str, Any] | None) -> str:
    """The message of an error event; "" where there is none."""
    message = error_of(event or {}).get("message")
    return message if isinstance(message, str) else ""


MAX_CLUE = 2_000
"""Characters of an error's text that guesses are made from: a server can send megabytes that match nearly anything."""


def clues(error: Mapping[str, Any]) -> tuple[str, str, str]:
    """Code, message and param of an `error` object, as far as one reads them to guess what it is about."""
    code, message, param = (str(error.get(name) or "")[:MAX_CLUE] for name in ("code", "message", "param"))
    return code, message, param


class ServerError(RtcliError):
    """An `error` event of the server; `event` is the event as it came."""

    exit_code = ExitCode.SERVER_ERROR

    def __init__(self, event: Mapping[str, Any], *, hint: str = "") -> None:
        error = error_of(event)
        code = error.get("code") or error.get("type") or "error"
        super().__init__(str(code), why=str(error.get("message") or "the server gave no message"), hint=hint)
        self.event = event
        self.code = error.get("code")
        self.param = error.get("param")
        self.event_id = error.get("event_id")


class ResponseFailedError(RtcliError):
    """A response that ended `failed` or `incomplete`, or whose calls nobody has answered."""

    exit_code = ExitCode.RESPONSE_FAILED


class ExpectationError(RtcliError):
    """A time limit passed, or what a script expected did not come."""

    exit_code = ExitCode.EXPECTATION


class AudioUnavailableError(RtcliError):
    """An audio device was asked for and cannot be had."""

    exit_code = ExitCode.AUDIO_UNAVAILABLE


class AudioFileError(AudioUnavailableError):
    """The file in a speaker's place takes no more. The session goes on without it."""

    exit_code = ExitCode.UNEXPECTED
