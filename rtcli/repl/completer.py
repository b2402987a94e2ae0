"""Completion at the prompt: what the commands know, asked for in the background."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from rtcli.render.text import one_line


class Candidate(Protocol):
    """One way to go on: `text` replaces the line from `start` (counted from its beginning) up to the cursor."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def meaning(self) -> str: ...


class LineCompleter(Completer):
    """Asks a function of the text before the cursor. It may be missing yet: the session loads behind the prompt."""

    def __init__(self, ask: Callable[[str], Iterable[Candidate]]) -> None:
        self._ask = ask

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The candidates for the text before the cursor."""
        text = document.text_before_cursor
        for candidate in self._ask(text):
            yield Completion(
                candidate.text,
                start_position=candidate.start - len(text),
                display=one_line(candidate.text),
                display_meta=one_line(candidate.meaning),
            )

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """The same, given up between two candidates as soon as the text has changed."""
        for completion in self.get_completions(document, complete_event):
            yield completion
