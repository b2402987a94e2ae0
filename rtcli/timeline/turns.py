"""A turn of a session and what happened in it: plain values, times in seconds of the session's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from rtcli.dsp.envelope import STEP_MS, Envelope
from rtcli.protocol.playback import PartKey
from rtcli.protocol.usage import TokenUsage
from rtcli.timeline.voice import Wave, loud_steps

_HEARABLE = 46  # -50 dBFS: softer than this is the silence around speech
_MAX_LEAD = 0.08
_MAX_LAG = 0.3
"""A position may be told this much later than it was reached, or a block and its latency before it."""


class Moment(NamedTuple):
    """When something happened, and the number of the frame that tells it (0: another record does)."""

    at: float
    frame: int = 0


class TurnKind(StrEnum):
    """What a turn began with."""

    SPOKEN = "spoken"
    TYPED = "typed"
    ASKED = "asked"  # a response was requested, nothing was said
    UNASKED = "unasked"  # the server began of its own accord
    OUT_OF_BAND = "out of band"


@dataclass(slots=True)
class UserVoice:
    """What the user said. `stopped` is speech_stopped, or the commit of ours; `begun` and `end` are the voice's own.

    `waves` are the levels from a little before the voice to the end of the turn.
    """

    started: Moment | None = None
    stopped: Moment | None = None
    committed: Moment | None = None
    item_id: str = ""
    first_step: int = 0  # of what was sent, as SentAudio counts
    begun: float | None = None
    end: float | None = None
    waves: tuple[Wave, ...] = ()


@dataclass(slots=True)
class HeardRun:
    """Audio of a part that was played without a pause: from `start` on, the milliseconds `first_ms` to `last_ms`."""

    start: float
    first_ms: int
    last_ms: int

    @property
    def end(self) -> float:
        """When the last of it was heard."""
        return self.start + (self.last_ms - self.first_ms) / 1000


@dataclass(slots=True)
class SpokenPart:
    """The audio of one content part. `cut_ms` is where an interruption cut it."""

    key: PartKey
    envelope: Envelope = field(compare=False)  # measured when somebody looks
    first: Moment
    last_at: float
    received_bytes: int = 0
    heard: list[HeardRun] = field(default_factory=list)
    cut_ms: int | None = None

    @property
    def received_ms(self) -> int:
        """How much arrived."""
        return self.envelope.format.milliseconds(self.received_bytes)

    @property
    def heard_ms(self) -> int | None:
        """How much was heard; None: no player told."""
        return self.heard[-1].last_ms if self.heard else None

    @property
    def first_sample(self) -> float | None:
        """When the first sample left the device."""
        return self.heard[0].start if self.heard else None

    @property
    def first_audible(self) -> float | None:
        """When it was first heard, behind the silence that it begins with; None: nothing was."""
        found = loud_steps(self.envelope.settle(), _HEARABLE)
        # Synthesizers begin with a few tenths of a second of silence, which no user hears as an answer.
        milliseconds = found[0] * STEP_MS if found else 0
        for run in self.heard:
            if run.last_ms > milliseconds:
                return run.start + max(milliseconds - run.first_ms, 0) / 1000
        return None

    def hear(self, at: float, milliseconds: int) -> None:
        """A player told how far it is."""
        if not self.heard:
            if milliseconds > 0:
                # where time is made to pass faster, more was played than time went by: not before it was there
                self.heard.append(HeardRun(max(at - milliseconds / 1000, self.first.at), 0, milliseconds))
            return
        run = self.heard[-1]
        lag = at - run.start - (milliseconds - run.first_ms) / 1000
        # On time, or no progress: the same run goes on. Anything later is a pause, after which a new one begins.
        if -_MAX_LEAD < lag < _MAX_LAG or milliseconds <= run.last_ms:
            run.last_ms = max(run.last_ms, milliseconds)
        else:
            begun = at - (milliseconds - run.last_ms) / 1000
            self.heard.append(HeardRun(max(begun, run.end), run.last_ms, milliseconds))


@dataclass(slots=True)
class TurnResponse:
    """One response. `reason` says why it did not complete, as the server does."""

    id: str
    created: Moment
    asked: Moment | None = None
    first_delta: Moment | None = None
    parts: dict[PartKey, SpokenPart] = field(default_factory=dict)
    done: Moment | None = None
    status: str = "in_progress"
    reason: str = ""
    usage: TokenUsage = field(default_factory=TokenUsage)
    model: str = ""
    text: str = ""

    @property
    def failed(self) -> bool:
        """It ended without what it was asked for, or with its connection; one that was cancelled did not fail."""
        return self.status in ("failed", "incomplete", "lost")

    @property
    def first_audio(self) -> Moment | None:
        """When audio of it first arrived."""
        return min((part.first for part in self.parts.values()), default=None)


@dataclass(slots=True)
class TurnCall:
    """A call of a function or an MCP tool: from its arguments to its output. `problem` is why it failed."""

    id: str
    name: str
    begun: Moment
    arguments: str = ""
    answered: Moment | None = None
    output: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AnswerCut:
    """A part was cut at `audio_end_ms`, of what had been received of it by then."""

    moment: Moment
    key: PartKey
    received_ms: int
    audio_end_ms: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error event, or a connection that was lost."""

    moment: Moment
    what: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The server owed something and sent nothing."""

    start: float
    end: float


@dataclass(slots=True)
class Turn:
    """Something of the user's, and every response that it led to, those behind tool calls included.

    `begun` is the frame that it began with; `text` what the user typed, or said as it was transcribed.
    """

    number: int
    kind: TurnKind
    begun: Moment
    voice: UserVoice | None = None
    text: str = ""
    asked: Moment | None = None  # the request, or the end of speech that stands for it
    waits_since: float | None = None  # a response was requested and has not begun
    responses: list[TurnResponse] = field(default_factory=list)
    calls: list[TurnCall] = field(default_factory=list)
    interruptions: list[AnswerCut] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)

    @property
    def parts(self) -> Iterator[SpokenPart]:
        """The audio of all responses."""
        return (part for response in self.responses for part in response.parts.values())

    @property
    def is_empty(self) -> bool:
        """Nothing was asked in it yet, and nothing that was said is the server's."""
        committed = self.voice is not None and self.voice.committed is not None
        return self.asked is None and not self.responses and not committed

    @property
    def has_times(self) -> bool:
        """Its moments are known; those of plain events, which say no time, are all 0."""
        return self.begun.at > 0 or self.end > 0

    @property
    def start(self) -> float:
        """When it began, for the user."""
        begun = self.voice.begun if self.voice else None
        return self.begun.at if begun is None else min(begun, self.begun.at)

    @property
    def end(self) -> float:
        """The last moment that is known of it."""
        moments = [self.begun.at, self.asked.at if self.asked else 0.0]
        if self.voice:
            moments += [moment.at for moment in (self.voice.stopped, self.voice.committed) if moment]
        for response in self.responses:
            moments += [moment.at for moment in (response.created, response.first_delta, response.done) if moment]
        for part in self.parts:
            moments += [part.last_at, *(run.end for run in part.heard)]
        moments += [moment.at for call in self.calls for moment in (call.begun, call.answered) if moment]
        moments += [cut.moment.at for cut in self.interruptions]
        moments += [problem.moment.at for problem in self.problems]
        return max(moments)

    @property
    def running(self) -> bool:
        """Something of it is still to come, as far as is known."""
        if self.failed:
            return False
        if any(response.done is None for response in self.responses):
            return True
        if self.voice is not None and self.voice.stopped is None:
            return True
        return self.waits_since is not None or any(call.answered is None and not call.problem for call in self.calls)

    @property
    def failed(self) -> bool:
        """A response failed or is incomplete, or the request for one was refused."""
        # A problem alone is not a failure: the server may refuse a setting and still answer.
        refused = self.asked is not None and not self.responses and bool(self.problems)
        return refused or any(response.failed for response in self.responses)

    @property
    def why_failed(self) -> str:
        """The status and the reason, or the error."""
        for response in self.responses:
            if response.failed:
                return f"{response.status}: {response.reason}" if response.reason else response.status
        return self.problems[-1].what if self.failed else ""

    @property
    def cancelled(self) -> bool:
        """A response was cut short, by the user or for one."""
        return any(response.status == "cancelled" for response in self.responses)

    @property
    def usage(self) -> TokenUsage:
        """Tokens of its responses."""
        return sum((response.usage for response in self.responses), TokenUsage())
