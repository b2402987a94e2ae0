"""The server: a WebSocket listener on loopback that opens sessions, and lets others join them."""

from __future__ import annotations

import asyncio
import logging
import ssl as tls
import time
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from rtcli.errors import UsageError
from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.http.proxies import listens_locally
from rtcli.http.served import address_of, quiet_logger
from rtcli.http.unread import MAX_QUEUE
from rtcli.masking import add_secret
from rtcli.protocol.differences import Mismatch
from rtcli.protocol.events import encode
from rtcli.protocol.faults import FaultKind, FaultPlan
from rtcli.protocol.record import Http
from rtcli.server.calls.calls import Calls
from rtcli.server.calls.endpoints import CallEndpoints
from rtcli.server.calls.phone import Phone
from rtcli.server.calls.webhook import DEFAULT_HEADERS, SipHeader, Webhook
from rtcli.server.engines import Engines
from rtcli.server.net.client_secrets import ClientSecrets
from rtcli.server.net.handshake import (
    Accept,
    AccessPolicy,
    RejectAfterUpgrade,
    UpgradeRequest,
    after_upgrade,
    before_upgrade,
)
from rtcli.server.net.http_connection import http_connection
from rtcli.server.net.http_endpoints import HttpEndpoints
from rtcli.server.replies.base import ReplyEngine
from rtcli.server.replies.choice import reply_engine
from rtcli.server.replies.scripts import load_script
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.runtime.live_session import LiveSession
from rtcli.server.runtime.recorded_session import RecordedSession, Recording
from rtcli.server.runtime.recorder import ConnectionRecorder, RecordObserver, end_recording, start_recording
from rtcli.server.runtime.sessions import Sessions, call_id_of
from rtcli.server.voice.choice import ENGINE_CHOICES

logger = logging.getLogger("rtcli.server")

_MAX_FRAME = 24 * 2**20  # 15 MiB of audio as base64, and the rest of its event
_PING_SECONDS = 20  # between pings, and how long a client may then show no life
_CLOSE_SECONDS = 1  # for a client to read what waits and answer the close frame, before it is aborted


class RealtimeServer:
    """A Realtime server, as an async context manager.

        async with RealtimeServer(pace=0) as server:
            connect(server.url + "?model=gpt-realtime-2.1")

    `reply` is "rules", "echo", "smollm", "openai:URL[,model]", or a reply engine; `script` a file that is asked first.
    With a `recording` (a file) each client gets what was received then, as it sends what was sent then; what it does
    otherwise is in `mismatches`. `faults` are texts of `rtcli.protocol.faults`. With a `key` clients must present it.
    `voice` is "auto", "tone" or "voice", and `engines` given are used in its place. A session ends after
    `expires_after` seconds. Responses take the time of writing or speaking, and a recording its own, divided by `pace`:
    2 is twice as fast, 0 at once. Pages of origins in `allow_origin` may connect. With `ssl` (see
    `rtcli.server.net.tls`) clients connect to wss. Each connection is recorded into the folder `record`, as its client
    would have done it. `observe` is called for each with the client's address; what it returns is called with each
    record of that connection, frames and faults among them. Calls by telephone (`ring`) are announced to the URL
    `webhook`, signed with `webhook_secret`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        reply: str | ReplyEngine = "rules",
        script: Path | str | None = None,
        recording: Path | str | None = None,
        faults: Iterable[str] = (),
        key: str | None = None,
        voice: str = "auto",
        expires_after: float = 3600,
        allow_origin: Sequence[str] = (),
        pace: float = 1.0,
        engines: Engines | None = None,
        ssl: tls.SSLContext | None = None,
        record: Path | str | None = None,
        observe: Callable[[str], RecordObserver] | None = None,
        webhook: str | None = None,
        webhook_secret: str | None = None,
    ) -> None:
        """Raises UsageError, or InputError for a script or a recording, where something given cannot be used."""
        if not listens_locally(host) and not key:
            raise UsageError(
                f"refusing to listen on {host} without a key",
                why="anyone who can reach that address could connect",
                hint="set RTCLI_SERVE_KEY, or listen on 127.0.0.1",
            )
        if voice not in ENGINE_CHOICES:
            raise UsageError(f"unknown voice engine {voice!r}", hint=f"choose one of {', '.join(ENGINE_CHOICES)}")
        if recording is not None and script is not None:
            raise UsageError("a recording and a script exclude each other", hint="give one of them")
        self._host, self._port, self._ssl = host, port, ssl
        engine = reply_engine(reply) if isinstance(reply, str) else reply
        self._script = load_script(script, engine) if script is not None else None
        self._reply: ReplyEngine = self._script or engine
        if self._script is not None:
            self._script.on_mismatch = self._deviated
        self._recording = Recording(recording) if recording is not None else None
        self.mismatches: list[Mismatch] = []  # how clients deviated: from a recording the first of each
        self.on_mismatch: Callable[[Mismatch], object] = lambda mismatch: logger.warning("%s", mismatch)
        self.on_problem: Callable[[str], object] = logger.warning  # with recording: clients are served all the same
        self.connection_ended = asyncio.Event()  # once a client's session was served to its end
        self.faults = tuple(faults)
        FaultPlan.parse(self.faults)  # now, so that a mistake shows before a client connects
        self._opened: set[ServerConnection] = set()  # every TCP connection, whatever it asks for
        self._serving: set[asyncio.Task[None]] = set()  # one for each that upgraded
        if key:
            add_secret(key)
        secrets = ClientSecrets(time.time)
        self._policy = AccessPolicy(key, frozenset(allow_origin), secrets.session_of, any_model=recording is not None)
        self._record = Path(record) if record is not None else None
        self.recordings: list[Path] = []  # of the connections so far
        self._observe = observe  # None: nobody looks
        self._pace = pace
        self._pool = EnginePool(voice if recording is None else "tone", engines)  # a recording needs no engine
        self._sessions = Sessions(self._pool, self._reply, pace=pace, expires_after=expires_after)
        self._calls = Calls(
            self._sessions,
            pace=pace,
            loopback=listens_locally(host),
            faults=lambda: self.faults,
            recorded=self._record_call,
            ended=self.connection_ended.set,
        )
        self._webhook = Webhook(webhook, webhook_secret)
        endpoints = CallEndpoints(self._calls) if recording is None else None
        self._endpoints = HttpEndpoints(self._policy, secrets, endpoints, self._sessions.detection)
        self._server: Server | None = None  # once it listens
        self._address: tuple[str, int] | None = None  # the real one, where port 0 was asked for

    def __repr__(self) -> str:
        where = "not listening" if self._address is None else f"{self.url}, {len(self._serving)} connections"
        return f"<RealtimeServer {self.reply_name}: {where}>"

    async def __aenter__(self) -> RealtimeServer:
        """Listens. Raises UsageError where the address cannot be had."""
        await self._pool.__aenter__()
        try:
            self._server = await self._listen()
        except OSError as error:
            await self._pool.__aexit__(None, None, None)
            address = f"{self._host}:{self._port}"
            raise UsageError(f"cannot listen on {address}", why=error.strerror or str(error)) from error
        self._address = next(iter(self._server.sockets)).getsockname()[:2]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes every connection with 1001; clients that do not close in time are aborted."""
        assert self._server is not None, "the server has not been entered"
        self._server.close()
        await self._calls.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.shield(self._server.wait_closed())
        except TimeoutError:
            for connection in list(self._opened):  # sessions, and clients that are slow to ask for one
                connection.transport.abort()
            for task in self._serving:  # a fault may hold one up for as long as it says
                task.cancel()
            await self._server.wait_closed()
        await self._pool.__aexit__(kind, error, trace)

    async def _listen(self) -> Server:
        return await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._process_request,
            create_connection=http_connection(self._answer_http, self._opened),
            select_subprotocol=_select_subprotocol,
            open_timeout=None,  # an HTTP answer may take long; HttpConnection has a limit of its own
            compression=None,  # to deflate base64 audio takes more time than everything else
            max_size=_MAX_FRAME,  # a larger one ends the connection with 1009
            max_queue=MAX_QUEUE,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            server_header=None,  # nobody needs to know the version of the library
            ssl=self._ssl,
            logger=quiet_logger("rtcli.server.websockets"),
        )

    @property
    def url(self) -> str:
        """Where to connect, without a model: ws://HOST:PORT/v1/realtime, or wss with TLS."""
        assert self._address is not None, "the server has not been entered"
        host, port = self._address
        scheme = "wss" if self._ssl else "ws"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1/realtime"

    @property
    def calls(self) -> tuple[str, ...]:
        """The call ids of the running sessions. A session `sess_abc` is the call `rtc_abc`; `?call_id=` takes both."""
        return tuple(call_id_of(session.id) for session in self._sessions)

    @property
    def sessions(self) -> tuple[LiveSession, ...]:
        """The running sessions, in the order in which they were opened."""
        return tuple(self._sessions)

    @property
    def reply_name(self) -> str:
        """What makes the replies."""
        return f"recording {self._recording.name}" if self._recording is not None else self._reply.name

    @property
    def plays_recording(self) -> bool:
        """Whether a recording is served: then nothing is heard, replied or spoken."""
        return self._recording is not None

    @property
    def passed_over(self) -> tuple[str, ...]:
        """What of the recording that is served could not be read, one sentence each."""
        return self._recording.notes if self._recording is not None else ()

    @property
    def requires_key(self) -> bool:
        """Whether clients must present a key."""
        return self._policy.key is not None

    async def engines(self) -> Engines:
        """The speech engines, loaded now if no audio has needed them yet. Raises UsageError where they cannot be."""
        return await self._pool.engines()

    # one connection ---------------------------------------------------------------------------------------------------

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        upgrade = _upgrade_request(request)
        for action in FaultPlan.parse(self.faults).at_connect():
            if action.kind is FaultKind.HTTP:
                return self._refuse(connection, request, int(action.number), "A fault was asked for.\n")
        rejection = before_upgrade(upgrade, self._policy, self._sessions.names)
        return self._refuse(connection, request, rejection.status, rejection.body) if rejection else None

    async def _answer_http(self, request: HttpRequest) -> HttpResponse:
        statuses = [a for a in FaultPlan.parse(self.faults).at_connect() if a.kind is FaultKind.HTTP]
        if statuses:
            response = HttpResponse.error(int(statuses[0].number), "A fault was asked for.")
        else:
            response = await self._endpoints.handle(request)
        if self._observe is not None:
            path = request.target.partition("?")[0]
            self._observe("a client")(Http(0.0, request.method, path, response.status))
        return response

    def _refuse(self, connection: ServerConnection, request: Request, status: int, body: str) -> Response:
        if self._observe is not None:
            self._observe(address_of(connection))(Http(0.0, "GET", request.path.partition("?")[0], status))
        return connection.respond(HTTPStatus(status), body)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        outcome = after_upgrade(_upgrade_request(connection.request), self._policy)
        model = "" if isinstance(outcome, RejectAfterUpgrade) else outcome.model or ""
        self._start_recording(connection, address_of(connection), model)
        try:
            await self._answer(connection, outcome)
        finally:
            end_recording(connection)

    def _start_recording(self, connection: object, address: str, model: str) -> None:
        if self._record is not None or self._observe is not None:
            observe = self._observe(address) if self._observe is not None else None
            recorder = ConnectionRecorder(self.url, model, folder=self._record, observe=observe, failed=self.on_problem)
            self.recordings += [recorder.path] if recorder.path is not None else []
            start_recording(connection, recorder)

    async def _answer(self, connection: ServerConnection, outcome: Accept | RejectAfterUpgrade) -> None:
        if isinstance(outcome, RejectAfterUpgrade):
            await _reject(connection, outcome)
            return
        plan = FaultPlan.parse(self.faults)
        client = ClientConnection(connection, plan, sideband=outcome.call_id is not None)
        for action in plan.at_connect():
            client.inject_fault(action)
        if outcome.call_id is None:
            await self._open(client, outcome)
        else:
            await self._join(client, outcome.call_id)

    async def _open(self, client: ClientConnection, accepted: Accept) -> None:
        try:
            if self._recording is not None:
                await RecordedSession(self._recording, pace=self._pace, on_mismatch=self._deviated).run(client)
            else:
                session = self._sessions.make(accepted.kind, accepted.model, accepted.session)
                await self._sessions.run(session, client)
        finally:
            self.connection_ended.set()

    async def settled(self, seconds: float = _CLOSE_SECONDS) -> bool:
        """Wait until every connection was served to its end, or so long; whether it was. Who has left needs no time."""
        if serving := self._serving | self._calls.serving:
            await asyncio.wait(serving, timeout=seconds)
        return not (self._serving or self._calls.serving)

    async def ring(self, headers: Iterable[tuple[str, str]] = DEFAULT_HEADERS) -> Phone:
        """Have somebody call: a telephone that rings until it is accepted or rejected, or hangs up.

        `headers` are those of the SIP INVITE. It returns once the webhook, where there is one, has been delivered.
        Raises ConnectError where it cannot be, ValueError where too many calls ring; the call is over then.
        """
        phone = self._calls.ring([SipHeader(*header) for header in headers])
        try:
            await self._webhook.announce(phone.call_id, phone.headers)
        except BaseException:
            await phone.hang_up()
            raise
        return phone

    def _record_call(self, connection: object, model: str) -> Callable[[], object]:
        self._start_recording(connection, "a call", model)
        return lambda: end_recording(connection)

    def judge_end(self) -> None:
        """All clients are gone: what a script still expects goes to `mismatches`."""
        if self._script is not None and (left := self._script.left()) is not None:
            self._deviated(left)

    def _deviated(self, mismatch: Mismatch) -> None:
        self.mismatches.append(mismatch)
        self.on_mismatch(mismatch)

    async def _join(self, client: ClientConnection, call_id: str) -> None:
        session = self._sessions.find(call_id)
        if session is not None:  # it may have ended since the upgrade
            await session.join(client)


async def _reject(connection: ServerConnection, rejection: RejectAfterUpgrade) -> None:
    try:
        await connection.send(encode(rejection.error.event()))
        await connection.close(rejection.code, rejection.reason)
    except ConnectionClosed:
        pass  # it left by itself


def _upgrade_request(request: Request) -> UpgradeRequest:
    headers = {name.lower(): value for name, value in request.headers.raw_items()}
    offered = tuple(word.strip() for word in headers.get("sec-websocket-protocol", "").split(",") if word.strip())
    return UpgradeRequest(request.path, headers, offered)


def _select_subprotocol(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """A browser's key comes as a subprotocol; the one that means something is `realtime`."""
    return Subprotocol("realtime") if "realtime" in offered else None
