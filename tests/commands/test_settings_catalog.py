"""What completion offers for the settings of a session, and what it says of them."""

from __future__ import annotations

from rtcli.commands.settings_catalog import allowed, settable
from rtcli.protocol.models import DEFAULT_TRANSCRIBER, STORED_PROMPTS, TRANSCRIBERS, shutdown_of


def test_a_stored_prompt_is_offered_with_the_day_of_its_end() -> None:
    """Who begins with one now should know."""
    assert str(STORED_PROMPTS.day) in settable(None)["prompt"]


def test_transcribers_are_those_of_the_one_list_and_stay() -> None:
    """The first one is what the program asks for by itself."""
    offered = allowed("audio.input.transcription.model")

    assert offered == TRANSCRIBERS
    assert offered[0] == DEFAULT_TRANSCRIBER
    assert [name for name in offered if shutdown_of(name)] == []
