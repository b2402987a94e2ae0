"""A network with loopback alone, for a test that has to prove that nothing leaves the machine."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x40000000  # of sched.h
_SIOCSIFFLAGS = 0x8914  # of sockios.h
_IFF_UP = 0x1
_OWN = Path("/proc/thread-self/ns/net")


@pytest.fixture
def loopback_alone() -> Iterator[None]:
    """This thread, and the processes that it starts, see a network of their own. Skips without the right to make one.

    Threads that ran before keep the machine's network.
    """
    if sys.platform != "linux" or not _OWN.exists():
        pytest.skip("a network of its own needs Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open(_OWN, os.O_RDONLY)
    try:
        if libc.unshare(_CLONE_NEWNET):
            pytest.skip(f"a network of its own needs root: {os.strerror(ctypes.get_errno())}")
        _raise_loopback()
        yield
        assert libc.setns(before, _CLONE_NEWNET) == 0, "the machine's network is not had back"
    finally:
        os.close(before)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
