"""Names of models, and the days on which OpenAI switches some of them off."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rtcli.protocol.models import (
    DEFAULT_MODEL,
    DEFAULT_TRANSCRIBER,
    MODELS,
    REFERENCE_TRANSCRIBER,
    STORED_PROMPTS,
    TRANSCRIBERS,
    shutdown_of,
    shutdowns_in,
)


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("gpt-realtime", date(2027, 1, 20)),
        ("gpt-realtime-2025-08-28", date(2027, 1, 20)),
        ("gpt-4o-mini-transcribe-2025-12-15", date(2027, 2, 26)),
        ("gpt-realtime-2.1", None),
        ("my-deployment", None),
        (None, None),
        (5, None),
    ],
)
def test_a_model_and_its_snapshots_go_on_one_day(model: object, day: date | None) -> None:
    """And what is not in the table is not said to go."""
    shutdown = shutdown_of(model)

    assert (shutdown and shutdown.day) == day


def test_nothing_that_is_offered_or_asked_for_goes() -> None:
    """The one name that does is the library's default, which is the reference's."""
    assert [name for name in (*MODELS, *TRANSCRIBERS) if shutdown_of(name)] == []
    assert DEFAULT_MODEL in MODELS
    assert DEFAULT_TRANSCRIBER in TRANSCRIBERS
    assert shutdown_of(REFERENCE_TRANSCRIBER) is not None


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 11, 26), "OpenAI switches stored prompts off on 2026-11-30, in 4 days"),
        (date(2026, 11, 29), "OpenAI switches stored prompts off on 2026-11-30, in 1 day"),
        (date(2026, 11, 30), "OpenAI switched stored prompts off on 2026-11-30"),
        (date(2027, 3, 1), "OpenAI switched stored prompts off on 2026-11-30"),
    ],
)
def test_a_shutdown_in_words(today: date, words: str) -> None:
    """Before and after."""
    assert STORED_PROMPTS.sentence(today) == words


@pytest.mark.parametrize(
    ("model", "config", "names"),
    [
        ("gpt-realtime-2.1", {}, []),
        ("gpt-realtime", {"prompt": None}, ["gpt-realtime"]),
        (None, {"prompt": {"id": "p"}}, ["stored prompts"]),
        (None, {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}, ["whisper-1"]),
        (None, {"audio": {"input": {"transcription": None}}}, []),
        (None, {"audio": {"input": None}}, []),
        (None, {"audio": 5}, []),
    ],
)
def test_what_of_a_session_goes(model: str | None, config: dict[str, Any], names: list[str]) -> None:
    """Its model, its transcriber, its prompt; odd shapes name nothing."""
    assert [shutdown.name for shutdown in shutdowns_in(model, config)] == names
