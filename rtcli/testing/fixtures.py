"""What stands behind the fixtures: a server that judges its clients for one test, and sessions that are recorded."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rtcli.config.endpoints import Endpoint, resolve_endpoint
from rtcli.config.keys import KeySource
from rtcli.errors import RtcliError, ServerError
from rtcli.protocol.filters import type_of
from rtcli.protocol.nearest import nearest_hint
from rtcli.server import RealtimeServer
from rtcli.session.dialing import transport_for
from rtcli.session.first_update import SessionUpdate
from rtcli.session.recorder import RecordingSetup
from rtcli.session.session import RealtimeSession
from rtcli.session.tools.signature import tool_of
from rtcli.session.tools.tool import Tool
from rtcli.testing.build import config_for
from rtcli.testing.server_thread import ServerThread

_LEAVE_SECONDS = 0.25
"""How long clients may take to leave when a test ends, before they are judged at its teardown."""

_NOT_OF_THE_MARKER = {"host", "port", "record", "observe"}  # the fixture decides these itself
_OPTIONS = {"rules", "ignore", *(set(inspect.signature(RealtimeServer).parameters) - _NOT_OF_THE_MARKER)}


class Judged:
    """What one test has to do with a server, and what is told of that; `folder` takes the recordings."""

    title = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed = False  # the test, in some phase
        self._told = False  # what is wrong is in the failure already

    def judge_call(self) -> None:
        """The test has ended well: fail it where it should not have."""

    def report(self, report: pytest.TestReport) -> None:
        """Add to a report of failure what there is to say."""
        if report.failed:
            self.failed = True
            if not self._told and (text := self.text()):
                report.sections.append((self.title, text))

    def text(self) -> str:
        """What there is to say of a test that has failed."""
        return ""

    def fail(self, text: str) -> None:
        """Fail the test."""
        # Before it raises: the report hook runs later, and would add the same text once more.
        self.failed = self._told = True
        pytest.fail(text, pytrace=False)


class JudgedServer(Judged):
    """The server of one test."""

    title = "realtime_server"

    def __init__(self, folder: Path, server: ServerThread) -> None:
        super().__init__(folder)
        self.server = server

    def judge_call(self) -> None:
        """Fail the test for what its clients did, if they have left."""
        if self.server.judges and self.server.settled(_LEAVE_SECONDS):
            self.server.judge_end()
            self.judge()

    def judge(self) -> None:
        """Fail the test for what its clients did so far, unless it has failed already."""
        if not self.failed and any(any(case.problems) for case in self.server.cases()):
            self.fail(self.text())

    def text(self) -> str:
        """What is wrong, and the recordings."""
        lines: list[str] = []
        for case in self.server.cases():
            for step, problem in case.problems:
                where = step.name if case.group == "script" else f"{step.name} ({case.name})"
                lines += [f"{where}: {problem.message}", *(f"  {detail}" for detail in problem.details)]
        return "\n".join([*lines, *(f"recording: {path}" for path in self.server.server.recordings)])


@contextmanager
def judged_server(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Iterator[JudgedServer]:
    """Serves for one test, as its markers say."""
    options = _options(request)
    folder = folders.mktemp("realtime")
    with _as_failure():
        server = ServerThread(record=folder, **options)
        server.start()
    judged = JudgedServer(folder, server)
    try:
        yield judged
    finally:
        server.stop()
    # Once more at the teardown: clients that had not left when the test ended are judged now.
    judged.judge()
    _forget(judged)


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers say, the nearest first; files are beside the test's."""
    pace = request.config.getoption("--realtime-pace")
    options: dict[str, Any] = {"pace": 0.0 if pace is None else pace}
    # pytest gives the nearest first; the last one wins below.
    for marker in reversed(list(request.node.iter_markers("realtime_server"))):
        options |= marker.kwargs
        # Without this a `@realtime_server("weather.yaml")` would pass, and judge nobody.
        if marker.args:
            pytest.fail(f"the marker realtime_server takes options by name, not {marker.args[0]!r}", pytrace=False)
    for name in sorted(options.keys() - _OPTIONS):
        hint = nearest_hint(name, _OPTIONS, f"there are {', '.join(sorted(_OPTIONS))}")
        pytest.fail(f"the marker realtime_server has no option {name!r} ({hint})", pytrace=False)
    for name in ("script", "recording"):
        if options.get(name) is not None:
            options[name] = request.path.parent / options[name]
    return options


class SessionOpener(Judged):
    """Opens the sessions of one test: `async with realtime_session(instructions="Be brief.") as session: ...`."""

    title = "realtime_session"

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        super().__init__(folder)
        self._endpoint = endpoint
        self._recordings: list[Path] = []

    def __repr__(self) -> str:
        return f"<realtime_session at {self._endpoint.label}>"

    def __call__(
        self, *, tools: Sequence[Callable[..., Any] | Tool] = (), timeout: float = 10.0, **config: Any
    ) -> AbstractAsyncContextManager[RealtimeSession]:
        """A session, connected within `timeout` seconds and closed at the end of the `async with`.

        `config` is that of the session, in the wire's names; functions in `tools` are called. Raises RtcliError, such
        as ServerError for settings that the server refuses.
        """
        made = [tool if isinstance(tool, Tool) else tool_of(tool) for tool in tools]
        return self._opened(made, timeout, config)

    @asynccontextmanager
    async def _opened(
        self, tools: list[Tool], seconds: float, config: dict[str, Any]
    ) -> AsyncIterator[RealtimeSession]:
        session = RealtimeSession(
            transport_for(self._endpoint),
            endpoint=self._endpoint,
            # A field that the transport has no name for, such as max_output_tokens, would else not be sent.
            config=config_for(config),
            tools=tools,
            session_update=SessionUpdate.MINIMAL,
            recording=RecordingSetup(command="pytest"),
        )
        path = self.folder / f"session-{len(self._recordings) + 1}.ndjson"
        session.recorder.start(path)
        self._recordings.append(path)
        try:
            await session.start(seconds)
            # Refused settings are left out by a second update: a test of them would pass, and test something else.
            if refusal := _refusal(session):
                raise ServerError(refusal)
            yield session
        finally:
            await session.close()

    def text(self) -> str:
        """The recordings."""
        return "\n".join(f"recording: {path}" for path in self._recordings)


def _refusal(session: RealtimeSession) -> Mapping[str, Any] | None:
    """The error event that answered an update of the session."""
    records = session.state.log.records
    updates = {frame.number for frame in records if type_of(frame) == "session.update"}
    return next((frame.event for frame in records if frame.parent in updates and type_of(frame) == "error"), None)


@contextmanager
def session_opener(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Iterator[SessionOpener]:
    """Sessions of one test with `--realtime-url`, else with its own `realtime_server`."""
    with _as_failure():
        endpoint = chosen_endpoint(request.config)
    if endpoint is None:
        # Asked for here and not as a parameter: with --realtime-url no server is to be started.
        url = request.getfixturevalue("realtime_server").url
        endpoint = resolve_endpoint(url=url, environ={})
    opener = SessionOpener(folders.mktemp("realtime"), endpoint)
    yield opener
    _forget(opener)


def chosen_endpoint(config: pytest.Config) -> Endpoint | None:
    """The endpoint of `--realtime-url`, None without one. Raises UsageError for one that cannot be used."""
    url, variable = config.getoption("--realtime-url"), config.getoption("--realtime-key-env")
    if url is None:
        return None
    key = KeySource(variable=variable) if variable else None
    return resolve_endpoint(url=url, key=key, environ={variable: os.environ.get(variable, "")} if variable else {})


def _forget(judged: Judged) -> None:
    """Delete the recordings of a test that passed."""
    if not judged.failed:
        shutil.rmtree(judged.folder, ignore_errors=True)


@contextmanager
def _as_failure() -> Iterator[None]:
    """What the user gave and cannot be used is one line, without a traceback through rtcli."""
    try:
        yield
    except RtcliError as error:
        # Raised instead of calling pytest.fail(), which would show the RtcliError as its context.
        raise pytest.fail.Exception(told(error), pytrace=False) from None


def told(error: RtcliError) -> str:
    """What happened, why, and what to do, in one line."""
    return f"{error} ({error.hint})" if error.hint else str(error)
