"""The program that `rtcli serve --once` tests: a process group of its own, with our server's address for OpenAI's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rtcli.cli.leaving import GROUPS
from rtcli.errors import UsageError
from rtcli.masking import MIN_LENGTH, is_secret_name

LOCAL_KEY = "sk-local"
"""What the program presents as its key."""

# These select an account at OpenAI; a client that has one of them builds other addresses, or sends headers that name an
# account.
_OF_ACCOUNT = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_TYPE")
_KEYED = ("OPENAI", "RTCLI_")
"""In the names of variables whose secrets are for a server; the program's other secrets are its own."""

_NODE_AUTHORITIES = "NODE_EXTRA_CA_CERTS"
_CERTIFICATE = re.compile(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_END_SECONDS = 0.8
"""Seconds that the program may take to end when it is told to; less than a signal leaves us ourselves."""

_POSIX = os.name == "posix"


@dataclass(frozen=True, slots=True)
class AppEnd:
    """How the program ended. `code` is None where it did not end by itself within `seconds`; -N stands for signal N."""

    code: int | None
    seconds: float

    @property
    def failure(self) -> str:
        """What failed of the program's own accord, "" for nothing."""
        if not self.code:
            return ""
        if self.code > 0:
            return f"it ended with exit code {self.code}"
        with contextlib.suppress(ValueError):
            return f"it was ended by {signal.Signals(-self.code).name}"
        return f"it was ended by signal {-self.code}"


class AppProcess:
    """A program to test. Its streams are ours; whatever it has started in its process group ends with it."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._environ = environ

    async def run(self, seconds: float) -> AppEnd:
        """Run it until it ends, or until `seconds` have passed (0: for as long as it takes).

        Raises UsageError where it cannot be started. However this ends, so has the program.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            # A session of its own: Ctrl+C in the terminal is ours, and the program may still read from there.
            child = await asyncio.create_subprocess_exec(
                *self._command, env=dict(self._environ), start_new_session=_POSIX
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{self._command[0]} cannot be started", why=why) from error
        GROUPS.add(child.pid)
        try:
            async with asyncio.timeout(seconds or None):
                code = await child.wait()
            return AppEnd(code, loop.time() - began)
        except TimeoutError:
            return AppEnd(None, loop.time() - began)
        finally:
            await _end(child)
            GROUPS.discard(child.pid)


async def _end(child: asyncio.subprocess.Process) -> None:
    """End the program, and what it has left running in its group: in order, and by force what does not."""
    # Windows has no process groups to signal: what the program has started itself stays.
    if not _POSIX:
        if child.returncode is None:
            child.kill()
        await child.wait()
        return
    if _signal_group(child.pid, signal.SIGTERM):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await child.wait()
                while _signal_group(child.pid, 0):  # noqa: ASYNC110  nobody tells of the end of a grandchild
                    await asyncio.sleep(0.01)
    # Also where all seems over: a grandchild that ignores SIGTERM would hold our stdout open, and with it a CI job.
    _signal_group(child.pid, signal.SIGKILL)
    await child.wait()


def _signal_group(group: int, number: int) -> bool:
    """Whether there was still somebody to get the signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True


def app_environ(environ: Mapping[str, str], url: str, *, key: str | None = None, authority: str = "") -> dict[str, str]:
    """The environment of the program: where our server is, and nothing that would let it into the real one.

    `url` is the server's (ws or wss), `key` what it wants to see, `authority` the file of a certificate to trust.
    """
    # Short values are left out: a "key" of three characters would match half the environment.
    keys = [value for name, value in environ.items() if _is_key(name) and len(value) >= MIN_LENGTH]
    kept = {
        name: value
        for name, value in environ.items()
        if not (_is_key(name) or name in _OF_ACCOUNT or name.startswith("AZURE_OPENAI_"))
        and not any(one in value for one in keys)  # under a name of the user's own
    }
    for name in ("NO_PROXY", "no_proxy"):  # a proxy cannot reach this machine's own addresses
        # Both spellings: Python reads either, curl and Go the lower one, Node packages differ.
        kept[name] = ",".join(filter(None, (kept.get(name, ""), urlsplit(url).hostname)))
    if authority:
        kept[_NODE_AUTHORITIES] = authority
    kept.setdefault("OPENAI_AGENTS_DISABLE_TRACING", "1")  # traces would go to OpenAI itself
    return kept | {
        "RTCLI_URL": url,
        # The official clients turn this into the WebSocket's address themselves.
        "OPENAI_BASE_URL": url.replace("ws", "http", 1).removesuffix("/realtime"),
        "OPENAI_API_KEY": key or LOCAL_KEY,
    }


@contextlib.contextmanager
def authority_file(environ: Mapping[str, str], certificate: str) -> Iterator[str]:
    """The file that has Node trust a certificate, and what the user's own file has it trust; "" without one."""
    # Node reads one file only, so ours has to hold both.
    theirs = environ.get(_NODE_AUTHORITIES)
    if not certificate or not theirs:
        yield certificate and str(Path(certificate).resolve())
        return
    with tempfile.TemporaryDirectory(prefix="rtcli-") as folder:
        path = Path(folder) / "authorities.pem"
        path.write_bytes(b"\n".join(_certificates(file) for file in (theirs, certificate)))
        yield str(path)


def _certificates(file: str) -> bytes:
    """What is to be trusted of a file, which may hold a private key too."""
    with contextlib.suppress(OSError):  # Node only warns of one that it cannot read
        return b"\n".join(_CERTIFICATE.findall(Path(file).read_bytes()))
    return b""


def _is_key(name: str) -> bool:
    return any(word in name.upper() for word in _KEYED) and is_secret_name(name)
