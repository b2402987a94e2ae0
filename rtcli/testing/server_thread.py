"""ServerThread: the built-in server in a thread of its own, for tests without a loop and the programs they start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rtcli.lint import rules_without
from rtcli.scenario.app_judge import AppJudge
from rtcli.scenario.verdict import CaseResult
from rtcli.server import RealtimeServer
from rtcli.testing.background_loop import BackgroundLoop

_SECONDS = 30.0
"""How long the thread may take to answer: engines load in it."""


class ServerThread:
    """A RealtimeServer that serves while the test's own thread does what it likes, from `start` to `stop`.

        with ServerThread(script="weather.yaml", pace=0) as server:
            subprocess.run(["node", "agent.mjs"], env={**os.environ, "OPENAI_BASE_URL": server.base_url})
        assert not [case for case in server.cases() if any(case.problems)]

    Its clients are judged by the script or the recording, and by the rules of `rtcli check` if `rules` says so (None:
    where there is a script), but for those in `ignore`. `options` are those of RealtimeServer.
    """

    def __init__(self, *, rules: bool | None = None, ignore: Sequence[str] = (), **options: Any) -> None:
        """Raises UsageError, or InputError, for what cannot be used."""
        # Without a script a server is a playground: a test that sends nonsense on purpose should not have to say so.
        asked = options.get("script") is not None if rules is None else rules
        chosen = rules_without(ignore, "ignore")
        self.judge = AppJudge(chosen if asked else [])
        self.server = RealtimeServer(**{"observe": self.judge.connection, **options})
        self.server.on_mismatch = self.judge.mismatches.append
        self._expected = Path(options.get("script") or options.get("recording") or "").name
        self._judged = False  # to the end
        self._thread = BackgroundLoop("rtcli-server")

    def __repr__(self) -> str:
        return f"<ServerThread {self.server.reply_name}: {'serving' if self._thread.running else 'stopped'}>"

    def __enter__(self) -> ServerThread:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where to connect, without a model: `ws://127.0.0.1:PORT/v1/realtime`."""
        return self.server.url

    @property
    def base_url(self) -> str:
        """The same for clients that are given the address of the API: `http://127.0.0.1:PORT/v1`."""
        return self.url.replace("ws", "http", 1).removesuffix("/realtime")

    @property
    def judges(self) -> bool:
        """There is something that clients are judged by."""
        return bool(self._expected or self.judge.rules)

    def start(self) -> None:
        """Listen. Raises UsageError where the address cannot be had."""
        try:
            self._thread.run(self.server.__aenter__(), _SECONDS)
        # An address that is taken must not leave a thread behind, nor Ctrl+C.
        except BaseException:
            self._thread.stop()
            raise

    def stop(self) -> None:
        """Close every connection; what is judged is judged now."""
        if self._thread.running:
            self._thread.run(self.server.__aexit__(None, None, None), _SECONDS)
            self._thread.stop()
            self.judge_end()

    def judge_end(self) -> None:
        """All clients are gone: what a script still expects of them goes to what is wrong."""
        if not self._judged:
            self._judged = True
            self.server.judge_end()

    def settled(self, seconds: float) -> bool:
        """Wait until every client has left, at most so long; whether they have."""
        return self._thread.run(self.server.settled(seconds))

    def cases(self) -> list[CaseResult]:
        """What there is to say of the clients so far, with the recordings; see AppJudge."""
        return self.judge.cases(self._expected, list(map(str, self.server.recordings)))
