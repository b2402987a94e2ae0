"""Writes files: a whole one is replaced at once or stays as it was, a growing one follows no link; owner-only, both.

Commands that write a file which the user named keep one that holds something already, unless `replace` is given
(`--force`). Devices, pipes and what stands below /dev are written as they are: there is nothing to replace.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rtcli.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = (
    os.O_WRONLY | _NO_FOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)
# A FIFO whose other end nobody has opened would wait for ever.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
_REASONS = {
    errno.ENXIO: "nobody reads from this pipe",
    errno.ELOOP: "a symbolic link stands in its place",
    errno.EAGAIN: "its reader does not keep up",
}
OVERWRITE_HINT = "--force overwrites it"
IS_READ = "it is the recording that is read here"


def expanded(path: Path | str) -> Path:
    """The path with the home folder in place of `~`; as a shell does it, `~NAME` of nobody stays what it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  pathlib raises RuntimeError there


def write_file(path: Path | str, content: bytes | str, *, replace: bool = False) -> None:
    """Write a whole file. Until its last byte is on the disk an old one stays as it was.

    A link is followed and stays a link. Raises InputError that names the file.
    """
    # A lone surrogate, which a server's JSON may hold, has no UTF-8; escaped it is the same JSON.
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    with new_file(path, replace=replace) as write:
        write(data)


@contextlib.contextmanager
def new_file(path: Path | str, *, replace: bool = False) -> Iterator[Callable[[bytes], None]]:
    """What writes a whole file piece by piece; it is there when the block ends, and as before where the block raises.

    The rest is as for `write_file`.
    """
    try:
        target = _resolved(Path(path))
        special = _is_special(target)
        if not special:
            _require_free(target, replace)
        with _through(target) if special else _beside(target) as descriptor:
            yield partial(write_all, descriptor)
    except OSError as error:
        raise unwritable(path, error) from error


def open_stream(path: Path | str, *, replace: bool = False) -> int:
    """A descriptor of an empty file that will grow. The caller closes it. Raises InputError that names the file."""
    try:
        target = _resolved(Path(path))
        if _is_special(target):
            return os.open(target, (_FLAGS & ~_NO_FOLLOW) | _AT_ONCE)
        try:
            return os.open(target, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            _require_free(target, replace)
        descriptor = _open_own(target, _FLAGS)
        # Not O_TRUNC: it would empty the file before its owner and kind are checked.
        os.ftruncate(descriptor, 0)
        return descriptor
    except OSError as error:
        raise unwritable(path, error) from error


def open_private(path: Path | str, flags: int = os.O_RDWR | os.O_APPEND) -> int:
    """A descriptor of a file of ours at this very place, made if need be, which is neither a link nor a pipe.

    Raises OSError.
    """
    return _open_own(Path(path), (_FLAGS & ~os.O_WRONLY) | flags | os.O_CREAT)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything; the system may take it in pieces. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def unwritable(path: Path | str, error: OSError) -> InputError:
    """What a user is told of a file that cannot be written."""
    why = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return InputError(str(path), why, hint=OVERWRITE_HINT if isinstance(error, FileExistsError) else "")


# -- what stands there -------------------------------------------------------------------------------------------------


def _resolved(path: Path) -> Path:
    """Where links lead, as long as the user made them: in a shared folder anybody can put one."""
    path = expanded(path)
    if _below_dev(path):
        return path
    if path.is_symlink() and not _trusted(path.lstat().st_uid):
        raise PermissionError(errno.EACCES, "another user made this symbolic link")
    return Path(os.path.realpath(path))


def _below_dev(path: Path) -> bool:
    """/dev/stdout, /dev/fd/63: names of what is open already, whatever that is."""
    return path.is_absolute() and path.parts[1:2] in (("dev",), ("proc",)) and path.parts[2:3] != ("shm",)


def _is_special(path: Path) -> bool:
    """A device, a pipe, a socket: no place for a file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return _below_dev(path) or not stat.S_ISREG(mode)


def _require_free(target: Path, replace: bool) -> None:
    """An empty file, as mktemp makes one, has nothing to lose; what a program is still writing has all of it."""
    if is_locked(target):
        raise OSError(errno.EBUSY, "a session is being recorded to it")
    if is_kept(target):
        raise OSError(errno.EBUSY, IS_READ)
    if not replace and target.exists() and target.stat().st_size:
        raise FileExistsError(errno.EEXIST, "it exists already")


def _trusted(owner: int) -> bool:
    return not hasattr(os, "geteuid") or owner in (0, os.geteuid())


# -- files that are being written -------------------------------------------------------------------------------------


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


_being_read: Counter[tuple[int, int]] = Counter()  # device and inode


def keep(file: int) -> Callable[[], None]:
    """Let this process write no file over this open one, by whatever name, until what is given back is called once."""
    status = os.fstat(file)
    place = status.st_dev, status.st_ino
    _being_read[place] += 1
    return partial(_being_read.subtract, (place,))


def is_kept(path: Path) -> bool:
    """Whether this process reads the file, and still needs what it holds."""
    try:
        status = path.stat()
    except OSError:
        return False
    return _being_read[status.st_dev, status.st_ino] > 0


# -- writing -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[int]:
    # In the same folder: a rename works only within one file system.
    descriptor, temporary = tempfile.mkstemp(prefix=".rtcli-", suffix=".tmp", dir=target.parent)
    try:
        try:
            yield descriptor
            # Before the rename: after a power cut the new name could otherwise stand for an empty file.
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


@contextlib.contextmanager
def _through(target: Path) -> Iterator[int]:
    descriptor = os.open(target, (_FLAGS & ~_NO_FOLLOW) | _AT_ONCE)
    try:
        if hasattr(os, "set_blocking"):
            # Opened without blocking, so that a pipe without a reader is an error; written with it, so that a slow one
            # is waited for.
            os.set_blocking(descriptor, True)
        yield descriptor
    finally:
        os.close(descriptor)


def _open_own(path: Path, flags: int) -> int:
    """A regular file of this user, whose mode is put right: an earlier umask may have let others read it."""
    descriptor = os.open(path, flags | _AT_ONCE, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if not _trusted(found.st_uid):
            raise PermissionError(errno.EACCES, "it belongs to another user")
        if hasattr(os, "fchmod") and stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
