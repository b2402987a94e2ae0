"""A program for terminal tests: the prompt in front of a backend that talks at a given rate and reports what it got.

python -m tests.kit.prompt_program [--rate N] [--words N] [--events MODE] [--refuse] [--history FILE] [--vi]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rtcli.errors import ConnectError, ExitCode, UsageError
from rtcli.protocol.record import Direction, Frame
from rtcli.repl.backend import Backend, Edit
from rtcli.repl.completer import Work
from rtcli.repl.loop import run_prompt
from rtcli.views import DisplaySettings, Level, Notice, Quit, SessionStatus, SpeechDelta, SpeechDone, Text, View


@dataclass(frozen=True)
class Candidate:
    text: str
    start: int
    display: str
    meta: str


END_OF_TALK = signal.SIGUSR1
"""After this signal the program says no more words, whatever number it was to say."""

COMMANDS = ("/interrupt", "/mute", "/quit", "/slow", "/talk", "/trouble", "/unmute")


class TalkingBackend:
    """Says numbered words, `rate` a second, until it is interrupted; every line is answered with what it was."""

    def __init__(self, rate: int, words: int, refuse: bool) -> None:
        self.status = SessionStatus(connection="connecting", model="model-under-test")
        self._rate, self._words, self._refuse = rate, words, refuse
        self._show: Callable[[View], None] = lambda view: None
        self._talk: asyncio.Task[None] | None = None
        self._number = 0

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        self._show, self._edit = show, edit
        if self._refuse:
            raise ConnectError("cannot connect", why="refused", hint="start the server")
        self.status = replace(self.status, connection="connected")
        show(Notice("ready", level=Level.OK))

    async def run_line(self, line: str) -> Sequence[View]:
        command, _, rest = line.partition(" ")
        actions: dict[str, Callable[[], Sequence[View] | Awaitable[Sequence[View]]]] = {
            "/interrupt": self._interrupt,
            "/talk": self._begin,
            "/slow": self._slow,
            "/trouble": self._trouble,
            "/quit": lambda: [Quit(ExitCode(int(rest or 0)))],
            "/edit": lambda: self._edited(rest),
        }
        action = actions.get(command)
        if action is None:
            return [Text(f"got {line!r}")]
        result = action()
        return result if isinstance(result, Sequence) else await result

    def complete(self, text: str) -> Work:
        return lambda: [Candidate(name, 0, name, f"the command {name}") for name in COMMANDS if name.startswith(text)]

    async def close(self) -> None:
        if self._talk is not None:
            self._talk.cancel()

    def farewell(self) -> Sequence[View]:
        return ()

    def _interrupt(self) -> Sequence[View]:
        if self._talk is not None:
            self._talk.cancel()
        self.status = replace(self.status, responding=False)
        return [Notice("interrupted here")]

    def _begin(self) -> Sequence[View]:
        self.status = replace(self.status, responding=True)
        self._talk = asyncio.get_running_loop().create_task(self._say())
        return []

    async def _edited(self, text: str) -> Sequence[View]:
        return [Text(f"edited {await self._edit(text)!r}")]

    async def _slow(self) -> Sequence[View]:
        await asyncio.Event().wait()
        return []

    def _trouble(self) -> Sequence[View]:
        print("a tool printed this")  # noqa: T201  # as a user's tool may do
        logging.getLogger("some.library").warning("a log record")
        warnings.warn("a warning", stacklevel=1)
        raise UsageError("this went wrong", why="on purpose", hint="do not do it")

    async def _say(self) -> None:
        loop = asyncio.get_running_loop()
        began, said = loop.time(), list[str]()
        enough = asyncio.Event()
        loop.add_signal_handler(END_OF_TALK, enough.set)
        for index in range(self._words):
            if enough.is_set():
                break
            word = f"w{index:05} "
            said.append(word)
            self._number += 1
            event = {"type": "response.output_text.delta", "item_id": "item_1", "content_index": 0, "delta": word}
            self._show(Frame(self._number, loop.time() - began, Direction.RECEIVED, event, 180))
            self._show(SpeechDelta("assistant", "item_1", 0, word))
            await asyncio.sleep(max(began + (index + 1) / self._rate - loop.time(), 0))
        self._show(SpeechDone("assistant", "item_1", 0, "".join(said)))
        self.status = replace(self.status, responding=False)
        self._show(Notice("said it all"))


async def main(argv: Sequence[str]) -> ExitCode:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--events", default="off")
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--history", type=Path)
    parser.add_argument("--vi", action="store_true")
    options = parser.parse_args(argv)

    async def open_backend() -> Backend:
        return TalkingBackend(options.rate, options.words, options.refuse)

    return await run_prompt(
        open_backend,
        display=DisplaySettings(events=options.events),
        greeting=[Notice("welcome")],
        history=options.history,
        vi=options.vi,
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
