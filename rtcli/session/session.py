"""RealtimeSession: what a person can do with a session, one method for each thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rtcli.config.endpoints import Endpoint
from rtcli.dsp.wav import read_speech, write_wav
from rtcli.errors import ServerError, UsageError
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.items import Item, MessageItem
from rtcli.protocol.record import Direction, Frame
from rtcli.session import settings
from rtcli.session.images import PreparedImage
from rtcli.session.lifecycle import ConnectingSession
from rtcli.session.settings import Difference
from rtcli.session.transfer import TransferResult, portable_items

ANSWER_SECONDS = 10.0
"""How long the server may take to confirm something."""

SHORTEST_TURN_MS = 100
"""The API refuses to commit less sound than this."""

_PLAY_STEP = PCM16.byte_length(100)
_PAUSE = PCM16.byte_length(300)  # between the turns of an exported conversation
_TRAILING_SILENCE = PCM16.byte_length(1000)  # so that voice detection hears the end of a file that is not committed


class RealtimeSession(ConnectingSession):
    """A session and its actions. Everything that sends raises NotConnectedError or UsageError without a connection."""

    _numbers = count(1)
    _detection: Any = settings.MISSING  # what push to talk has to bring back

    def _event_id(self, what: str) -> str:
        return f"rtcli_{what}_{next(self._numbers)}"

    def _send(self, event_type: str, **fields: Any) -> None:
        """Send an event of ours, with an id by which an error can name it."""
        event_id = self._event_id(event_type.rpartition(".")[2])
        self.transport.send_event({"type": event_type, "event_id": event_id, **fields})

    # -- talk ------------------------------------------------------------------------------------

    def say(self, text: str, images: Sequence[PreparedImage] = (), *, respond: bool = True) -> None:
        """Send a message of the user, which cuts the assistant short if it speaks (see `barge_in`)."""
        self.require_connection()
        content = [{"type": "input_text", "text": text}] if text else []
        content += [{"type": "input_image", "image": image.data_uri} for image in images]
        if respond and self.barge_in and self.speaking:
            self.interrupt()
        message = {"type": "message", "role": "user", "content": content}
        self.transport.send_message(message, {"event_id": self._event_id("say")}, trigger_response=False)
        if respond:
            self.respond()

    def instruct(self, text: str) -> None:
        """Put a message of the system into the conversation; it asks for no answer."""
        self.require_connection()
        item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}
        self._send("conversation.item.create", item=item)

    @property
    def speaking(self) -> bool:
        """The assistant is heard, or makes an answer that will be."""
        modalities = (self.transport.session or {}).get("output_modalities")
        return self.sound.audible or (self.transport.responding and modalities != ["text"])

    def interrupt(self) -> bool:
        """Stop the answer where it was heard. False: there was nothing to stop."""
        self.require_connection()
        before = len(self.log)
        responding, audible = self.transport.responding, self.sound.audible
        self.transport.interrupt()
        if self.sound.speaker is not None and audible:
            self.sound.speaker.stop()
        sent = [record.event["type"] for record in self.log.records[before:] if record.event]
        if responding and "response.cancel" not in sent:  # the reference leaves answers without sound alone
            self._send("response.cancel")
        return bool(sent) or responding or audible

    def send(self, event: dict[str, Any], *, raw: bool = False) -> tuple[Frame, ...]:
        """Send an event by hand; the records that it put on the wire at once.

        `raw` passes by the sequencer, so that a response.create goes out even while a response runs.
        """
        self.require_connection()
        before = len(self.log)
        self.transport.send_event(event, sequenced=not raw)
        return tuple(r for r in self.log.records[before:] if r.direction is Direction.SENT)

    # -- sound -----------------------------------------------------------------------------------

    def mute(self) -> None:
        """Send nothing of the microphone."""
        self.transport.mute(True)

    def unmute(self) -> None:
        """Send the microphone, which opens now if it is not open. Raises AudioUnavailableError."""
        self.transport.mute(False)

    def commit(self, *, respond: bool = False) -> None:
        """End the turn that was spoken. Raises UsageError for less sound than the API takes."""
        self.require_connection()
        if self.sound.unsent_turn_ms < SHORTEST_TURN_MS:
            raise UsageError(
                f"only {self.sound.unsent_turn_ms} ms of sound were sent since the last turn",
                why=f"the API takes no turn under {SHORTEST_TURN_MS} ms",
                hint="/unmute or F4 and speak, or /play a file",
            )
        self._send("input_audio_buffer.commit")
        if respond:
            self.respond()

    def discard(self) -> None:
        """Throw away the sound that was sent since the last turn."""
        self.require_connection()
        self._send("input_audio_buffer.clear")

    async def play(self, path: Path, *, commit: bool = False) -> int:
        """Send a WAV file as if it were spoken; its length in milliseconds. Raises InputError.

        With `commit` it is a turn of its own, and answered; else a second of silence ends it for voice detection.
        """
        self.require_connection()
        pcm = read_speech(path)
        length = PCM16.milliseconds(len(pcm))
        pcm += b"" if commit else bytes(_TRAILING_SILENCE)
        for start in range(0, len(pcm), _PLAY_STEP):
            self.sound.send(pcm[start : start + _PLAY_STEP])
            await self.transport.flush()  # a file is not live sound: it waits rather than be dropped
        if commit:
            self.commit(respond=True)
        return length

    async def set_push_to_talk(self, on: bool) -> None:
        """In this mode turns begin and end by hand: voice detection is off, and comes back with the mode's end."""
        if on == self.push_to_talk:
            return
        self.require_connection()
        if on:
            self._detection = settings.get(self.transport.session or {}, "audio.input.turn_detection")
            await self.update({"audio": {"input": {"turn_detection": None}}})
            self.transport.mute(True)
        elif self._detection is not settings.MISSING:
            await self.update({"audio": {"input": {"turn_detection": self._detection}}})
        self.push_to_talk = on

    async def toggle_talk(self) -> bool:
        """Begin to talk, or end the turn and ask for its answer. True: it is recording now."""
        self.require_connection()
        self.sound.open_microphone()  # without one the mode would only make the session deaf
        await self.set_push_to_talk(True)
        if self.sound.muted:
            if self.speaking:
                self.interrupt()
            self.discard()
            self.unmute()
            return True
        self.mute()
        if self.sound.unsent_turn_ms < SHORTEST_TURN_MS:
            self.discard()
            raise UsageError("too short to be a turn", why=f"{SHORTEST_TURN_MS} ms are needed", hint="F4 again to talk")
        self.commit(respond=True)
        return False

    # -- settings --------------------------------------------------------------------------------

    async def set(self, path: str, value: Any) -> list[Difference]:
        """Set one path of the session; what the server made of it differently. Raises UsageError or ServerError."""
        return await self.update(settings.update_for(path, value, session=self.transport.session or {}))

    async def update(self, changes: Mapping[str, Any]) -> list[Difference]:
        """Send changes, and nothing else, and wait for the server's word; returns like `set`."""
        self.require_connection()
        kind = (self.transport.session or {}).get("type", "realtime")
        event = {
            "type": "session.update",
            "event_id": self._event_id("set"),
            "session": {"type": kind, **changes},
        }
        try:
            await self.requests.ask(self.transport.send_event, event, seconds=ANSWER_SECONDS)
        except ServerError:
            refused = settings.diff(changes, self.transport.session or {})
            self._refused.update((difference.path, difference) for difference in refused)
            raise
        for path, _ in settings.flatten(changes):
            self._refused.pop(path, None)
        return settings.diff(changes, self.transport.session or {})

    # -- the conversation ------------------------------------------------------------------------

    async def retrieve(self, item_id: str) -> Mapping[str, Any]:
        """The server's copy of an item, sound included. Raises ServerError for one that it does not have."""
        record = await self._ask({"type": "conversation.item.retrieve", "item_id": item_id})
        item = record.event.get("item") if record.event else None
        return item if isinstance(item, Mapping) else {}

    async def delete(self, item_id: str) -> None:
        """Take an item out of the conversation."""
        await self._ask({"type": "conversation.item.delete", "item_id": item_id})

    async def truncate(self, item_id: str, audio_end_ms: int, content_index: int = 0) -> None:
        """Cut a spoken answer: what is said after `audio_end_ms` is forgotten."""
        event = {"item_id": item_id, "content_index": content_index, "audio_end_ms": audio_end_ms}
        await self._ask({"type": "conversation.item.truncate", **event})

    async def _ask(self, event: dict[str, Any]) -> Frame:
        self.require_connection()
        event["event_id"] = self._event_id("ask")
        return await self.requests.ask(self.transport.send_event, event, seconds=ANSWER_SECONDS)

    def reset_history(self, new: Iterable[Item | Mapping[str, Any]]) -> None:
        """Make the conversation into these items. Raises UsageError for items that the API does not take."""
        self.require_connection()
        self.transport.reset_history(list(self.history), list(new))

    def save_audio(self, item: Mapping[str, Any], path: Path) -> int:
        """Write the sound of a retrieved item as WAV; its milliseconds. Raises UsageError where there is none."""
        pcm = self.sound.of_item(item)
        if not pcm:
            raise UsageError(f"{item.get('id')} holds no sound")
        write_wav(path, pcm)
        return PCM16.milliseconds(len(pcm))

    async def export_wav(self, path: Path) -> int:
        """Write the sound of the whole conversation as WAV, in its order; its milliseconds."""
        spoken = [
            item.item_id
            for item in self.history
            if isinstance(item, MessageItem) and any("audio" in str(part.get("type")) for part in item.content)
        ]
        pieces = [self.sound.of_item(await self.retrieve(item_id)) for item_id in spoken]
        pcm = bytes(_PAUSE).join(piece for piece in pieces if piece)
        if not pcm:
            raise UsageError("nothing was said in this conversation")
        write_wav(path, pcm)
        return PCM16.milliseconds(len(pcm))

    def approve(self, request_id: str, approved: bool, reason: str | None = None) -> None:
        """Answer a request for an MCP call. Raises UsageError for one that does not wait."""
        self.require_connection()
        request = self.approvals.pop(request_id, None)
        if request is None:
            names = ", ".join(self.approvals) or "none waits"
            raise UsageError(f"{request_id!r} does not wait for approval", why=f"waiting: {names}")
        self.transport.send_mcp_response(request, approved, reason)
        if not approved:  # an approved call is followed by its result, and that by the answer
            self.respond()

    # -- connections -----------------------------------------------------------------------------

    async def reconnect(self, *, model: str | None = None, keep: bool = True) -> TransferResult:
        """Another connection with the same settings, and (with `keep`) the conversation as text and images.

        Of an answer that was interrupted the words go along that were heard.
        Returns what was carried, and what cannot be.
        """
        said = (self.speech.as_heard(item) if isinstance(item, MessageItem) else item for item in self.history)
        carried = portable_items(said) if keep else TransferResult([], ())
        await self.connect_again(with_model(self.endpoint, model) if model else self.endpoint, seconds=ANSWER_SECONDS)
        if carried.items:
            self.transport.reset_history([], carried.items)
        return carried


def with_model(endpoint: Endpoint, model: str) -> Endpoint:
    """The same endpoint for another model, also where the URL names it."""
    parts = urlsplit(endpoint.url)
    query = [(key, model if key in ("model", "deployment") else value) for key, value in parse_qsl(parts.query)]
    label = endpoint.label.replace(endpoint.model, model) if endpoint.model else endpoint.label
    return replace(endpoint, model=model, url=urlunsplit(parts._replace(query=urlencode(query))), label=label)
