"""HTTP requests beside the sessions: they go to the endpoint as they are, and its answers come back as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rtcli.errors import ConnectError
from rtcli.http.cross_origin import allows, preflight, readable_by
from rtcli.http.forward import Forwarded, Forwarder
from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.masking import masked
from rtcli.proxy.app_side import AppSide
from rtcli.proxy.target import Target, app_of, note_secrets, passed

_METHODS = "GET, POST, PUT, PATCH, DELETE"


class HttpRelay:
    """Answers the requests of apps. `told` gets method, path, status (None: no answer), problem and app of each."""

    def __init__(
        self, target: Target, origins: Sequence[str], told: Callable[[str, str, int | None, str, str], None]
    ) -> None:
        self._target = target
        self._origins = origins
        self._told = told
        self._forwarder = Forwarder()

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self._forwarder.close()

    async def answer(self, request: HttpRequest, app: AppSide) -> None:
        """Answer one request."""
        note_secrets(request.target, request.pairs)
        origin = request.headers.get("origin")
        if origin is not None and not allows(self._origins, origin):
            self._refuse(request, app, 403, f"Origin {origin} is not allowed: start rtcli proxy with --allow-origin.")
            return
        page = {} if origin is None else readable_by(origin)
        if origin is not None and request.method == "OPTIONS":
            app.respond_whole(HttpResponse(204, {**page, **preflight(request.headers, _METHODS)}))
            return
        url = self._target.url(request.target, http=True)
        try:
            async with self._forwarder.send(request.method, url, passed(request.pairs), request.body) as answer:
                self._tell(request, answer.status)
                await _stream(answer, app, page)
        except ConnectError as error:
            if app.exchange is not None and app.exchange.begun:
                self._tell(request, None, str(error))
                app.transport.abort()  # the answer ends in the middle
            else:
                self._refuse(request, app, 502, f"rtcli proxy: {error}")

    def _tell(self, request: HttpRequest, status: int | None, problem: str = "") -> None:
        path = request.target.partition("?")[0]
        self._told(request.method, path, status, problem, app_of(request.pairs))

    def _refuse(self, request: HttpRequest, app: AppSide, status: int, message: str) -> None:
        self._tell(request, status, message)
        app.respond_whole(HttpResponse.error(status, masked(message)))


async def _stream(answer: Forwarded, app: AppSide, page: dict[str, str]) -> None:
    """The answer, piece by piece. A page reads it also where the endpoint has not thought of pages."""
    exchange = app.exchange
    assert exchange is not None
    headers = list(passed(answer.headers))
    length = next((value for name, value in answer.headers if name.lower() == "content-length"), None)
    if length is not None:
        headers.append(("Content-Length", length))
    known = {name.lower() for name, _ in headers}
    headers += [(name, value) for name, value in page.items() if name.lower() not in known]
    try:
        await app.write_http(exchange.response_head(answer.status, headers))
        async for piece in answer.body:
            await app.write_http(exchange.response_piece(piece))
        await app.write_http(exchange.response_end())
    except ValueError as error:
        raise ConnectError("the endpoint's answer is not HTTP", why=str(error)) from error
    app.transport.close()
