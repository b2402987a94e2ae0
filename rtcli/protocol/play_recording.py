"""A recording as a play: what the client sent is expected, what it received is emitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rtcli.protocol.client import RETRIEVE_ONLY
from rtcli.protocol.differences import NOTHING, Discrepancy, Mismatch, differences
from rtcli.protocol.events import Event, Malformed, decode
from rtcli.protocol.play import Emit, EndConnection, Expect, Expected, Outgoing, Player, PlayStep
from rtcli.protocol.play_ids import Ids, ids_in, is_id
from rtcli.protocol.play_input import InputMeter
from rtcli.protocol.record import Audio, Connected, Connection, Direction, Frame, Record

RETRIEVE = "conversation.item.retrieve"

_NOT_COMPARED = frozenset({"event_id", "audio_end_ms", "created_at", "expires_at"})
_SLACK_MS = 20
"""Audio before a commit may be longer or shorter by so much: resamplers keep a little back."""

AUDIO_BEFORE = "audio before it"
"""Where a difference in how much audio was sent before a commit is told."""

_MASKED = ("[masked]", "sk-…", "ek-…", "ek_…", "sess-…")


@dataclass(slots=True)
class Scene:
    """What is known of one client while a recording is played for it."""

    ids: Ids
    audio: InputMeter = field(default_factory=InputMeter)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """What the client sent; `buffered_ms` is the audio that it had appended since the last commit, where it commits."""

    event: Event
    number: int
    scene: Scene
    buffered_ms: float | None = None

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def text(self) -> str:
        return f"#{self.number} {self.type or 'a frame that is not an event'}"

    def differences(self, event: Event) -> Sequence[Discrepancy]:
        """What is other than in the recording, but for times and the client's own ids."""
        if self.type != event["type"]:
            return (Discrepancy("", self.event, event),)
        found = list(differences(self.event, event, self._same))
        buffered = self.scene.audio.buffered_ms
        if self.buffered_ms is not None and abs(buffered - self.buffered_ms) > _SLACK_MS:
            found.append(Discrepancy(AUDIO_BEFORE, f"{self.buffered_ms:,.0f} ms", f"{buffered:,.0f} ms"))
        return found

    def met(self, event: Event) -> None:
        self.scene.ids.bind(self.event, event)

    def may_follow(self, later: Expected) -> bool:
        """Two updates of other settings, and one of tracing alone: the official client sends it at some time."""
        if not isinstance(later, RecordedEvent):
            return False
        ours, theirs = _settings(self.event), _settings(later.event)
        return {"tracing"} in (ours, theirs) or bool(ours and theirs and ours.isdisjoint(theirs))

    def _same(self, key: str, owner: str, expected: Any, got: Any) -> bool | None:
        if key in _NOT_COMPARED:
            return True
        if key == "id" and is_id(key, owner) and got is NOTHING:
            return True  # the client leaves it to the server, which has the recorded one
        if not isinstance(expected, str) or not isinstance(got, str):
            return None
        if is_id(key, owner):
            return self.scene.ids.same(expected, got)
        if key == "audio":
            return abs(len(expected) - len(got)) < 64  # a millisecond of 24 kHz PCM16, in base64
        return True if any(mask in expected for mask in _MASKED) else None


def _settings(event: Event) -> set[str]:
    """What a session.update sets."""
    session = event.get("session") if event["type"] == "session.update" else None
    return set(session) - {"type"} if isinstance(session, Mapping) else set()


@dataclass(slots=True)
class Recorded:
    """One connection of a recording: its steps, the ids that its server made, and when it began."""

    records: list[Record] = field(default_factory=list)
    servers: set[str] = field(default_factory=set)
    ends: EndConnection | None = None

    def player(self, *, now: float, pace: float, shift: int = 0) -> RecordedPlayer:
        """Plays it for one client. Times of day in it are `shift` seconds later."""
        return RecordedPlayer(self, now=now, pace=pace, shift=shift)


class RecordedPlayer:
    """Plays one connection of a recording for one client."""

    def __init__(self, recorded: Recorded, *, now: float, pace: float, shift: int) -> None:
        self._scene = Scene(Ids(recorded.servers))
        self._items: dict[str, Event] = {}  # as the client knows them, by id
        self._cuts: dict[str, Any] = {}  # where the client has cut items, by id
        self._shift = shift
        steps = list(_Compiler(self._scene, self._sent).steps(recorded))
        self._player = Player(steps, now=now, pace=pace, aside=self._aside, stray=_stray)

    @property
    def finished(self) -> bool:
        """Everything was said."""
        return self._player.finished

    def receive(self, event: Event, now: float) -> Mismatch | None:
        """The client has sent an event; see Player."""
        length = self._scene.audio.sent(event)
        if length is not None:
            self._player.hear(length, now)
            return None
        if event["type"] == "conversation.item.truncate" and isinstance(event.get("item_id"), str):
            self._cuts[event["item_id"]] = event.get("audio_end_ms")
        mismatch = self._player.receive(event, now)
        self._scene.audio.handled(event)
        return mismatch

    def due(self, now: float) -> tuple[list[Outgoing | EndConnection], float | None]:
        """What to send now, and when to ask again; see Player."""
        return self._player.due(now)

    def left(self) -> Mismatch | None:
        """What the client has not sent; see Player."""
        return self._player.left()

    def _sent(self, frame: Frame) -> Iterable[Outgoing]:
        """A recorded frame of the server as this client gets it."""
        event = frame.event
        if event is None:
            return (frame.raw,)
        changed = dict(event)
        if self._scene.ids.changes(changed):
            changed = self._scene.ids.translated(changed)
        kind, session, item = str(event["type"]), changed.get("session"), changed.get("item")
        if isinstance(session, dict) and isinstance(session.get("expires_at"), int) and self._shift:
            changed["session"] = {**session, "expires_at": session["expires_at"] + self._shift}
        if kind == "conversation.item.truncated" and (cut := self._cuts.get(str(changed.get("item_id")))) is not None:
            changed["audio_end_ms"] = cut
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            self._items[item["id"]] = item
        return (frame.raw or event,) if changed == event else (changed,)

    def _aside(self, event: Event) -> Iterable[Outgoing] | None:
        """A client may look at an item whenever it likes."""
        if event["type"] != RETRIEVE:
            return None
        item = self._items.get(str(event.get("item_id")))
        return None if item is None else ({"type": "conversation.item.retrieved", "event_id": "event_x", "item": item},)


def _stray(event: Event, mismatch: Mismatch) -> Iterable[Outgoing]:
    """Nothing in the recording answers it: the client is told, so that it need not wait."""
    error = {
        "type": "invalid_request_error",
        "code": "not_in_recording",
        "message": f"The recording that is served has no answer to this {event['type']}: {mismatch.what}.",
        "param": None,
        "event_id": event.get("event_id"),
    }
    return ({"type": "error", "event_id": "event_x", "error": error},)


class _Compiler:
    """Makes the steps of one connection."""

    def __init__(self, scene: Scene, sent: Any) -> None:
        self._scene = scene
        self._sent = sent  # makes of a recorded frame what the client gets
        self._audio = InputMeter()
        self._input_at = 0.0
        self._named: set[str] = set()  # items of which the server said that they have changed, not retrieved since
        self._automatic: dict[int, RecordedEvent] = {}  # retrieves that the client makes by itself, by number

    def steps(self, recorded: Recorded) -> Iterator[PlayStep]:
        """The steps: the session begins with what the server says of it, whatever the client sends first."""
        made = [step for record in recorded.records for step in self._step(record)]
        first = next((i for i, step in enumerate(made) if isinstance(step, Emit) and _is_created(step)), None)
        if first is not None:
            yield made[first]
        yield from (step for i, step in enumerate(made) if i != first)
        if recorded.ends is not None:
            yield recorded.ends

    def _step(self, record: Record) -> Iterator[PlayStep]:
        if isinstance(record, Audio) and record.direction is Direction.SENT:
            self._audio.add(len(record.data) / 2 * 1000 / record.rate)
            self._input_at = record.at
        elif isinstance(record, Frame) and record.direction is Direction.RECEIVED:
            yield self._received(record)
        elif isinstance(record, Frame):
            yield from self._expected(record)

    def _received(self, frame: Frame) -> Emit:
        if frame.event is not None and frame.event["type"] in RETRIEVE_ONLY:
            self._named.add(str(frame.event.get("item_id")))
        answers = self._automatic.get(frame.parent or 0)
        return Emit(_Say(frame, self._sent), frame.at, self._audio.total_ms, self._input_at, answers)

    def _expected(self, frame: Frame) -> Iterator[Expect]:
        event: Event = dict(frame.event) if frame.event is not None else not_an_event(frame.raw)
        if self._audio.sent(event) is not None:
            self._input_at = frame.at
            return
        commits = event["type"] == "input_audio_buffer.commit"
        what = RecordedEvent(event, frame.number, self._scene, self._audio.buffered_ms if commits else None)
        self._audio.handled(event)
        if event["type"] == RETRIEVE and self._is_automatic(frame, str(event.get("item_id"))):
            self._automatic[frame.number] = what
        else:
            yield Expect(what, frame.at, self._audio.total_ms if commits else None)

    def _is_automatic(self, frame: Frame, item_id: str) -> bool:
        named = item_id in self._named
        self._named.discard(item_id)
        return frame.cause.startswith("#") or (named and not frame.cause)


@dataclass(frozen=True, slots=True)
class _Say:
    """What a client gets for a recorded frame."""

    frame: Frame
    sent: Any

    def __call__(self, _event: Event) -> Iterable[Outgoing]:
        made: Iterable[Outgoing] = self.sent(self.frame)
        return made


def _is_created(step: Emit) -> bool:
    return isinstance(step.what, _Say) and (step.what.frame.event or {}).get("type") == "session.created"


def not_an_event(frame: str | bytes) -> Event:
    """Stands for a frame of the client that is not an event."""
    return {"type": "", "frame": frame if isinstance(frame, str) else frame.decode("latin-1")}


def client_event(frame: str | bytes) -> Event:
    """A frame of the client as a play takes it."""
    event = decode(frame)
    return not_an_event(frame) if isinstance(event, Malformed) else event


def connections(records: Iterable[Record]) -> list[Recorded]:
    """The connections of a recording that had any frames, one after the other."""
    made = [Recorded()]
    clients: set[str] = set()  # ids that a client made
    for record in records:
        current = made[-1]
        if isinstance(record, Connection) and record.state in (Connected.CLOSED, Connected.LOST):
            current.ends = _end(record, current)
            made.append(Recorded())
        elif isinstance(record, Frame | Audio):
            current.records.append(record)
            if isinstance(record, Frame) and record.event is not None:
                found = ids_in(record.event)
                if record.direction is Direction.SENT:
                    clients |= found - current.servers
                else:
                    current.servers |= found - clients
    return [one for one in made if any(isinstance(record, Frame) for record in one.records)]


def _end(record: Connection, before: Recorded) -> EndConnection | None:
    """How the server ended the connection; None: the client did."""
    last = next((frame for frame in reversed(before.records) if isinstance(frame, Frame)), None)
    refused = last is not None and last.direction is Direction.RECEIVED and (last.event or {}).get("type") == "error"
    if record.state is Connected.LOST or (refused and record.code not in (None, 1000, 1005)):
        code = None if record.code in (None, 1005, 1006) else record.code
        return EndConnection(code, record.reason, record.at)
    return None
