"""Completion at the prompt: what the commands know, asked for beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol, TypeAlias

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from rtcli.masking import masked
from rtcli.render.text import one_line


class Candidate(Protocol):
    """One way to go on: `text` replaces the line from index `start` to the cursor; a menu shows `display`, `meta`."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def display(self) -> str: ...
    @property
    def meta(self) -> str: ...


Work: TypeAlias = Callable[[], Iterable[Candidate]]
"""Finds candidates. It may run in a thread, so it has to have what it needs of the session with it."""


class LineCompleter(Completer):
    """Asks a function of the text before the cursor for the work that finds its candidates."""

    def __init__(self, ask: Callable[[str], Work]) -> None:
        self._ask = ask

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The candidates for the text before the cursor."""
        text = document.text_before_cursor
        return self._completions(text, self._ask(text))

    @staticmethod
    def _completions(text: str, work: Work) -> Iterable[Completion]:
        for candidate in work():
            yield Completion(
                candidate.text,
                start_position=candidate.start - len(text),
                display=one_line(masked(candidate.display)),
                display_meta=one_line(masked(candidate.meta)),
            )

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """The same in a thread: folders and devices may be slow, and the conversation goes on meanwhile.

        What the session knows is asked here, on the loop, where it does not change under one's eyes.
        """
        if not document.text:  # the line was sent before this task came to run
            return
        text = document.text_before_cursor
        work = self._ask(text)
        # a list: the generator itself would be consumed on the loop
        for completion in await asyncio.to_thread(lambda: list(self._completions(text, work))):
            yield completion
