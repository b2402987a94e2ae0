"""The proxy: listens for apps, dials the endpoint for each, and joins the two."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Protocol

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from rtcli.errors import RtcliError, UsageError
from rtcli.http.cross_origin import allows
from rtcli.http.proxies import is_loopback, listens_locally
from rtcli.http.served import address_of, quiet_logger
from rtcli.masking import mask_exception, masked
from rtcli.protocol.events import encode_bytes
from rtcli.protocol.faults import FaultKind, FaultPlan
from rtcli.protocol.filters import parse_filter
from rtcli.proxy.app_side import AppSide
from rtcli.proxy.http_relay import HttpRelay
from rtcli.proxy.lane import FAULTS, Terms
from rtcli.proxy.link import Log, ProxyLink
from rtcli.proxy.message import SideClose
from rtcli.proxy.side import MAX_MESSAGE, Side
from rtcli.proxy.target import DEFAULT_TO, Target, app_of, model_of, note_secrets, passed
from rtcli.transports.connect import dial, to_connect_error
from rtcli.transports.one_host import OneHost

logger = logging.getLogger("rtcli.proxy")

_PING_SECONDS = 20.0
_OPEN_SECONDS = 10.0  # for the endpoint to accept a WebSocket
_STOP_SECONDS = 1.0  # for both sides to answer a Close frame at the end


class ProxyLog(Log, Protocol):
    """Where a proxy tells what happens; nothing of it waits."""

    def opened(self, link: ProxyLink) -> None:
        """A connection stands; what passes over it follows."""

    def closed(self, link: ProxyLink) -> None:
        """Both of its sides are gone."""

    def requested(self, method: str, path: str, status: int | None, app: str, problem: str) -> None:
        """An HTTP request, or an upgrade that was refused; None: nobody has answered."""


class EndpointSide(Side, OneHost):
    """The side of the endpoint."""


class RealtimeProxy:
    """A proxy in front of one endpoint, as an async context manager.

        async with RealtimeProxy("wss://api.openai.com/v1/realtime", log=log) as proxy:
            ...  # an app whose base URL is proxy.url

    `faults` are texts of `rtcli.protocol.faults`. Pages of origins in `allow_origin` may connect. `links` are the
    connections that are open. Everything is done on the loop that entered it.
    """

    def __init__(
        self,
        to: str = DEFAULT_TO,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        log: ProxyLog,
        faults: Iterable[str] = (),
        allow_origin: Sequence[str] = (),
        allow_remote: bool = False,
    ) -> None:
        """Raises UsageError where something given cannot be used."""
        if not allow_remote and not listens_locally(host):
            raise UsageError(
                f"refusing to listen on {host}",
                why="anyone who can reach that address could connect through this machine",
                hint="--allow-remote permits it",
            )
        self.target = Target.of(to)
        self.terms = Terms()
        self.links: dict[int, ProxyLink] = {}
        self._host, self._port = host, port
        self._log = log
        self._faults = tuple(faults)
        check_faults(self._faults)
        self._origins = tuple(allow_origin)
        self._http = HttpRelay(self.target, self._origins, self._requested)
        self._opened: set[AppSide] = set()
        self._endpoints: dict[ServerConnection, EndpointSide] = {}  # dialed, the app not served yet
        self._count = 0
        self._server: Server | None = None
        self._address = ("", 0)

    def __repr__(self) -> str:
        state = f"listening on {self._address[0]}:{self._address[1]}" if self._server is not None else "not listening"
        return f"<RealtimeProxy to {self.target.label}: {state}, {self._count} connections so far>"

    async def __aenter__(self) -> RealtimeProxy:
        """Listen. Raises UsageError where the address cannot be had, or the endpoint is this proxy itself."""
        try:
            self._server = await self._listen()
        except OSError as error:
            hint = "--listen 127.0.0.1:0 picks a free port"
            what = f"cannot listen on {self._host}:{self._port}"
            why = os.strerror(error.errno) if error.errno else str(error)  # asyncio's own text repeats the address
            raise UsageError(what, why=why, hint=hint) from error
        self._address = next(iter(self._server.sockets)).getsockname()[:2]
        if leads_here(self.target.address, self._address):
            await self.__aexit__(None, None, None)
            raise UsageError("--to leads back to this proxy", hint="name the endpoint itself, or another --listen")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection with 1001; what does not close in time is aborted."""
        assert self._server is not None, "the proxy has not been entered"
        for link in list(self.links.values()):
            link.finish(SideClose(1001, "the proxy was stopped"))
        self._server.close(close_connections=False)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.shield(self._server.wait_closed())
        except TimeoutError:
            for link in list(self.links.values()):
                link.finish(SideClose(lost=True), at_once=True)
            for app in list(self._opened):
                app.transport.abort()
            for endpoint in list(self._endpoints.values()):
                endpoint.transport.abort()
            await self._server.wait_closed()
        await self._http.close()

    async def _listen(self) -> Server:
        kind = type(
            "ProxyAppSide", (AppSide,), {"answer_http": staticmethod(self._http.answer), "opened": self._opened}
        )
        return await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._dial_for,
            process_response=self._add_headers,
            create_connection=kind,
            select_subprotocol=self._subprotocol,
            compression=None,
            max_size=MAX_MESSAGE,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            open_timeout=None,  # an HTTP answer may take long; AppSide has its own limit for the head
            server_header=None,
            logger=quiet_logger("rtcli.proxy.websockets"),
        )

    @property
    def url(self) -> str:
        """The base URL for an app's sessions: ws://HOST:PORT/v1, below which /realtime is."""
        host, port = self._address
        return f"ws://{f'[{host}]' if ':' in host else host}:{port}/v1"

    # one connection ---------------------------------------------------------------------------------------------------

    async def _dial_for(self, app: ServerConnection, request: Request) -> Response | None:
        """What the app is answered where it gets no WebSocket, None where the endpoint has accepted one."""
        headers = tuple(request.headers.raw_items())
        note_secrets(request.path, headers)
        origin = request.headers.get("Origin")
        if origin is not None and not allows(self._origins, origin):
            return self._refuse(request, 403, f"Origin {masked(origin)} is not allowed: --allow-origin permits it.")
        for action in FaultPlan.parse(self._faults).at_connect():
            if action.kind is FaultKind.HTTP:
                return self._refuse(request, int(action.number), "A fault was asked for.")
        url = self.target.url(request.path)
        try:
            endpoint = await self._dial(url, headers)
        except InvalidStatus as refused:
            return self._passed_on(request, refused.response)
        except Exception as error:  # noqa: BLE001  whatever the network says
            mask_exception(error)
            problem = error if isinstance(error, RtcliError) else to_connect_error(url, error)
            status = 504 if isinstance(error, TimeoutError) else 502
            return self._refuse(request, status, f"rtcli proxy: {problem}")
        self._endpoints[app] = endpoint
        return None

    async def _dial(self, url: str, headers: Sequence[tuple[str, str]]) -> EndpointSide:
        offered = [value for name, value in headers if name.lower() == "sec-websocket-protocol"]
        connection = await dial(
            url,
            passed(headers),
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            open_timeout=_OPEN_SECONDS,
            max_message_bytes=MAX_MESSAGE,
            ssl_context=None,
            proxy=True,
            subprotocols=[word.strip() for value in offered for word in value.split(",") if word.strip()],
            user_agent=None,
            connection=EndpointSide,
        )
        assert isinstance(connection, EndpointSide)
        return connection

    def _subprotocol(self, app: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return self._endpoints[app].subprotocol

    def _add_headers(self, app: ServerConnection, request: Request, response: Response) -> None:
        """The app gets the endpoint's headers too. An endpoint whose app gets no WebSocket is left."""
        endpoint = self._endpoints.get(app)
        if endpoint is None:
            return
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS or app.transport.is_closing():
            del self._endpoints[app]
            endpoint.end(SideClose(lost=True))
            return
        assert endpoint.response is not None
        for name, value in passed(endpoint.response.headers.raw_items()):
            if name.lower() != "date":
                response.headers[name] = value

    async def _serve(self, connection: ServerConnection) -> None:
        """From the upgrade to the end of both sides."""
        assert isinstance(connection, AppSide)
        assert connection.request is not None
        endpoint = self._endpoints.pop(connection)
        self._count += 1
        headers = tuple(connection.request.headers.raw_items())
        path = connection.request.path
        url = self.target.url(path).partition("?")[0]
        link = ProxyLink(self._count, app_of(headers), address_of(connection), model_of(path), url)
        self.links[link.number] = link
        self._log.opened(link)
        try:
            link.open(connection, endpoint, FaultPlan.parse(self._faults), self.terms, self._log)
            await connection.wait_closed()
            await endpoint.wait_closed()
        finally:
            endpoint.transport.abort()
            del self.links[link.number]
            self._log.closed(link)

    # refusals ---------------------------------------------------------------------------------------------------------

    def _passed_on(self, request: Request, answer: Response) -> Response:
        """The endpoint's own refusal: status, headers and body."""
        body = bytes(answer.body or b"")
        headers = Headers([*passed(answer.headers.raw_items()), *_framing(body)])
        self._requested("GET", request.path.partition("?")[0], answer.status_code, "", app_of_request(request))
        return Response(answer.status_code, answer.reason_phrase, headers, body)

    def _refuse(self, request: Request, status: int, message: str) -> Response:
        """A refusal of ours, in the shape of the API's errors."""
        error = {"message": masked(message), "type": "proxy_error", "code": None, "param": None}
        body = encode_bytes({"error": error})
        headers = Headers([("Content-Type", "application/json"), *_framing(body)])
        self._requested("GET", request.path.partition("?")[0], status, message, app_of_request(request))
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        return Response(status, phrase, headers, body)

    def _requested(self, method: str, path: str, status: int | None, problem: str, app: str = "") -> None:
        self._log.requested(method, path, status, app, problem)

    # what users do ----------------------------------------------------------------------------------------------------

    def hold(self, terms: str) -> None:
        """Hold what these terms match from now on, "" nothing. Raises UsageError."""
        self.terms.hold = parse_filter(terms) if terms else None
        self._apply_terms()

    def drop(self, terms: str) -> None:
        """Drop what these terms match from now on, "" nothing. Raises UsageError."""
        self.terms.drop = parse_filter(terms) if terms else None
        self._apply_terms()

    def _apply_terms(self) -> None:
        for link in self.links.values():
            for flow in link.flows.values():
                flow.apply_terms()


def check_faults(faults: Iterable[str]) -> None:
    """Raises UsageError for a fault that cannot be read, or that a proxy cannot make."""
    for text in faults:
        for fault in FaultPlan.parse([text]).faults:
            if fault.action.kind not in FAULTS:
                why = "it is a fault of a server, which knows the session"
                raise UsageError(f"the proxy has no fault {text!r}", why=why, hint=f"faults: {', '.join(FAULTS)}")


def leads_here(to: tuple[str, int], here: tuple[str, int]) -> bool:
    """Whether an address is that of our own socket: its port, on this machine."""
    if to[1] != here[1]:
        return False
    if is_loopback(to[0]):
        return True
    try:
        found = socket.getaddrinfo(to[0], 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_is_ours(family, place[0]) for family, _, _, _, place in found)


def _is_ours(family: int, ip: Any) -> bool:
    """Whether an address is one of this machine's: a socket can be bound to no other."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((ip, 0))
    except OSError:
        return False
    return True


def app_of_request(request: Request) -> str:
    """What an app calls itself."""
    return app_of(tuple(request.headers.raw_items()))


def _framing(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Length", str(len(body))), ("Connection", "close")]
