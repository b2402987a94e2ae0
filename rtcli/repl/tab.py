"""Tab: inserts the only candidate, however fast the key follows the letters; opens the menu where there are several."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence

from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import CompleteEvent, Completion, get_common_complete_suffix
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding.key_processor import KeyPressEvent

_MAX_SECONDS = 0.25
"""How long the prompt waits for candidates, so that Tab and Enter in one go complete first; a folder may be slow."""


class TabKey:
    """The handler of the key. It answers before the next key is looked at, unlike the completion while one types."""

    def __init__(self) -> None:
        self._inserted: Document | None = None  # what the Tab before made of the line, if it inserted a whole word

    def __call__(self, event: KeyPressEvent) -> None:
        """Insert, or show, or go on to the next candidate of a menu that one is in."""
        buffer = event.current_buffer
        again, self._inserted = self._inserted == buffer.document, None
        state = buffer.complete_state
        if state is not None and state.complete_index is not None:
            buffer.complete_next()
        elif not again:  # a second Tab right behind an inserted word changes nothing
            found = _candidates(buffer)
            best = _beginning_as_typed(buffer.document, found) or found
            if len(best) == 1:
                buffer.apply_completion(best[0])
                self._inserted = buffer.document if buffer.text.endswith(" ") else None
            elif best:
                _show(buffer, found, get_common_complete_suffix(buffer.document, best))


def _show(buffer: Buffer, found: Sequence[Completion], common: str) -> None:
    """Insert what the candidates have in common, else open the menu at the first of them."""
    if common:
        buffer.insert_text(common)
        return
    buffer.complete_state = CompletionState(buffer.document, list(found))
    buffer.on_completions_changed.fire()
    buffer.complete_next()


def _beginning_as_typed(document: Document, found: Sequence[Completion]) -> list[Completion]:
    """Without those that only contain what was typed."""
    text = document.text_before_cursor
    return [
        completion
        for completion in found
        if completion.text.lower().startswith(text[len(text) + completion.start_position :].lower())
    ]


def _candidates(buffer: Buffer) -> list[Completion]:
    """Of the line as it stands; none where they take too long."""
    document, answer = buffer.document, queue.SimpleQueue[list[Completion]]()
    completions = buffer.completer.get_completions(document, CompleteEvent(completion_requested=True))
    threading.Thread(target=lambda: answer.put(list(completions)), name="rtcli-tab", daemon=True).start()
    try:
        return answer.get(timeout=_MAX_SECONDS)
    except queue.Empty:
        buffer.start_completion()
        return []
