"""A chat as the command line asked for it, all of it checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from rtcli.cli.chat.audio import AudioChoice
from rtcli.cli.recording_options import RecordingChoice
from rtcli.config.endpoints import Endpoint, is_openai
from rtcli.config.settings import PROJECT_FILE, Settings
from rtcli.protocol.models import shutdowns_in
from rtcli.protocol.session_kind import SessionKind
from rtcli.terminal.standard_streams import StandardStreams, shared_streams
from rtcli.views import DisplaySettings, Level, Notice

if TYPE_CHECKING:
    from rtcli.session.tools.load import ToolFile


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """`config` is what is asked of the session; `limit` seconds may pass without an event in a pipe, `tool_seconds` for
    one call of a tool (None: any). `streams` are ours, and other code's as well only where there is none."""

    endpoint: Endpoint
    config: Mapping[str, Any] = field(default_factory=dict)
    audio: AudioChoice = field(default_factory=AudioChoice)
    display: DisplaySettings = field(default_factory=DisplaySettings)
    settings: Settings = field(default_factory=lambda: Settings(()))
    tools: ToolFile | None = None
    tool_seconds: float | None = None
    streams: StandardStreams = field(default_factory=shared_streams)
    recording: RecordingChoice = field(default_factory=RecordingChoice)
    json: bool = False
    both: bool = False
    limit: float | None = None
    watch: bool = False  # nothing is sent
    pace: float = 1.0  # how fast the built-in server speaks
    secret: bool = False  # an ephemeral key is minted, and connects
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def greeting(self, *, prompt: bool = False) -> list[Notice]:
        """What is said first: where this talks to, with which model, what of it OpenAI switches off,
        what of a tools file is not taken, and what is odd about the file in the microphone's place."""
        recorded = ", recorded" if prompt and self.recording.at_prompt() else ""
        odd = [Notice(f"{self.audio.input_file}: {note}", level=Level.WARNING) for note in self.audio.input_notes]
        return [
            self._first_line(recorded),
            *self._foreign(),
            *self._shutdowns(date.today()),
            *(self.tools.notices if self.tools else ()),
            *odd,
        ]

    def _foreign(self) -> Iterator[Notice]:
        """A cloned repository may bring instructions: nobody should wonder where they come from."""
        found = self.settings.find("instructions")
        if found is not None and found[1] == PROJECT_FILE:
            yield Notice(f"the instructions come from the project's {PROJECT_FILE}")

    def _shutdowns(self, today: date) -> Iterator[Notice]:
        # Dates of OpenAI's say nothing about a server of somebody else that has a model of the same name.
        if is_openai(self.endpoint.url):
            for shutdown in shutdowns_in(self.endpoint.model, self.config):
                yield Notice(shutdown.sentence(today), hint=shutdown.instead, level=Level.WARNING)

    def _first_line(self, recorded: str) -> Notice:
        endpoint = self.endpoint
        about = f"call {endpoint.call_id}" if endpoint.call_id else f"model {endpoint.model}"
        if endpoint.kind is not SessionKind.REALTIME:
            about = f"{endpoint.kind}, {about}" if endpoint.model else str(endpoint.kind)
        watching = ", watching: nothing is sent" if self.watch else ""
        what = f"connecting to {endpoint.label}, {about}{recorded}{watching}"
        # It was not asked for: nobody should take the built-in server's answers for OpenAI's.
        if endpoint.local and self.settings.find("local") is None:
            return Notice(
                what, "no key and no URL was given", "set OPENAI_API_KEY or --url to connect elsewhere; /help"
            )
        return Notice(what, hint="/help")
