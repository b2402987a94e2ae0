"""What a session hears: audio decoded, buffered, and cut into the user's turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rtcli.dsp.codec import Decoder
from rtcli.protocol.audio_formats import PCM16, parse_format
from rtcli.server.engines import DetectorFactory
from rtcli.server.ids import new_id
from rtcli.server.session.input_buffer import InputBuffer
from rtcli.server.session.state import EffectiveSession
from rtcli.server.session.transcription import STREAMING_MODEL, Partial
from rtcli.server.session.turn_detection import Speech, TurnDetection, TurnMark

_PIECE_MS = 500
_PARTIAL_SAMPLES = PCM16.rate // 2  # how often a turn is transcribed while it goes on
_KEPT_SAMPLES = 30 * PCM16.rate  # kept while nobody speaks: a commit by hand may still want it


class InputAudio:
    """Follows one session's input. Samples are of 24 kHz PCM16 and count from the first of the session.

    `detector` gives what makes a voice detector: it is called at the first audio, when the engines are loaded.
    """

    def __init__(self, session: EffectiveSession, detector: Callable[[], DetectorFactory]) -> None:
        self.buffer = InputBuffer()
        self.decoder = Decoder(parse_format(session.input["format"]))
        self.item_id: str | None = None  # the id that the item of the open turn will get; None: nobody speaks
        self.partial: Partial | None = None  # where a turn is transcribed while it goes on
        self.turns: TurnDetection | None = None  # made at the first audio after turn_detection was set
        self._session = session
        self._detector = detector
        self._start = 0  # where the open turn's audio starts, padding included
        self._next_partial = 0  # the sample at which the open turn is transcribed again

    def change_format(self) -> None:
        """The session has another input format: what waited in the old one is dropped."""
        self.decoder = Decoder(parse_format(self._session.input["format"]))

    def change_turn_detection(self) -> None:
        """The session has another turn detection: it starts in silence."""
        self.turns = None
        self.item_id = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        """24 kHz PCM16, half a second at a time and only when it is asked for: minutes in one event take a while."""
        size = self.decoder.format.byte_length(_PIECE_MS)
        return (self.decoder.decode(data[start : start + size]) for start in range(0, len(data), size))

    def append(self, pcm: bytes) -> list[TurnMark]:
        """Buffer whole samples. Returns where turns start, pause and end in them."""
        self.buffer.append(pcm)
        config = self._session.turn_detection
        if config is None:
            return []
        if self.turns is None:
            self.turns = TurnDetection(config, self._detector(), self.buffer.end - len(pcm) // 2)
        return self.turns.feed(pcm)

    def keep_recent(self) -> None:
        """Drop what is too old for any turn, while nobody speaks and voice detection says so."""
        if self.turns and self.turns.state is Speech.QUIET:
            self.buffer.keep(_KEPT_SAMPLES)

    def evaluate_pause(self, transcript: str) -> list[TurnMark]:
        """What was said before a pause: the turn ends where that is a whole sentence."""
        return self.turns.evaluate_pause(transcript) if self.turns else []

    def due_partial(self) -> tuple[str, bytes] | None:
        """(item_id, audio so far) of the open turn, each time that it is to be transcribed again."""
        if self.partial is None or self.item_id is None or self.buffer.end < self._next_partial:
            return None
        self._next_partial = self.buffer.end + _PARTIAL_SAMPLES
        return self.partial.item_id, self.turn_so_far()

    def start_turn(self, mark: TurnMark) -> tuple[str, int]:
        """Open a turn. Returns the id of the item to come, and where its audio starts in milliseconds."""
        assert self.turns is not None
        self.item_id = new_id("item")
        self._start = max(0, mark.sample - PCM16.samples(self.turns.padding_ms))
        settings = self._session.input["transcription"] or {}
        self.partial = Partial(self.item_id) if settings.get("model") == STREAMING_MODEL else None
        return self.item_id, PCM16.milliseconds(2 * self._start)

    def turn_so_far(self) -> bytes:
        """The audio of the open turn."""
        return self.buffer.peek(self._start)

    def end_turn(self, mark: TurnMark) -> tuple[str, bytes]:
        """Close the turn that detection ended. Returns the id for its item, and its audio."""
        item_id = self.item_id or new_id("item")
        self.item_id = None
        return item_id, self.buffer.take(self._start, mark.sample)

    def commit(self) -> tuple[str, bytes]:
        """The turn that the client ends: the open one, or all that is buffered. Raises ApiError below 100 ms."""
        self.buffer.append(self.decoder.flush())
        pcm = self.buffer.commit(self._start if self.item_id else 0)
        item_id = self.item_id or new_id("item")
        self._forget_turn()
        return item_id, pcm

    def clear(self) -> None:
        """The client drops all that is buffered."""
        self.decoder.flush()
        self.buffer.clear()
        self._forget_turn()

    def _forget_turn(self) -> None:
        """A commit or clear by hand ends what was open: speech_stopped is never sent for it."""
        self.item_id = None
        if self.turns:
            self.turns.reset()
