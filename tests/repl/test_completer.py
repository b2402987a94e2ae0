"""Completion is found in a thread, from what the session knew when the key was pressed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from rtcli import masking
from rtcli.commands.known import Known
from rtcli.protocol.items import MessageItem
from rtcli.repl.completer import LineCompleter, Work
from tests.kit.sessions import live_session


@dataclass(frozen=True)
class Candidate:
    text: str
    start: int = 0
    display: str = ""
    meta: str = ""


async def completions(completer: LineCompleter, text: str) -> list[str]:
    document, event = Document(text), CompleteEvent(text_inserted=True)
    return [completion.text async for completion in completer.get_completions_async(document, event)]


async def test_the_session_is_asked_on_the_loop_and_the_work_is_done_beside_it() -> None:
    """Folders and devices may be slow; what the session holds must not change while it is read."""
    threads: dict[str, threading.Thread] = {}

    def ask(text: str) -> Work:
        threads["asked"] = threading.current_thread()

        def work() -> Iterable[Candidate]:
            threads["worked"] = threading.current_thread()
            return [Candidate(f"{text}lp")]

        return work

    assert await completions(LineCompleter(ask), "/he") == ["/help"]
    assert threads["asked"] is threading.current_thread()
    assert threads["worked"] is not threading.current_thread()


async def test_what_is_known_does_not_change_with_the_session() -> None:
    """An item that is deleted meanwhile is still offered, and harms nobody."""
    async with live_session() as live:
        live.session.state.history.update(MessageItem("item_1", "user", "completed", []))
        known = Known.of(live.context)
        live.session.state.history.remove("item_1")
        live.session.talk.send('{"type": "input_audio_buffer.clear"}')

        assert [(number, item.item_id) for number, item in known.items] == [(1, "item_1")]
        assert len(known.frames) == len(live.session.state.log) - 1
        assert Known.of(live.context).items == ()


async def test_the_menu_shows_no_secret() -> None:
    """What an item says stands beside its id."""
    masking.add_secret("Zq7canary0123")
    completer = LineCompleter(
        lambda _: lambda: [Candidate("x", display="Zq7canary0123", meta="my key is Zq7canary0123")]
    )
    (found,) = completer.get_completions(Document("/"), CompleteEvent(text_inserted=True))

    assert "Zq7" not in found.display_text + found.display_meta_text
