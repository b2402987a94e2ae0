"""Makes what a scenario is played on: the server or the recording, the session, the context of its commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rtcli.commands import Context, default_registry
from rtcli.config.endpoints import Endpoint
from rtcli.config.prices import cost_by
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.protocol.usage import TokenUsage
from rtcli.protocol.wire_config import config_of
from rtcli.scenario.language import Scenario, ScenarioTool
from rtcli.scenario.stage import Stage
from rtcli.server import RealtimeServer
from rtcli.session.clocked_speaker import ClockedSpeaker
from rtcli.session.dialing import auth_header
from rtcli.session.first_update import SessionUpdate
from rtcli.session.lifecycle import with_model
from rtcli.session.recorder import RecordingSetup
from rtcli.session.session import RealtimeSession
from rtcli.session.tools.tool import AnyArguments, Tool
from rtcli.testing.recorded_server import RecordedServer
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings


@dataclass(frozen=True, slots=True)
class ScenarioTarget:
    """What scenarios are played against: an endpoint, the built-in server at it, or a recording.

    Time passes `pace` times as fast, 0: at once. `tools` are run for every scenario, beside its own.
    """

    endpoint: Endpoint
    server: RealtimeServer | None = None
    recording: Path | None = None
    pace: float = 1.0
    prices: Mapping[str, Any] = field(default_factory=dict)
    tools: Sequence[Tool] = ()
    program: str = ""

    def stage(self, scenario: Scenario) -> Stage:
        """A stage for one run. Raises InputError for a recording that cannot be read."""
        if self.recording is not None:
            return self._recorded_stage(scenario, RecordedServer(self.recording))
        sleep = partial(_sleep, self.pace)
        # Plays to nobody, in the time of the run: what was "heard" at an interruption is the same on every machine.
        speaker = ClockedSpeaker(asyncio.get_running_loop().time, self.pace)
        update = SessionUpdate.NONE if scenario.session is None else SessionUpdate.MINIMAL
        stage = self._stage(scenario, speaker, sleep, {}, update)
        if self.server is not None:
            stage.ready = self.server.engines
        return stage

    def _recorded_stage(self, scenario: Scenario, server: RecordedServer) -> Stage:
        # One clock for all: a recording's time jumps from event to event, and latencies are measured in it.
        dialed = {"create_websocket": server.dial, "clock": server.clock}
        asks = scenario.session is not None and (server.takes_settings or scenario.session or scenario.tools)
        update = SessionUpdate.MINIMAL if asks else SessionUpdate.NONE
        stage = self._stage(scenario, ClockedSpeaker(server.clock), server.sleep, dialed, update)
        stage.waits, stage.mismatch = lambda: server.waits, lambda: server.mismatch
        return stage

    def _stage(
        self,
        scenario: Scenario,
        speaker: ClockedSpeaker,
        sleep: Callable[[float], Awaitable[object]],
        dialed: Mapping[str, Any],
        update: SessionUpdate,
    ) -> Stage:
        endpoint = with_model(self.endpoint, scenario.model) if scenario.model else self.endpoint
        transport = OpenAIRealtimeWebSocket(
            model=endpoint.model,
            url=endpoint.url,
            headers={**endpoint.headers, **auth_header(endpoint)},
            auto_tracing=False,  # a test must not write traces into the account of its user
            **dialed,
        )
        session = RealtimeSession(
            transport,
            endpoint=replace(endpoint, api_key=None),  # the transport has it in its headers
            config=config_for(scenario.session or {}),
            session_update=update,
            speaker=speaker,
            tools=[*self.tools, *map(_tool, scenario.tools)],
            # Records are written a turn of the loop later, so that the disk does not lengthen the latencies that are
            # judged.
            recording=RecordingSetup(command="run", program=self.program, defer=asyncio.get_running_loop().call_soon),
            **({"clock": dialed["clock"]} if dialed else {}),  # else the session's own default counts
        )
        context = Context(session, DisplaySettings(), default_registry(), prices=self.prices)
        return Stage(session, context, speaker, self.cost, sleep)

    @property
    def cost(self) -> Callable[[str, TokenUsage], float | None]:
        """Dollars for tokens of a model; None where it has no price."""
        return cost_by(self.prices)


async def _sleep(pace: float, seconds: float) -> None:
    await asyncio.sleep(seconds / pace if pace else 0)  # a pace of 0 still gives the others their turn


def config_for(session: Mapping[str, Any]) -> dict[str, Any]:
    """A session of the wire as the transport takes it. `model` has no place of its own there; some clients send it."""
    config = config_of(session)
    if "model" in session:
        config["provider_data"] = {**config.get("provider_data", {}), "model": session["model"]}
    return config


def _tool(declared: ScenarioTool) -> Tool:
    """Answers each call with the next output."""
    schema, outputs = dict(declared.schema), list(declared.outputs)
    if not outputs:
        return Tool(schema)

    def answer(**_arguments: Any) -> Any:
        return outputs.pop(0) if len(outputs) > 1 else outputs[0]  # the last one answers all calls that follow

    return Tool(schema, answer, AnyArguments())


@asynccontextmanager
async def serving(target: ScenarioTarget, **options: Any) -> AsyncIterator[ScenarioTarget]:
    """The target; if it is the built-in server, that runs in this process meanwhile, with these options."""
    if not target.endpoint.local:
        yield target
        return
    async with RealtimeServer(pace=target.pace, **options) as server:
        yield replace(target, endpoint=target.endpoint.at(server.url), server=server)


def recorded_endpoint(file: Path, tell: Callable[[str], object] = lambda _: None) -> Endpoint:
    """What a session that plays a recording says it talks to; `tell` gets what cannot be read. Raises InputError."""
    server = RecordedServer(file)
    for note in server.notes:
        tell(note)
    model = server.model or DEFAULT_MODEL
    return Endpoint("ws://recording.invalid/v1/realtime", model, f"the recording {file.name}")
