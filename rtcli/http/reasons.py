"""Why a request got no answer, in the words of the system: libraries say that all attempts failed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from socket import gaierror

_MAX_CAUSES = 20


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
    """The innermost error that the system numbers, else what the outermost says."""
    causes = list(causes_of(error))
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
    own_numbers = any(isinstance(cause, (gaierror, ssl.SSLError)) for cause in causes)
    return os.strerror(numbers[-1]) if numbers and not own_numbers else str(causes[0]) or type(causes[0]).__name__
