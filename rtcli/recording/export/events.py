"""A session as the events that its client sent, which `rtcli send-event` sends again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rtcli.dsp.codec import Decoder
from rtcli.errors import UsageError
from rtcli.masking import holds_mask, masked
from rtcli.protocol.audio_formats import PCM16, AudioFormat, encode_base64
from rtcli.protocol.cues import Cue, Cues
from rtcli.protocol.events import encode
from rtcli.protocol.record import Audio, Connected, Connection, Direction, Frame, Record
from rtcli.protocol.record_lines import frame_line
from rtcli.recording.export.source import Exported, Source, Write
from rtcli.views import counted

_EVENT = b',"event":'


def export_events(source: Source, write: Write) -> Exported:
    """The events of the last connection, one on a line, each with what it waited for.

    Raises UsageError where nothing was sent.
    """
    # A first pass only to find the last connection: keeping all events would keep all audio.
    last = max((connection for connection, _, _ in _sent(source.records())), default=None)
    if last is None:
        raise UsageError("nothing was sent in this session")
    written = secrets = broken = 0
    earlier = set()
    for connection, frame, cue in _sent(source.records()):
        if connection != last:
            earlier.add(connection)
        elif frame.event is None:
            broken += 1
        else:
            written += 1
            line, has_mask = _line(frame, cue, written)
            secrets += has_mask
            write(line)
    notes = (
        bool(earlier) and f"these are the events of the last of {len(earlier) + 1} connections",
        bool(secrets) and f'{counted(secrets, "event")} with a masked secret: fill it in, and take "masked" out',
        bool(broken) and f"{counted(broken, 'frame')} that held no event left out",
    )
    return Exported(counted(written, "event"), tuple(note for note in notes if note))


def _sent(records: Iterable[Record]) -> Iterator[tuple[int, Frame, Cue]]:
    """What was sent, with the number of its connection and what it waited for there."""
    connection, cues, beside = 0, Cues(), Decoder(PCM16)
    for record in records:
        if isinstance(record, Connection) and record.state is Connected.DIALING:
            connection, cues, beside = connection + 1, Cues(), Decoder(PCM16)
        elif isinstance(record, Frame) and record.direction is Direction.RECEIVED:
            cues.received(record.event or {})
        elif isinstance(record, Frame):
            yield connection, record, cues.sent(record.event or {})
        elif isinstance(record, Audio) and record.direction is Direction.SENT:
            form = AudioFormat(PCM16.type, record.rate, 2)
            beside = beside if beside.format == form else Decoder(form)
            yield connection, _append(record, beside.decode(record.data)), cues.sent({})


def _append(record: Audio, pcm: bytes) -> Frame:
    """The event that stands for audio which went beside the events."""
    event = {"type": "input_audio_buffer.append", "audio": encode_base64(pcm)}
    return Frame(0, record.at, Direction.SENT, event, 0)


def _line(frame: Frame, cue: Cue, number: int) -> tuple[bytes, bool]:
    """A line of a recording with the event's cue in it, and whether a secret was masked in it."""
    event = frame.event or {}
    # Without parent and cause: they name frames that the new session does not have.
    plain = Frame(number, frame.at, frame.direction, event, frame.size, raw=frame.raw, binary=frame.binary)
    line = frame_line(plain, masked)
    head, _, rest = line.partition(_EVENT)
    has_mask = not event.get("type", "").endswith(".append") and holds_mask(rest.decode(errors="replace"))
    if has_mask and b'"masked":true' not in head:
        # send-event refuses such a line, or it would send the mask as a key.
        head += b',"masked":true'
    return head + b',"after":' + masked(encode(cue.as_json())).encode() + _EVENT + rest + b"\n", has_mask
