"""Completion at the prompt: what the commands know, asked for beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

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


class LineCompleter(Completer):
    """Asks a function of the text before the cursor."""

    def __init__(self, ask: Callable[[str], Iterable[Candidate]]) -> None:
        self._ask = ask

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The candidates for the text before the cursor."""
        text = document.text_before_cursor
        for candidate in self._ask(text):
            yield Completion(
                candidate.text,
                start_position=candidate.start - len(text),
                display=one_line(candidate.display),
                display_meta=one_line(candidate.meta),
            )

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """The same in a thread: folders and devices may be slow, and the conversation goes on meanwhile."""
        if not document.text:  # the line was sent before this task came to run
            return
        try:
            found = await asyncio.to_thread(lambda: list(self.get_completions(document, complete_event)))
        except RuntimeError:  # the session changed under the thread's eyes; the next key asks again
            return
        for completion in found:
            yield completion
