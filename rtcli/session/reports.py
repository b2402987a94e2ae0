"""Notices about what went wrong or was cut short, each with its reason, its cause and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rtcli.errors import ExitCode, error_of
from rtcli.masking import masked_start
from rtcli.protocol.close_codes import describe_close
from rtcli.protocol.events import mapping_of
from rtcli.protocol.ids import short_id
from rtcli.protocol.outcome import NO_REASON, end_reasons, outcome
from rtcli.protocol.pending import is_optional
from rtcli.protocol.playback import part_of
from rtcli.protocol.record import Connected, Connection, Frame, Http, Mark
from rtcli.protocol.units import since
from rtcli.session import hints
from rtcli.session.audio_meter import AudioMeter
from rtcli.session.log import WireLog
from rtcli.session.part import Part, moment, not_an_event, received, sent
from rtcli.session.transcripts import TranscriptStreams
from rtcli.views import Level, Notice, counted

_MAX_QUOTE = 90


class Reports(Part):
    """Turns records into notices, and keeps the exit codes that they amount to."""

    def __init__(self, log: WireLog, transcripts: TranscriptStreams, audio: AudioMeter) -> None:
        self._log = log
        self._transcripts = transcripts
        self._audio = audio
        self._interrupted: set[str] = set()  # items and responses whose cancellation is told with it
        self._last_error = self._last_code = ""  # the server's own words before it ends a connection
        self._running: dict[str, int] = {}  # responses, each with the number of the frame that told of it
        self._expired = False  # the server has said that the session has run its time: the close says nothing new
        self._repeated = ("", "", 0)  # code and message of the last error that is linked to nothing; how often again
        self._dialing = False  # an error is raised then, or somebody sees to it
        self._optional_refused: set[str] = set()  # types of what nobody asked for, and the server refused
        self._invalid = 0  # frames that are not events, since the last line about them, and that one
        self.codes: set[ExitCode] = set()

    @not_an_event
    def _on_not_an_event(self, _event: None, record: Frame) -> tuple[Notice, ...]:
        self._invalid += 1
        if self._invalid > 1:  # one line a connection; a count of the others follows
            return ()
        what = f"frame #{record.number} is not a valid event"
        return (Notice(what, why=record.problem, level=Level.WARNING),)

    def _other_invalid(self) -> Iterable[Notice]:
        """How many more frames were not events since the last line."""
        more, self._invalid = self._invalid - 1, min(self._invalid, 1)
        if more > 0:
            what = f"{more} more frame{'s are' if more > 1 else ' is'} not valid events"
            yield Notice(what, hint="/grep and /show have them", level=Level.WARNING)

    @received("error")
    def _on_error(self, event: Mapping[str, Any], record: Frame) -> Iterable[Notice]:
        error = error_of(event)
        refused = self._log.parent(record)
        if refused and is_optional(
            mapping_of(refused.event).get("type"), refused.event or {}, refused.cause.startswith("#")
        ):
            return self._on_optional_refused(str(mapping_of(refused.event).get("type")), error)
        if not self._dialing:
            self.codes.add(outcome(event))
        code = error.get("code") or error.get("type") or "error"
        self._expired = self._expired or code == "session_expired"
        by = ""
        if refused:
            origin = f", from {refused.cause}" if refused.cause else ""
            by = f" (#{refused.number} {mapping_of(refused.event).get('type')}{origin})"
        self._last_error, self._last_code = str(error.get("message") or ""), str(code)
        message = self._last_error or "the server gave no message"
        if refused is None and not self._is_new(str(code), message):
            return ()
        hint = hints.of_error(error, answering=bool(self._running))
        return (Notice(f"{code}{by}", why=message, hint=hint, level=Level.ERROR),)

    def _is_new(self, code: str, message: str) -> bool:
        """An error about nothing of ours that comes again and again is told once, and then counted."""
        new = self._repeated[:2] != (code, message)
        self._repeated = (code, message, 0 if new else self._repeated[2] + 1)
        return new

    def _repetitions(self) -> Iterable[Notice]:
        code, message, count = self._repeated
        self._repeated = ("", "", 0)
        if count:
            yield Notice(f"{code}, {counted(count, 'more time')}", message, level=Level.ERROR)

    def _on_optional_refused(self, kind: str, error: Mapping[str, Any]) -> Iterable[Notice]:
        """What rtcli sends by itself, and the server does not take, is no fault of the user's: told once a type."""
        if kind not in self._optional_refused:
            self._optional_refused.add(kind)
            yield Notice(f"the server refused {kind}, which rtcli sends by itself", str(error.get("message") or ""))

    @sent("response.create")
    def _on_response_create(self, _event: Mapping[str, Any], _frame: Frame) -> Iterable[Notice]:
        """An error that comes now is about something new, and told, even if it says the same."""
        return self._repetitions()

    @received("response.created")
    def _on_response_created(self, event: Mapping[str, Any], frame: Frame) -> None:
        self._running[str(mapping_of(event.get("response")).get("id"))] = frame.number

    @received("response.done")
    def _on_response_done(self, event: Mapping[str, Any], _frame: Frame) -> Iterable[Notice]:
        response = mapping_of(event.get("response"))
        created = self._running.pop(str(response.get("id")), None)
        self.codes.add(outcome(event))
        silence = self._silence(response, created) if created is not None else ()
        return (*self._repetitions(), *self._other_invalid(), *self._outcome(response), *silence)

    def _outcome(self, response: Mapping[str, Any]) -> Iterable[Notice]:
        status = response.get("status")
        if status in (None, "completed") or (status == "cancelled" and self._told_as_interrupted(response)):
            return ()
        why = ": ".join(end_reasons(response)) or NO_REASON
        level = Level.INFO if status == "cancelled" else Level.ERROR
        hint = hints.of_response(mapping_of(response.get("status_details")))
        return (Notice(f"response {short_id(str(response.get('id')))} {status}", why=why, hint=hint, level=level),)

    def _silence(self, response: Mapping[str, Any], created: int) -> Iterable[Notice]:
        """A response that ends well and holds nothing leaves a user waiting."""
        if response.get("status") != "completed" or response.get("output"):
            return
        # Not every server lists in response.done what it has streamed.
        types = (str(mapping_of(frame.event).get("type")) for frame in self._log.since(created))
        if all(name == "response.done" for name in types if name.startswith("response.")):
            yield Notice(f"response {short_id(str(response.get('id')))} has no output", level=Level.WARNING)

    @sent("output_audio_buffer.clear")
    def _on_output_audio_buffer_clear(self, _event: Mapping[str, Any], _frame: Frame) -> None:
        """We interrupt what a call plays; where it was cut the server says afterwards."""
        self._interrupted.update(self._running)

    def _told_as_interrupted(self, response: Mapping[str, Any]) -> bool:
        output = response.get("output")
        ids = {mapping_of(item).get("id") for item in (output if isinstance(output, list) else ())}
        return not self._interrupted.isdisjoint(ids | {response.get("id")})

    @received("conversation.item.input_audio_transcription.failed")
    def _on_conversation_item_input_audio_transcription_failed(
        self, event: Mapping[str, Any], _frame: Frame
    ) -> tuple[Notice]:
        error = error_of(event)
        why = ": ".join(str(part) for part in (error.get("code"), error.get("message")) if part)
        notice = Notice(
            f"your speech was not transcribed ({short_id(str(event.get('item_id')))})",
            why=why or NO_REASON,
            hint=hints.of_error({**error, "type": None}),  # a failing server is no reason to ask for an answer again
            level=Level.WARNING,
        )
        return (notice,)

    @sent("conversation.item.truncate")
    def _on_conversation_item_truncate(self, event: Mapping[str, Any], _frame: Frame) -> Iterable[Notice]:
        """We interrupted an answer: the arithmetic, and the words that nobody heard if they were shown as heard.

        One that the user truncates counts when the server has confirmed it.
        """
        (item_id, index), end_ms = part_of(event), event.get("audio_end_ms")
        if not self._audio.cuts_at_heard(item_id, index, end_ms):
            return ()
        received_ms, heard_ms = self._audio.received_ms(item_id, index), self._audio.heard_ms(item_id, index) or 0
        self._interrupted.add(item_id)
        unheard = self._transcripts.cut(item_id, index, heard_ms=heard_ms, received_ms=max(received_ms, heard_ms))
        what = f"interrupted {short_id(item_id)}: received {received_ms} ms, heard {heard_ms} ms"
        return (Notice(f"{what} -> audio_end_ms={end_ms}", why=f"not heard: {_quoted(unheard)}" if unheard else ""),)

    @received("conversation.item.truncated")
    def _on_conversation_item_truncated(self, event: Mapping[str, Any], _frame: Frame) -> Iterable[Notice]:
        """What follows the position counts as unheard from now on; in a call it is the server that says it."""
        (item_id, index), end_ms = part_of(event), event.get("audio_end_ms")
        if isinstance(end_ms, int) and not self._audio.cuts_at_heard(item_id, index, end_ms):
            received_ms, on_wire = max(self._audio.received_ms(item_id, index), end_ms), self._audio.on_wire
            unheard = self._transcripts.cut(item_id, index, heard_ms=end_ms, received_ms=received_ms, complete=on_wire)
            if not on_wire:
                self._interrupted.add(item_id)
                why = f"not heard: {_quoted(unheard)}" if unheard else ""
                return (Notice(f"interrupted {short_id(item_id)}: heard {end_ms} ms, as the server counts", why=why),)
        return ()

    @received("mcp_list_tools.failed")
    def _on_mcp_list_tools_failed(self, event: Mapping[str, Any], _frame: Frame) -> tuple[Notice]:
        what = f"the tools of an MCP server could not be listed ({event.get('item_id')})"
        return (Notice(what, hint="check server_url and authorization: /session get tools", level=Level.ERROR),)

    @moment(Connection)
    def _on_connection(self, record: Connection) -> Iterable[Notice]:
        self._dialing = record.state is Connected.DIALING
        if self._dialing:
            self._expired, self._last_error, self._last_code, self._invalid = False, "", "", 0
            self._running.clear()
        if record.state is not Connected.LOST:
            return self._repetitions() if record.state is Connected.CLOSED else ()
        self.codes.add(ExitCode.CONNECTION)
        if self._expired:
            return ()
        why = describe_close(record.code, record.reason, self._last_error)
        return (
            *self._repetitions(),
            Notice(
                "the connection was lost", why, hints.of_close(record.code, self._last_code, record.reason), Level.ERROR
            ),
        )

    @moment(Http)
    def _on_http(self, record: Http) -> tuple[Notice]:
        what = f"{record.method} {record.path}: {record.status or 'no answer'}"
        return (
            Notice("connecting with an ephemeral key" if record.path.endswith("/client_secrets") else what, why=what),
        )

    @moment(Mark)
    def _on_mark(self, record: Mark) -> tuple[Notice]:
        return (Notice(f"mark {record.note}".strip(), why=f"{since(record.at)}, after #{self._log.last_number}"),)


def _quoted(text: str) -> str:
    return f"“{masked_start(' '.join(text.split()), _MAX_QUOTE)}”"
