"""OpenAIRealtimeWebRTC: the transport over a call; events over its data channel, audio over its tracks."""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl as tls
import time
from collections.abc import Callable, Mapping
from typing import Any

from rtcli.errors import ConnectError, ConnectionLostError, UnsupportedError, message_of
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.client import REACTIONS, ClientCore
from rtcli.protocol.events import Event, encode_bytes
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.request_head import ApiKey
from rtcli.rtc.peer import OPEN_TIMEOUT, AudioSource, CreatePeer, Peer
from rtcli.transports import connection_errors
from rtcli.transports.call_audio import AudioSink, CallAudio
from rtcli.transports.caller import Caller
from rtcli.transports.calling import CALLS_URL, calls_url
from rtcli.transports.connected import ConnectedTransport
from rtcli.transports.connection import WebSocketConnection
from rtcli.transports.connector import Attempt, Connector
from rtcli.transports.layer import Status, StatusEvent

_SETTLE_SECONDS = 5.0  # that the first session.update may go without an answer; the reference's
# As the reference: the server itself stops and cuts what it plays, and no audio is among the events.
_NOT_IN_A_CALL = ("input_audio_buffer.speech_started", "response.output_audio.delta")
_REACTIONS = {kind: reaction for kind, reaction in REACTIONS.items() if kind not in _NOT_IN_A_CALL}

logger = logging.getLogger("rtcli.transports")


class OpenAIRealtimeWebRTC(ConnectedTransport):
    """Calls an endpoint by WebRTC; needs the extra rtcli[webrtc].

    `api_key`, `headers`, `clock`, `manual`, `auto_tracing`, `max_outbox_bytes` and `ssl` are those of the WebSocket
    transport, `api_key` may be an ephemeral one. The offer is posted to `base_url`. `audio_input` is asked for the next
    20 ms to send (960 bytes of PCM16 at 24 kHz, mono; None: silence); without it `audio.write()` says what is sent.
    `audio_output(pcm, start)` gets what is heard: PCM16 at 24 kHz and the number of its first sample, counted from the
    first one; a jump of it is audio that was lost. `change_peer_connection(peer)` may give another peer, before
    anything is offered. `create_peer` makes the peer instead of the library. A host that is this machine is called over
    loopback alone; `proxy` is for the offer, which is posted. Here is no browser: keys that are not ephemeral are fine,
    and `use_insecure_api_key` changes nothing.

    The audio of the answers is played by the server, as it were: `interrupt()` has the server clear what it has not
    played, and cut the item there. Audio is not among the events, so that nothing is emitted as `audio`.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        api_key: ApiKey | None = None,
        base_url: str = CALLS_URL,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        audio_input: AudioSource | None = None,
        audio_output: AudioSink | None = None,
        use_insecure_api_key: bool = True,  # the reference's, for browsers
        change_peer_connection: Callable[[Peer], Any] | None = None,
        create_peer: CreatePeer | None = None,
        manual: bool = False,
        read_only: bool = False,
        auto_tracing: bool = True,
        open_timeout: float = OPEN_TIMEOUT,
        max_outbox_bytes: int = 32 * 2**20,
        ssl: tls.SSLContext | None = None,
        proxy: str | bool | None = True,
    ) -> None:
        quiet = manual or read_only
        core = ClientCore(
            DEFAULT_MODEL if model is None else model,
            reactions={} if quiet else _REACTIONS,
            sequenced=not quiet,
            auto_tracing=auto_tracing,
            plays_remotely=True,
        )
        self.audio = CallAudio(audio_input, audio_output, self._on_error)
        self._caller = Caller(
            self.audio,
            create_peer=create_peer,
            change_peer=change_peer_connection,
            open_timeout=open_timeout,
            ssl=ssl,
            proxy=proxy,
        )
        super().__init__(
            core,
            Connector(self._caller.call, api_key=api_key, url=base_url, headers=headers),
            functools.partial(WebSocketConnection, max_outbox_bytes=max_outbox_bytes),
            clock=clock,
            manual=manual,
            read_only=read_only,
        )
        self.call_id: str | None = None  # the API's name for the last call; None where the server gave none
        self._muted: bool = False
        self._outcome: asyncio.Future[None] | None = None  # of a connect() under way, for those that come meanwhile
        self._settled: asyncio.Future[None] | None = None  # the first session.update was answered
        self._settle: Callable[[], None] = lambda: None  # from now on we are connected

    # -- properties ------------------------------------------------------------------------------

    @property
    def connection_state(self) -> dict[str, Any]:
        """`status`, `peer` and `call_id`, as the reference's."""
        return {"status": self.status, "peer": self._caller.peer, "call_id": self.call_id}

    @property
    def dropped_audio_ms(self) -> int:
        """Milliseconds of live audio that were too old to be sent.

        A track takes PCM16 at 24 kHz, whatever the session's format is.
        """
        return PCM16.milliseconds(self.audio.dropped_bytes)

    # -- connecting ------------------------------------------------------------------------------

    async def connect(
        self,
        *,
        api_key: ApiKey | None = None,
        model: str | None = None,
        url: str | None = None,
        call_id: str | None = None,
        initial_session_config: Mapping[str, Any] | None = None,
        send_session: bool = True,
    ) -> None:
        """Call, send the first session.update over the data channel, and wait for its session.updated.

        Without an answer within 5 s, or with an `error`, it counts as connected too, as in the reference; what
        `wait_ready()` says is true. Where it is connected nothing happens; while it connects, this waits for that.
        `url` may be the address for WebSockets; `call_id` is not looked at. Raises UsageError without a key or the
        extra, ConnectError when no connection comes about: the model is then what it was before.
        """
        if self._status is Status.CONNECTED:
            return
        if self._outcome is not None:
            await asyncio.shield(self._outcome)
            return
        outcome = self._outcome = asyncio.get_running_loop().create_future()
        try:
            await self._caller.load()
            self.audio.mute(self._muted)  # what was written before is not part of this call
            await super().connect(
                api_key=api_key,
                model=model,
                url=url and calls_url(url),
                initial_session_config=initial_session_config,
                send_session=send_session,
            )
        except BaseException as error:
            ours = error if isinstance(error, Exception) else connection_errors.closed_early()
            outcome.set_exception(ours)
            outcome.exception()  # nobody need be waiting
            raise
        else:
            outcome.set_result(None)
        finally:
            self._outcome = None

    async def _opened(self, attempt: Attempt, connection: WebSocketConnection) -> None:
        """The data channel takes messages; we are connected when the server has answered the first update."""
        settled = asyncio.get_running_loop().create_future()
        ready = self._ready

        def settle() -> None:
            """Before anybody hears of the answer."""
            if not settled.done() and self._connection is connection:
                self._attempt = None
                self._move(StatusEvent.OPENED)
                if self._connection is connection:  # a listener may have closed it
                    self._on_open()
                if not settled.done():
                    settled.set_result(None)

        def on_ready(updated: bool) -> None:
            ready.set()
            if updated:
                settle()

        self._connection, self.call_id = connection, self._caller.call_id
        self._settled, self._settle = settled, settle
        self._on_ready = on_ready
        try:
            asks = self._core.sends_session
            self._perform(self._core.opened())
            connection.start()
            if asks:
                async with asyncio.timeout(_SETTLE_SECONDS):
                    await asyncio.shield(settled)  # it may still be settled after the time
        except TimeoutError:
            logger.warning("no answer to the first session.update: connected all the same")
        except BaseException as error:
            self._failed(attempt, error)
            raise
        settle()
        if self._connection is not connection:  # a listener closed it
            raise connection_errors.closed_early()

    def _on_message(self, frame: str | bytes, binary: bool | None = None) -> None:
        super()._on_message(frame, binary)
        if self._settled is not None and not self._settled.done() and self._core.last_error is not None:
            self._settle()  # the update was refused: nothing else will come

    # -- disconnecting ---------------------------------------------------------------------------

    def _failed(self, attempt: Attempt, error: BaseException) -> None:
        if self._attempt is not attempt:
            return  # close() has abandoned it, and told; or a listener closed, or raised
        self._attempt = None
        self._core.model = attempt.previous_model
        if self._connection is not None:
            self._ending, self._connection = self._connection, None
            self._ending.close()
        begun = self._status is Status.CONNECTING
        self._disconnected()
        if begun and isinstance(error, ConnectError) and self.has_listener("error"):
            self._on_error(error)

    def _lost(self, error: BaseException | None) -> None:
        """The data channel, or the peer, has ended by itself: as the reference, the end is told before the error."""
        connection, socket = self._connection, self._caller.socket
        if connection is None:
            return
        why = (socket and socket.close_reason) or "the data channel failed"
        if self._settled is not None and not self._settled.done():
            what = "Connection closed before session config was acknowledged"
            self._settled.set_exception(ConnectError(what, why=message_of(self._core.last_error) or why))
            return  # connect() raises it, and tells
        self._connection, self._ending = None, connection
        self.close_code, self.close_reason = None, why
        said = message_of(self._core.last_error)
        what = f"{said} ({why})" if said else why
        lost = ConnectionLostError("the call ended", why=what, reason=why, server_error=self._core.last_error)
        self._lost_error, lost.__cause__ = lost, error
        self._disconnected()
        if self.has_listener("error"):
            self._on_error(lost)

    def _disconnected(self) -> None:
        if self._settled is not None and not self._settled.done():
            self._settled.set_exception(connection_errors.closed_early())
            self._settled.exception()  # connect() need not be waiting any more
        self._caller.let_go()
        super()._disconnected()

    async def wait_closed(self) -> None:
        """Wait until the last call is over and nothing of it is left."""
        await super().wait_closed()
        await self._caller.wait_closed()

    # -- audio -----------------------------------------------------------------------------------

    def mute(self, muted: bool) -> None:
        """Send silence over the track, or not. It counts for the calls that follow too."""
        if self._set_muted is not None:
            self._set_muted(muted)
        self._muted = muted
        self.audio.mute(muted)

    def attach_input(self, set_muted: Callable[[bool], object], *, muted: bool = False) -> None:
        """From now on mute() calls `set_muted` too."""
        super().attach_input(set_muted, muted=muted)
        self.audio.mute(muted)

    # -- sending ---------------------------------------------------------------------------------

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Append audio over the data channel, beside the track. Raises NotConnectedError where it is not open."""
        if self._connection is None:
            raise connection_errors.not_connected(self._status)
        super().send_audio(audio, commit=commit)

    def interrupt(self, cancel_ongoing_response: bool = True) -> None:
        """Have the server cancel the response, if one runs, and clear what it has not played.

        Where it was cut the server says in conversation.item.truncated. Raises NotConnectedError without a call.
        """
        self._run(self._perform, self._core.interrupt(self._clock(), cancel=cancel_ongoing_response))

    async def ping(self) -> float:
        """Raises UnsupportedError."""
        raise UnsupportedError("a call has no ping")

    def _put(self, event: Event | None, frame: bytes = b"", *, audio_bytes: int = 0, problem: str = "") -> None:
        if event is not None and not frame:
            frame = encode_bytes(event)
        peer = self._caller.peer
        limit = peer.max_message_bytes if peer is not None else None
        if limit is not None and len(frame) > limit:
            raise UnsupportedError(
                f"an event of {len(frame):,} bytes does not fit into the data channel",
                why=f"the server takes up to {limit:,}",
                hint="send less at once, or a smaller image; a WebSocket takes it",
            )
        super()._put(event, frame, audio_bytes=audio_bytes, problem=problem)
