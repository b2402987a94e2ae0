"""Talk: what the user says and asks for, typed or spoken, and what stops the assistant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rtcli.dsp.wav import WavAudio, load_speech
from rtcli.errors import UsageError
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.record import GIVE_UP, Did, Frame
from rtcli.protocol.session_kind import SessionKind
from rtcli.session.audio import SessionAudio
from rtcli.session.images import PreparedImage
from rtcli.session.link import Link
from rtcli.session.neighbors import require_conversation
from rtcli.views import Notice

MIN_TURN_MS = 100
"""The API refuses to commit less audio than this."""

_CANCEL_SECONDS = 1.0
"""A second interruption after so long gives up a response that goes on in spite of the first."""

_CHUNK_MS = 100
_CHUNK_BYTES = PCM16.byte_length(_CHUNK_MS)
_TRAILING_SILENCE_MS = 1000  # so that voice detection hears the end of a file that is not committed


class Talk:
    """Sends turns. `barge_in`: a typed message cuts the assistant short while it speaks.

    Everything that sends raises NotConnectedError or UsageError without a connection.
    """

    def __init__(self, link: Link, audio: SessionAudio) -> None:
        self._link = link
        self._audio = audio
        self.barge_in = True

    def say(self, text: str, images: Sequence[PreparedImage] = (), *, respond: bool = True) -> None:
        """Send a message of the user, which cuts the assistant short if it speaks (see `barge_in`)."""
        self._link.require_conversation()
        content = [{"type": "input_text", "text": text}] if text else []
        content += [{"type": "input_image", "image": image.data_uri} for image in images]
        if respond and self.barge_in and self.speaking:
            self.interrupt()  # before the message, so that the server has what was heard when it answers
        message = {"type": "message", "role": "user", "content": content}
        event_id = {"event_id": self._link.event_id("say")}
        self._link.transport.send_message(message, event_id, trigger_response=False)
        if respond:
            self._link.transport.request_response()

    def instruct(self, text: str) -> None:
        """Put a message of the system into the conversation; it asks for no answer."""
        self._link.require_conversation()
        item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}
        self._link.send("conversation.item.create", item=item)

    def respond(self, response: Mapping[str, Any] | None = None) -> bool:
        """Ask for a response; `response` holds the wire's parameters. True: it waits until the present one is done."""
        require_conversation(self._link.kind)
        queued = self._link.transport.responding
        self._link.transport.request_response(response)
        return queued

    @property
    def speaking(self) -> bool:
        """The assistant is heard, or makes an answer that will be."""
        modalities = (self._link.transport.session or {}).get("output_modalities")
        return self._audio.audible or (self._link.transport.responding and modalities != ["text"])

    def interrupt(self) -> bool:
        """Stop the answer where it was heard. False: there was nothing to stop."""
        self._link.require_conversation()
        if self._cancel_unanswered:
            self._link.show(Notice("the response is abandoned", "the server has not answered response.cancel"))
            self.give_up()
            return True
        before = self._link.state.log.last_number
        responding, audible = self._link.transport.responding, self._audio.audible
        if self._audio.in_call and not (responding or audible):
            return False  # the transport would have the server clear its audio in any case
        if self._link.state.activity.cancelled_at is not None and responding and not audible:
            return True  # a second cancel would meet no response: the server answers that with an error
        self._link.transport.interrupt()
        if audible:
            self._audio.stop()  # the transport may have nothing to cut, and the speaker still play what it has
        sent = [frame.event["type"] for frame in self._link.state.log.sent_since(before) if frame.event]
        if responding and "response.cancel" not in sent:  # the reference leaves answers without audio alone
            self._link.send("response.cancel")
        return bool(sent) or responding or audible

    @property
    def _cancel_unanswered(self) -> bool:
        """A cancel has gone out, and the server has had the time to answer it."""
        since = self._link.state.activity.cancelled_at
        return since is not None and self._link.transport.responding and self._link.now - since >= _CANCEL_SECONDS

    def give_up(self) -> None:
        """Wait no longer for what was asked for: the server says nothing to it. What was asked for later goes out."""
        if self._link.connected:
            self._link.observe(Did(self._link.now, GIVE_UP))
            self._link.transport.give_up_response()
            self._link.changed.set()

    def send(self, text: str, *, raw: bool = False) -> Sequence[Frame]:
        """Send the text of an event as it stands; the frames that it put on the wire at once.

        `raw` passes by the sequencer, so that a response.create goes out even while a response runs.
        """
        self._link.require_connection()
        before = self._link.state.log.last_number
        self._link.transport.send_frame(text, sequenced=not raw)
        return self._link.state.log.sent_since(before)

    # -- spoken turns ------------------------------------------------------------------------------

    def commit(self, *, respond: bool = False) -> None:
        """End the turn that was spoken. Raises UsageError for less audio than the API takes."""
        self._link.require_turns()
        self._audio.finish_turn()
        if self._audio.unsent_turn_ms < MIN_TURN_MS:
            raise UsageError(
                f"only {self._audio.unsent_turn_ms} ms of audio were sent since the last turn",
                why=f"the API does not accept a turn under {MIN_TURN_MS} ms",
                hint="/unmute or F4 and speak, or /play a file",
            )
        self._link.send("input_audio_buffer.commit")
        if respond and self._link.kind is SessionKind.REALTIME:  # a dictation writes it down, and that is all
            self.respond()

    def discard(self) -> None:
        """Throw away the audio that was sent since the last turn."""
        self._link.require_turns()
        self._audio.finish_turn(discard=True)
        self._link.send("input_audio_buffer.clear")

    async def play(
        self,
        path: Path,
        *,
        commit: bool = False,
        pause: Callable[[float], Awaitable[object]] | None = None,
        silence_ms: int = _TRAILING_SILENCE_MS,
    ) -> WavAudio:
        """Send a WAV file as if it were spoken; gives what was sent of it. Raises InputError.

        With `commit` it is a turn of its own, and answered; else silence behind it ends it for voice detection.
        It is sent at once, unless `pause` is awaited for the seconds that each piece of it takes to speak.
        """
        if commit:
            self._link.require_turns()
        self._link.require_connection()
        audio = load_speech(path)
        pcm = audio.pcm + (b"" if commit else bytes(PCM16.byte_length(silence_ms)))
        if pause is None and self._link.kind in (SessionKind.TRANSLATION, SessionKind.LIVE):
            pause = asyncio.sleep  # their clock is the audio
        if pause is None and self._audio.in_call:
            pause = _on_time()
        for start in range(0, len(pcm), _CHUNK_BYTES):
            self._audio.send(pcm[start : start + _CHUNK_BYTES])
            await self._link.transport.flush()  # a file is not live audio: it waits rather than be dropped
            if pause is not None:
                await pause(_CHUNK_MS / 1000)
        if commit:
            self.commit(respond=True)
        return audio


def _on_time() -> Callable[[float], Awaitable[None]]:
    """Pauses that add up to the time asked for: a track that runs dry sends a gap."""
    due = asyncio.get_running_loop().time()

    async def pause(seconds: float) -> None:
        nonlocal due
        due += seconds
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    return pause
