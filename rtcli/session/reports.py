"""Notices about what went wrong or was cut short, each with its reason, its cause and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rtcli.errors import ExitCode
from rtcli.protocol.ids import short_id
from rtcli.protocol.outcome import outcome
from rtcli.protocol.record import Direction, Frame
from rtcli.session import hints
from rtcli.session.log import WireLog
from rtcli.session.transcripts import TranscriptStreams
from rtcli.views import Level, Notice

_LONGEST_QUOTE = 90
_CUT_FIELDS = ("content_index", "audio_end_ms")


class Reports:
    """Turns records into notices, and keeps the exit codes that they amount to.

    `cut_of(item_id, content_index)` gives the milliseconds received and, if it was interrupted, those heard.
    """

    def __init__(
        self, log: WireLog, speech: TranscriptStreams, cut_of: Callable[[str, int], tuple[int, int | None]]
    ) -> None:
        self._log = log
        self._speech = speech
        self._cut_of = cut_of
        self._cut: set[str] = set()
        self.codes: set[ExitCode] = set()
        self.expired = False
        """The server has said that the session has run its time; the close that follows says nothing new."""

    def saw(self, record: Frame) -> Iterator[Notice]:
        """The notices that a frame gives rise to."""
        if record.event is None:
            yield Notice(f"frame #{record.number} is no event", why=record.problem, level=Level.WARNING)
            return
        if record.direction is Direction.RECEIVED:
            self.codes.add(outcome(record.event))
        act = _TABLE.get((record.direction, str(record.event.get("type"))))
        notice = act(self, record.event, record) if act else None
        if notice:
            yield notice

    def _error(self, event: Mapping[str, Any], record: Frame) -> Notice:
        error = _mapping(event.get("error"))
        code = error.get("code") or error.get("type") or "error"
        self.expired = self.expired or code == "session_expired"
        by = ""
        if refused := self._log.parent(record):
            origin = f", from {refused.cause}" if refused.cause else ""
            by = f" (#{refused.number} {_mapping(refused.event).get('type')}{origin})"
        message = str(error.get("message") or "the server gave no message")
        return Notice(f"{code}{by}", why=message, hint=hints.of_error(error), level=Level.ERROR)

    def _response_done(self, event: Mapping[str, Any], _record: Frame) -> Notice | None:
        response = _mapping(event.get("response"))
        status = str(response.get("status"))
        if status == "completed" or (status == "cancelled" and self._told_as_interrupted(response)):
            return None
        details = _mapping(response.get("status_details"))
        error = _mapping(details.get("error"))
        reasons = (error.get("code") or error.get("type"), error.get("message"), details.get("reason"))
        why = ": ".join(str(reason) for reason in reasons if reason) or "the server gave no reason"
        level = Level.INFO if status == "cancelled" else Level.ERROR
        what = f"response {short_id(str(response.get('id')))} {status}"
        return Notice(what, why=why, hint=hints.of_response(details), level=level)

    def _told_as_interrupted(self, response: Mapping[str, Any]) -> bool:
        output = response.get("output")
        ids = {_mapping(item).get("id") for item in (output if isinstance(output, list) else ())}
        return not self._cut.isdisjoint(ids)

    def _transcription_failed(self, event: Mapping[str, Any], _record: Frame) -> Notice:
        error = _mapping(event.get("error"))
        why = ": ".join(str(part) for part in (error.get("code"), error.get("message")) if part)
        return Notice(
            f"what you said was not transcribed ({short_id(str(event.get('item_id')))})",
            why=why or "the server gave no reason",
            hint=hints.of_error({**error, "type": None}),  # a failing server is no reason to ask for an answer again
            level=Level.WARNING,
        )

    def _interrupted(self, event: Mapping[str, Any], _record: Frame) -> Notice | None:
        """We cut an answer: the arithmetic, and the words that nobody heard if they were shown as heard before."""
        item_id, index, end_ms = _cut(event)
        received, heard = self._cut_of(item_id, index)
        if heard is None:
            return None  # cut by hand: `_truncated` takes note when the server has done it
        self._cut.add(item_id)
        unheard = self._speech.cut(item_id, index, heard_ms=heard, received_ms=max(received, heard))
        return Notice(
            f"interrupted {short_id(item_id)}: received {received} ms, heard {heard} ms -> audio_end_ms={end_ms}",
            why=f"not heard: {_quoted(unheard)}" if unheard else "",
        )

    def _truncated(self, event: Mapping[str, Any], _record: Frame) -> None:
        """An answer that a person cut by hand: what follows counts as unheard from now on."""
        item_id, index, end_ms = _cut(event)
        received, heard = self._cut_of(item_id, index)
        if heard is None:
            self._speech.cut(item_id, index, heard_ms=end_ms, received_ms=max(received, end_ms))

    def _tools_failed(self, event: Mapping[str, Any], _record: Frame) -> Notice:
        return Notice(
            f"the tools of an MCP server could not be listed ({event.get('item_id')})",
            hint="check server_url and authorization: /session get tools",
            level=Level.ERROR,
        )

    def _beta(self, event: Mapping[str, Any], _record: Frame) -> Notice:
        return Notice(
            f"this server speaks the beta API ({event.get('type')})", hint="use its GA endpoint", level=Level.WARNING
        )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _cut(event: Mapping[str, Any]) -> tuple[str, int, int]:
    """The item, part and milliseconds of a truncation."""
    index, end_ms = (value if isinstance(value := event.get(name), int) else 0 for name in _CUT_FIELDS)
    return str(event.get("item_id")), index, end_ms


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + '…'}”"


_TABLE: Mapping[tuple[Direction, str], Callable[[Reports, Mapping[str, Any], Frame], Notice | None]] = {
    (Direction.RECEIVED, "error"): Reports._error,
    (Direction.RECEIVED, "response.done"): Reports._response_done,
    (Direction.RECEIVED, "conversation.item.input_audio_transcription.failed"): Reports._transcription_failed,
    (Direction.RECEIVED, "mcp_list_tools.failed"): Reports._tools_failed,
    (Direction.RECEIVED, "transcription_session.updated"): Reports._beta,
    (Direction.RECEIVED, "conversation.item.truncated"): Reports._truncated,
    (Direction.SENT, "conversation.item.truncate"): Reports._interrupted,
}
