"""Tells other processes that a recording is being written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True


def lock(file: int) -> None:
    """Hold the open file until it is closed; a file system without locks goes without."""
    if _HAS_LOCKS:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(path: Path) -> bool:
    """Whether some process writes this file now."""
    if not _HAS_LOCKS:
        return False
    try:
        # O_NONBLOCK: a FIFO in the folder would hold up its listing.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Somebody has the lock. Where we got it, closing the file below gives it back.
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False
