"""The server's side of one translation session, without a socket or a clock: client events in, effects out.

There is no translation model here, and nobody shall take what is said for one's work: the other language's words are
the words that were heard, behind the code of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rtcli.protocol.audio_formats import PCM16, encode_base64
from rtcli.protocol.events import WireObject
from rtcli.server.engines import DetectorFactory
from rtcli.server.session import items
from rtcli.server.session.effects import Close, FeedAudio, ServerEffect, SpeakTranslation, Transcribe
from rtcli.server.session.events import event
from rtcli.server.session.input_audio import InputAudio
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.state import EffectiveSession, transcription_session
from rtcli.server.session.turn_detection import TurnMark, TurnMarkKind
from rtcli.server.validation.api_errors import ApiError
from rtcli.server.validation.client_events import TRANSLATION_EVENTS, check_event


def translation_session(session_id: str, model: str) -> WireObject:
    """A translation session as `session.created` shows it."""
    return {
        "type": "translation",
        "id": session_id,
        "model": model,
        "expires_at": 0,
        "audio": {"input": {"transcription": None, "noise_reduction": None}, "output": {"language": "en"}},
    }


class TranslationCore:
    """One session. What was said is cut into sentences by its pauses; each is spoken when it is over.

    `detector` gives what makes a voice detector: it is called at the first audio, when the engines are loaded.
    """

    def __init__(self, session: WireObject, detector: Callable[[], DetectorFactory]) -> None:
        self.config = session
        # no client sees this: it is how pauses are found
        self._input = InputAudio(EffectiveSession(transcription_session("")), detector)
        self._under_way = 0  # sentences that are being transcribed or spoken
        self._closing = False
        self._heard_ms = self._spoken_ms = 0  # where the last sentence ended, and how much was said of them
        self._out: list[ServerEffect] = []

    def __repr__(self) -> str:
        return f"<TranslationCore {self.id}: {self._under_way} sentences under way>"

    @property
    def id(self) -> str:
        """`sess_...`"""
        return str(self.config["id"])

    # entry points: each returns the effects in order ------------------------------------------------------------------

    def opened(self) -> list[ServerEffect]:
        """The first frame of a session."""
        return [event("session.created", session=self.config)]

    def receive(self, sent: Mapping[str, Any]) -> list[ServerEffect]:
        """Carry out one client event; a refusal becomes an `error` that names it."""
        try:
            check_event(sent, TRANSLATION_EVENTS)
            _HANDLERS[sent["type"]](self, sent)
        except ApiError as problem:
            self._out.append(problem.event(sent))
        return self._effects()

    def audio_appended(self, pcm: bytes) -> list[ServerEffect]:
        """Audio has been appended: see whether a sentence starts or ends in it."""
        for mark in self._input.append(pcm):
            if mark.kind is TurnMarkKind.STARTED:
                self._input.start_turn(mark)
            elif mark.kind is TurnMarkKind.ENDED:
                self._sentence_ended(mark)
        self._input.keep_recent()
        return self._effects()

    def transcribed(self, item: ConversationItem, transcript: str | None) -> list[ServerEffect]:
        """A sentence has been transcribed; None: there is no recognizer."""
        heard_ms = PCM16.milliseconds(sum(map(len, item.audio.values())))
        self._heard_ms += heard_ms
        if transcript and self.config["audio"]["input"]["transcription"]:
            place = {"elapsed_ms": self._heard_ms}
            self._out += [event("session.input_transcript.delta", delta=word, **place) for word in _words(transcript)]
        said = transcript if transcript is not None else f"{heard_ms / 1000:.1f} s of speech."
        if said.strip():
            self._out.append(SpeakTranslation(f"[{self.config['audio']['output']['language']}] {said.strip()}"))
        else:
            self._sentence_over()
        return self._effects()

    def said(self, words: str, pcm: bytes) -> list[WireObject]:
        """The events for a piece of what is spoken: its words, then its audio."""
        place = {"elapsed_ms": self._spoken_ms}
        events = [event("session.output_transcript.delta", delta=word, **place) for word in _words(words)]
        if pcm:
            audio = {"delta": encode_base64(pcm), "sample_rate": PCM16.rate, "channels": 1, "format": "pcm16"}
            events.append(event("session.output_audio.delta", **audio, **place))
        self._spoken_ms += PCM16.milliseconds(len(pcm))
        return events

    def spoken(self) -> list[ServerEffect]:
        """A sentence has been spoken to its end."""
        self._sentence_over()
        return self._effects()

    # client events ----------------------------------------------------------------------------------------------------

    def _on_session_update(self, sent: Mapping[str, Any]) -> None:
        requested = sent["session"].get("audio", {})
        audio = {side: {**settings, **requested.get(side, {})} for side, settings in self.config["audio"].items()}
        self.config = {**self.config, "audio": audio}
        self._out.append(event("session.updated", session=self.config))

    def _on_append(self, sent: Mapping[str, Any]) -> None:
        data = items.decode_audio(sent["audio"], "audio", self._input.decoder.format)
        self._out.append(FeedAudio(self._input.decode(data)))

    def _on_session_close(self, sent: Mapping[str, Any]) -> None:
        """What was said before is still spoken."""
        self._closing = True
        if self._input.item_id is not None:
            self._transcribe(self._input.item_id, self._input.turn_so_far())
        self._close_if_over()

    # what several of them do ------------------------------------------------------------------------------------------

    def _sentence_ended(self, mark: TurnMark) -> None:
        self._transcribe(*self._input.end_turn(mark))

    def _transcribe(self, item_id: str, pcm: bytes) -> None:
        self._under_way += 1
        self._out.append(Transcribe(items.committed_audio(item_id, pcm)))

    def _sentence_over(self) -> None:
        self._under_way -= 1
        self._close_if_over()

    def _close_if_over(self) -> None:
        if self._closing and not self._under_way:
            self._out += [event("session.closed"), Close(1000, "")]

    def _effects(self) -> list[ServerEffect]:
        effects, self._out = self._out, []
        return effects


def _words(text: str) -> list[str]:
    """In pieces as a model makes them: a space stands before each word but the first of a piece of text."""
    return [f" {word}" for word in text.split()]


_HANDLERS: Mapping[str, Callable[[TranslationCore, Mapping[str, Any]], None]] = {
    "session.update": TranslationCore._on_session_update,
    "session.input_audio_buffer.append": TranslationCore._on_append,
    "session.close": TranslationCore._on_session_close,
}
