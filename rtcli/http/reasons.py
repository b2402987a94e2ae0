"""Why a request got no answer, in the words of the system: libraries say that all attempts failed."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from socket import gaierror

_MAX_CAUSES = 20
_SOURCE = re.compile(r"^\[\w+\] | \(_ssl\.c:\d+\)$")  # the library, and the line of its source


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on. Of a group, several addresses at a time, the first says enough."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        elif cause is None:
            return
        else:
            yield cause
            cause = cause.__cause__ or cause.__context__


def reason_of(error: BaseException) -> str:
    """What a resolver or TLS says, or the innermost error that the system numbers; else what the outermost says."""
    causes = list(causes_of(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return tls_reason(cause)
        if isinstance(cause, gaierror):
            return cause.strerror or str(cause)
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
    return os.strerror(numbers[-1]) if numbers else str(causes[0]) or type(causes[0]).__name__


def tls_reason(error: ssl.SSLError) -> str:
    """What OpenSSL says, as words: "wrong version number", "self-signed certificate"."""
    said = getattr(error, "verify_message", "") or (error.reason or "").replace("_", " ").lower() or str(error)
    return _SOURCE.sub("", said)
