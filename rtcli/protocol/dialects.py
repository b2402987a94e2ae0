"""What other servers call the GA events and how they shape them: rows that lead from a frame to GA events.

The frames themselves are left alone: logs, recordings and raw views show what came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.catalog import BETA_NAMES, EVENT_TYPES
from rtcli.protocol.events import Event, encode, mapping_of
from rtcli.protocol.items import text_of
from rtcli.protocol.record import Direction
from rtcli.protocol.remember import remember

_HEARD = "conversation.item.input_audio_transcription"

NAMES: Mapping[str, str] = {
    **{name: ga for name, ga in BETA_NAMES.items() if EVENT_TYPES[ga].direction is Direction.RECEIVED},
    "transcription_session.created": "session.created",
    "conversation.item.created": "conversation.item.added",
    "response.input_text.delta": "response.output_text.delta",
    "response.input_text.done": "response.output_text.done",
    "session.output_text.delta": "response.output_text.delta",
    "transcription.delta": f"{_HEARD}.delta",
    "transcription.text.delta": f"{_HEARD}.delta",
    "transcription.done": f"{_HEARD}.completed",
    "response.error": "error",
    "session.error": "error",
}
"""Names that servers use for an event, and the GA name of it."""

ENDS: Mapping[str, str] = {
    "response.cancelled": "cancelled",
    "response.completed": "completed",
    "response.failed": "failed",
    "response.incomplete": "incomplete",
}
"""Names that servers use for the end of a response, and the status of a `response.done` that they stand for."""

CUMULATIVE: frozenset[str] = frozenset({f"{_HEARD}.updated", f"{_HEARD}.result"})
"""Events that repeat the whole transcript so far, where GA has deltas."""

NO_CONTENT: frozenset[str] = frozenset(
    {"ping", "pong", "heartbeat", "session.heartbeat", "keepalive", "keep_alive", "session.finished", "playback.ack"}
)
"""Events that say nothing to the user, and no progress either."""

FIELDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "response.output_audio.delta": ("delta", ("audio", "data")),
    "response.output_text.delta": ("delta", ("text",)),
    "response.output_audio_transcript.delta": ("delta", ("transcript", "text")),
    "response.output_text.done": ("text", ("transcript",)),
    "response.output_audio_transcript.done": ("transcript", ("text",)),
    f"{_HEARD}.delta": ("delta", ("transcript", "text")),
    f"{_HEARD}.completed": ("transcript", ("text",)),
}
"""The field that GA has in an event, and what else servers call it."""

SESSION_FIELDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("voice", ("output", "voice")),
    ("speed", ("output", "speed")),
    ("output_audio_format", ("output", "format")),
    ("input_audio_format", ("input", "format")),
    ("input_audio_transcription", ("input", "transcription")),
    ("input_audio_noise_reduction", ("input", "noise_reduction")),
    ("turn_detection", ("input", "turn_detection")),
)
"""Fields of a flat session, and where GA has them below `audio`."""

_CONTENT: Mapping[str, str] = {name: field for name, (field, _) in FIELDS.items() if not name.startswith(_HEARD)}
"""The events that carry what the model says, and GA's field in each."""

_WORDS: Mapping[str, tuple[str, str, str]] = {
    "session.input_transcript.delta": (f"{_HEARD}.delta", f"{_HEARD}.completed", "item_heard"),
    "session.output_transcript.delta": (
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "item_spoken",
    ),
}
"""Words that run on without an end (translation, GPT-Live): GA's delta, GA's end, and the item that stands for it."""

_SENTENCE_END = re.compile(r"[.!?…][\'\"”’)]*$|[。！？]$")
_MAX_PAUSE_MS = 1500  # between two pieces of one sentence
_WITHOUT_ITEMS = (f"{_HEARD}.delta", f"{_HEARD}.completed")  # some servers that only transcribe have no items

_MAX_REMEMBERED = 256  # items and responses

Events: TypeAlias = tuple[Event, ...]


def is_known(kind: str) -> bool:
    """Whether the catalog or a row of this module says what a server event of this type means."""
    return kind in EVENT_TYPES or kind in NAMES or kind in CUMULATIVE or kind in NO_CONTENT or kind in _READERS


class Dialect:
    """Reads the events of one server; it holds what later events leave out: which response runs, and which item."""

    def __init__(self) -> None:
        self._response = ""  # the response that runs, or ran last
        self._item = ""  # the item whose content comes
        self._heard: dict[str, str] = {}  # item -> its transcript as it was told last, of cumulative events
        self._calls: dict[str, Event | None] = {}  # call_id -> its item as far as it is known; None: it is told
        self._ended: dict[str, str] = {}  # responses that have ended, and the name of the event that said so
        self._carried: dict[str, str] = {}  # GA's name of what the model says -> the name that carries it here
        self._said: dict[str, _Sentence] = {}  # of words that run on, by type: the sentence that is open

    def __repr__(self) -> str:
        return f"<Dialect: response {self._response or '-'}, item {self._item or '-'}>"

    def read(self, event: Event) -> Events | None:
        """The GA events that this one stands for; None where it is one as it is."""
        kind = event["type"]
        if (field := _CONTENT.get(kind)) is not None and field in event:  # GA's as it is, and most of what comes
            if self._carried.setdefault(kind, kind) != kind:
                return ()
            if item := event.get("item_id"):
                self._item = item
            return None
        reader = _READERS.get(kind)
        name = NAMES.get(kind)
        if reader is None and name is None:
            return None
        ga = name or kind
        if ga in _CONTENT and self._carried.setdefault(ga, kind) != kind:  # said already, under another name
            return ()
        read = event if name is None else {**event, "type": name}
        if fields := FIELDS.get(read["type"]):
            read = _renamed(read, *fields)
        if name in _WITHOUT_ITEMS and "item_id" not in read:
            read["item_id"] = "item_heard"
        if name is not None:
            reader = _READERS.get(name)
        if reader is not None and (events := reader(self, read)) is not None:
            return events
        return None if read is event else (read,)

    def read_binary(self, data: bytes) -> Events | None:
        """A binary message that is not JSON: audio of the response that runs; None where it cannot be that."""
        # A binary frame may also be JSON that a server sends as bytes.
        if not self._response or data[:1] in (b"{", b"["):
            return None
        item = text_of(self._item) or f"item_of_{self._response}"
        delta = {"response_id": self._response, "item_id": item, "output_index": 0, "content_index": 0}
        return ({"type": "response.output_audio.delta", **delta, "delta": encode_base64(data)},)

    # -- rows that need more than a name; each gives None where the event is good as it is ---------------------------

    def _on_session(self, event: Event) -> Events | None:
        session = event.get("session")
        if not isinstance(session, Mapping):
            return None
        audio_format = mapping_of(session.get("audio")).get("format")
        if audio_format is not None:  # GPT-Live has one for both directions
            sides = {
                side: {"format": audio_format, **mapping_of(session["audio"].get(side))} for side in ("input", "output")
            }
            return ({**event, "session": {"type": "live", **session, "audio": {**session["audio"], **sides}}},)
        missing = [(name, path) for name, path in SESSION_FIELDS if name in session and _at(session, path) is None]
        if not missing and not ("modalities" in session and "output_modalities" not in session):
            return None
        audio = {side: dict(mapping_of(mapping_of(session.get("audio")).get(side))) for side in ("input", "output")}
        for name, (side, field) in missing:
            audio[side][field] = session[name]
        read = {**session, "audio": {**mapping_of(session.get("audio")), **audio}}
        if "modalities" in session:
            read.setdefault("output_modalities", session["modalities"])
        return ({**event, "session": read},)

    def _on_response_created(self, event: Event) -> None:
        self._carried.clear()
        self._ended.pop(text_of(mapping_of(event.get("response")).get("id")), None)
        self._response, self._item = text_of(mapping_of(event.get("response")).get("id")), ""

    def _on_item_added(self, event: Event) -> None:
        item = mapping_of(event.get("item"))
        if item.get("type") in (None, "message"):
            # Kept for audio that comes as bare bytes, which names no item.
            self._item = text_of(item.get("id")) or self._item

    def _on_content(self, event: Event) -> None:
        if not event["type"].startswith(_HEARD):
            self._item = text_of(event.get("item_id")) or self._item

    def _on_conversation_item(self, event: Event) -> Events | None:
        item = mapping_of(event.get("item"))
        return None if (read := _with_parts(item)) is item else ({**event, "item": read},)

    def _on_item_done(self, event: Event) -> Events | None:
        item = mapping_of(event.get("item"))
        if item.get("type") != "function_call":
            return self._on_conversation_item(event)
        remember(self._calls, text_of(item.get("call_id")), None, _MAX_REMEMBERED)
        read = _with_parts(item)
        return None if read is item and item.get("status") else ({**event, "item": {"status": "completed", **read}},)

    def _on_arguments_done(self, event: Event) -> None:
        call_id = text_of(event.get("call_id"))
        if isinstance(event.get("name"), str) and self._calls.get(call_id, {}) is not None:
            item = {"id": event.get("item_id"), "call_id": call_id, "name": event["name"]}
            item["arguments"] = event.get("arguments")
            remember(self._calls, call_id, dict(_with_parts(item)), _MAX_REMEMBERED)

    def _on_response_done(self, event: Event) -> Events | None:
        """Calls that nothing but the end tells of are told before it."""
        response = mapping_of(event.get("response"))
        response_id = text_of(response.get("id"))
        if self._ended.get(response_id) in ENDS:
            return ()
        self._remember_end(response_id, event["type"])
        output = response.get("output")
        items = [item for item in (output if isinstance(output, list) else ()) if isinstance(item, Mapping)]
        read = [_with_parts(item) for item in items]
        calls = [item for item in read if item.get("type") == "function_call"]
        known = {text_of(item.get("call_id")) for item in calls}
        calls += [item for call_id, item in self._calls.items() if item is not None and call_id not in known]
        untold = [item for item in calls if self._calls.get(text_of(item.get("call_id")), {}) is not None]
        for item in untold:
            remember(self._calls, text_of(item.get("call_id")), None, _MAX_REMEMBERED)
        if any(new is not old for new, old in zip(read, items, strict=True)):
            event = {**event, "response": {**response, "output": read}}
            if not untold:
                return (event,)
        # A call of a response that was cut short may have half of its arguments.
        if response.get("status") not in (None, "completed") or not untold:
            return None
        told = {"type": "response.output_item.done", "response_id": response_id, "output_index": 0}
        fixed = {"type": "function_call", "status": "completed"}
        return (*({**told, "item": {**item, **fixed}} for item in untold), event)

    def _on_response_ended(self, event: Event) -> Events:
        """An end under a name of its own: response.done, with the status that the name says."""
        ended = response_ended(event, self._response)
        if ended["id"] in self._ended:
            return ()
        done: Event = {"type": "response.done", "response": ended}
        read = self._on_response_done(done)
        self._remember_end(ended["id"], event["type"])
        return (done,) if read is None else read

    def _remember_end(self, response_id: str, name: str) -> None:
        if response_id:
            remember(self._ended, response_id, name, _MAX_REMEMBERED)

    def _on_cumulative(self, event: Event) -> Events:
        """What is new of a transcript; one that was corrected is shown when it is whole."""
        item_id = text_of(event.get("item_id")) or "item_heard"
        whole = event.get("transcript")
        whole = whole if isinstance(whole, str) else text_of(event.get("text"))
        before = self._heard.get(item_id, "")
        # A recognizer takes words back while it listens; a delta cannot say that.
        if not whole.startswith(before) or whole == before:
            return ()
        remember(self._heard, item_id, whole, _MAX_REMEMBERED)
        index = event.get("content_index")
        where = {"item_id": item_id, "content_index": index if isinstance(index, int) else 0}
        return ({"type": f"{_HEARD}.delta", **where, "delta": whole[len(before) :]},)

    def _on_words(self, event: Event) -> Events:
        """A piece of what is said: behind the end of a sentence, or a pause, another one begins."""
        kind, delta = event["type"], text_of(event.get("delta"))
        sentence = self._said.setdefault(kind, _Sentence())
        at = event.get("start_ms", event.get("elapsed_ms"))
        at = at if isinstance(at, int | float) else sentence.at
        ended = sentence.text and (at - sentence.at > _MAX_PAUSE_MS or sentence.ends_before(delta))
        read = self._sentence_done(kind) if ended else ()
        # The space that separates two sentences belongs to neither of them.
        delta = delta if sentence.text else delta.lstrip()
        sentence.text, sentence.at = sentence.text + delta, at
        return (*read, {"type": _WORDS[kind][0], **self._place(kind), "delta": delta}) if delta else read

    def _place(self, kind: str) -> Event:
        name = f"{_WORDS[kind][2]}_{self._said[kind].number}"
        return {"item_id": name, "content_index": 0, "output_index": 0, "response_id": name}

    def _sentence_done(self, kind: str) -> Events:
        sentence = self._said[kind]
        done = {"type": _WORDS[kind][1], **self._place(kind), "transcript": sentence.text}
        sentence.number, sentence.text = sentence.number + 1, ""
        return (done,)

    def _on_spoken_audio(self, event: Event) -> Events:
        """The audio of a session that has no responses."""
        read = _renamed({**event, "type": "response.output_audio.delta"}, "delta", ("audio", "data"))
        return ({**read, "response_id": "", "item_id": "item_spoken", "output_index": 0, "content_index": 0},)

    def _on_started(self, event: Event) -> Events:
        session = {"type": "live", **mapping_of(event.get("session"))}  # no conversation's
        read = {**event, "type": "session.created", "session": session}
        return self._on_session(read) or (read,)

    def _on_closed(self, event: Event) -> Events:
        """What is being said ends with its session."""
        open_now = [kind for kind, sentence in self._said.items() if sentence.text]
        return (*(done for kind in open_now for done in self._sentence_done(kind)), event)


@dataclass(slots=True)
class _Sentence:
    """What was said since the last end of a sentence; `at` is the moment of its last piece in milliseconds."""

    number: int = 1
    text: str = ""
    at: float = 0

    def ends_before(self, delta: str) -> bool:
        """Whether this piece belongs to the next sentence: "3." may go on as "3.5"."""
        end = _SENTENCE_END.search(self.text)
        return end is not None and (delta[:1].isspace() or not self.text[-1:].isascii())


def _with_parts(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message whose content is text, as chat completions have it, with a part in its place; a call whose arguments
    are an object with their text."""
    if isinstance(arguments := item.get("arguments"), Mapping):
        return {**item, "arguments": encode(arguments)}
    content = item.get("content")
    if not isinstance(content, str):
        return item
    kind = "output_text" if item.get("role", "assistant") == "assistant" else "input_text"
    return {**item, "content": [{"type": kind, "text": content}]}


def as_verdict(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event that refuses something or ends a response, as GA has it; any other as it is."""
    kind = event.get("type")
    if kind in ENDS:
        return {"type": "response.done", "response": response_ended(event)}
    return {**event, "type": "error"} if isinstance(kind, str) and NAMES.get(kind) == "error" else event


def response_ended(event: Mapping[str, Any], running: str = "") -> dict[str, Any]:
    """The `response` of an event of ENDS as response.done has it; `running` is its id where the event has none."""
    response = mapping_of(event.get("response"))
    status = ENDS[event["type"]]
    response_id = text_of(event.get("response_id")) or text_of(response.get("id")) or running
    beside: dict[str, Any] = {name: event[name] for name in ("error", "status_details") if name in event}
    return {"output": [], **beside, **response, "id": response_id, "status": status}


def _renamed(event: Event, field: str, others: tuple[str, ...]) -> Event:
    """The event with the field under GA's name; the event itself where it has it."""
    if field in event:
        return event
    other = next((name for name in others if isinstance(event.get(name), str)), None)
    return event if other is None else {**event, field: event[other]}


def _at(session: Mapping[str, Any], path: tuple[str, ...]) -> object:
    return mapping_of(mapping_of(session.get("audio")).get(path[0])).get(path[1])


_Reader: TypeAlias = Callable[[Dialect, Event], Events | None]

_READERS: Mapping[str, _Reader] = {
    "session.created": Dialect._on_session,
    "session.updated": Dialect._on_session,
    "response.created": Dialect._on_response_created,
    "response.output_item.added": Dialect._on_item_added,
    "response.output_item.done": Dialect._on_item_done,
    **dict.fromkeys(
        (f"conversation.item.{what}" for what in ("added", "done", "retrieved")), Dialect._on_conversation_item
    ),
    "response.function_call_arguments.done": Dialect._on_arguments_done,
    **dict.fromkeys(FIELDS, Dialect._on_content),
    **dict.fromkeys(_WORDS, Dialect._on_words),
    "session.output_audio.delta": Dialect._on_spoken_audio,
    "session.started": Dialect._on_started,
    "session.closed": Dialect._on_closed,
    "response.done": Dialect._on_response_done,
    **dict.fromkeys(ENDS, Dialect._on_response_ended),
    **dict.fromkeys(CUMULATIVE, Dialect._on_cumulative),
}
"""What an event needs beside its name; also what is remembered of the events that are GA's already."""
