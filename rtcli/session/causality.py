"""Why a frame came: the chain of earlier frames that led to it, walked by ids and by the API's order of replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from rtcli.protocol.answers import Answers
from rtcli.protocol.record import Direction, Frame

_Finder: TypeAlias = Callable[[Sequence[Frame], Frame], Frame | None]
"""The record that led to one, given all records before it."""

_MOST_LINKS = 50
_LOOKED_BACK = 2000  # records: an error comes soon after its cause


def chain(records: Sequence[Frame], number: int) -> list[Frame]:
    """The records that led to record `number`, nearest first. Each link goes back in time, so the walk ends."""
    links: list[Frame] = []
    record = records[number - 1]
    while len(links) < _MOST_LINKS:
        before = records[: record.number - 1]
        parent = _parent_of_sent(before, record) if record.direction is Direction.SENT else _parent(before, record)
        if parent is None:
            break
        links.append(parent)
        record = parent
    return links


def _event(record: Frame) -> Mapping[str, Any]:
    return record.event if record.event is not None else {}


def _inner(record: Frame, part: str) -> Mapping[str, Any]:
    value = _event(record).get(part)
    return value if isinstance(value, Mapping) else {}


def _is(record: Frame, direction: Direction, *types: str) -> bool:
    return record.direction is direction and _event(record).get("type") in types


def _last(before: Sequence[Frame], good: Callable[[Frame], bool]) -> Frame | None:
    return next((record for record in reversed(before) if good(record)), None)


def _parent_of_sent(before: Sequence[Frame], record: Frame) -> Frame | None:
    """A tool's output goes back to its call; else the cause names the frame that we answered, if it was one."""
    item = _inner(record, "item")
    if item.get("type") == "function_call_output":
        return _last(
            before,
            lambda r: (
                _is(r, Direction.RECEIVED, "response.output_item.done")
                and _inner(r, "item").get("call_id") == item.get("call_id")
            ),
        )
    match = re.match(r"#(\d+) ", record.cause)
    return before[int(match[1]) - 1] if match and 0 < int(match[1]) <= len(before) else None


def _parent(before: Sequence[Frame], record: Frame) -> Frame | None:
    """The frame that led to one of the server's."""
    kind = str(_event(record).get("type", ""))
    finder = _FINDERS.get(kind)
    if finder:
        return finder(before, record)
    if response_id := _event(record).get("response_id"):
        return _last(before, lambda r: _opens_response(r, response_id))
    if item_id := _event(record).get("item_id"):
        return _last(before, lambda r: _inner(r, "item").get("id") == item_id or _event(r).get("item_id") == item_id)
    return None


def _opens_response(record: Frame, response_id: object) -> bool:
    return _is(record, Direction.RECEIVED, "response.created") and _inner(record, "response").get("id") == response_id


def _of_error(before: Sequence[Frame], record: Frame) -> Frame | None:
    guilty = _inner(record, "error").get("event_id")
    if not guilty:
        return _of_nameless_error(before, record)
    return _last(before, lambda r: r.direction is Direction.SENT and _event(r).get("event_id") == guilty)


def _of_nameless_error(before: Sequence[Frame], record: Frame) -> Frame | None:
    """The server names no event: its code, message and param may tell which unanswered one it means."""
    answers = Answers()
    for earlier in before[-_LOOKED_BACK:]:
        if earlier.direction is Direction.SENT:
            answers.sent(_event(earlier), earlier.number)
        else:
            answers.received(_event(earlier))
    refused = answers.refused(_event(record))
    return before[refused.number - 1] if refused else None


def _alike(request: Frame, reply: Frame) -> bool:
    """Both speak of the same sort of item, or of none."""
    asked, came = _inner(request, "item"), _inner(reply, "item")
    return all(asked.get(key) == came.get(key) for key in ("type", "role"))


def _in_order(request: str, reply: str) -> _Finder:
    """The API answers `request` with `reply` in order: the n-th unrefused request belongs to the n-th reply."""

    def find(before: Sequence[Frame], record: Frame) -> Frame | None:
        waiting: list[Frame] = []
        for earlier in before:
            if _is(earlier, Direction.SENT, request):
                waiting.append(earlier)
            elif _is(earlier, Direction.RECEIVED, reply):
                if answered := next((r for r in waiting if _alike(r, earlier)), None):
                    waiting.remove(answered)
            elif _is(earlier, Direction.RECEIVED, "error") and (guilty := _inner(earlier, "error").get("event_id")):
                waiting = [r for r in waiting if _event(r).get("event_id") != guilty]
        return next((r for r in waiting if _alike(r, record)), None)

    return find


def _of_response_created(before: Sequence[Frame], record: Frame) -> Frame | None:
    """A response.create that no response has answered yet; without one, the speech that the server took as a turn."""
    asked = _in_order("response.create", "response.created")(before, record)
    return asked or _last(before, lambda r: _is(r, Direction.RECEIVED, "input_audio_buffer.committed"))


def _of_response_done(before: Sequence[Frame], record: Frame) -> Frame | None:
    """What ended a cancelled response: our cancel, or speech; the response's beginning otherwise."""
    details = _inner(record, "response").get("status_details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    ended_by = {
        "client_cancelled": (Direction.SENT, "response.cancel"),
        "turn_detected": (Direction.RECEIVED, "input_audio_buffer.speech_started"),
    }.get(str(reason))
    response_id = _inner(record, "response").get("id")
    found = _last(before, lambda r: _is(r, *ended_by)) if ended_by else None
    return found or _last(before, lambda r: _opens_response(r, response_id))


def _of_item(before: Sequence[Frame], record: Frame) -> Frame | None:
    """An item comes from a response, from speech, or from an item we created (ids first, order where we gave none)."""
    item_id = _inner(record, "item").get("id")

    def names_it(r: Frame) -> bool:
        return (_inner(r, "item").get("id") == item_id or _event(r).get("item_id") == item_id) and not _is(
            r, Direction.SENT, "conversation.item.retrieve"
        )

    if item_id and (found := _last(before, names_it)):
        return found
    return _in_order("conversation.item.create", "conversation.item.added")(before, record)


def _of_output_item(before: Sequence[Frame], record: Frame) -> Frame | None:
    response_id = _event(record).get("response_id")
    return _last(before, lambda r: _opens_response(r, response_id))


def _of_committed(before: Sequence[Frame], record: Frame) -> Frame | None:
    """The server commits after speech, or we do."""
    item_id = _event(record).get("item_id")
    spoken = _last(
        before,
        lambda r: (
            _is(r, Direction.RECEIVED, "input_audio_buffer.speech_stopped", "input_audio_buffer.timeout_triggered")
            and _event(r).get("item_id") == item_id
        ),
    )
    return spoken or _in_order("input_audio_buffer.commit", "input_audio_buffer.committed")(before, record)


def _of_speech_started(before: Sequence[Frame], record: Frame) -> Frame | None:
    return _last(before, lambda r: _is(r, Direction.SENT, "input_audio_buffer.append"))


def _answer_to(request: str) -> _Finder:
    """The last `request` about the same item."""

    def find(before: Sequence[Frame], record: Frame) -> Frame | None:
        item_id = _event(record).get("item_id") or _inner(record, "item").get("id")
        return _last(before, lambda r: _is(r, Direction.SENT, request) and _event(r).get("item_id") == item_id)

    return find


_FINDERS: Mapping[str, _Finder] = {
    "error": _of_error,
    "session.updated": _in_order("session.update", "session.updated"),
    "response.created": _of_response_created,
    "response.done": _of_response_done,
    "response.output_item.added": _of_output_item,
    "response.output_item.done": _of_output_item,
    "conversation.item.added": _of_item,
    "conversation.item.created": _of_item,
    "conversation.item.done": _of_item,
    "conversation.item.retrieved": _answer_to("conversation.item.retrieve"),
    "conversation.item.truncated": _answer_to("conversation.item.truncate"),
    "conversation.item.deleted": _answer_to("conversation.item.delete"),
    "input_audio_buffer.speech_started": _of_speech_started,
    "input_audio_buffer.committed": _of_committed,
    "input_audio_buffer.cleared": _in_order("input_audio_buffer.clear", "input_audio_buffer.cleared"),
    "rate_limits.updated": lambda before, record: _last(before, lambda r: _is(r, Direction.RECEIVED, "response.done")),
}
