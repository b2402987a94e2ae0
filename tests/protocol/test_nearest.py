"""A misspelled name is told which one was meant."""

from __future__ import annotations

from rtcli.protocol.nearest import nearest_hint, nearest_name

KNOWN = ("voice", "model", "instructions")


def test_the_nearest_name_is_proposed() -> None:
    """One alone, and none that is not like it."""
    assert nearest_name("voise", KNOWN) == "voice"
    assert nearest_name("voise", KNOWN, cutoff=0.9) is None
    assert nearest_name("zzz", KNOWN) is None


def test_a_hint_says_what_helps() -> None:
    """The name that was meant, else what the caller has to say."""
    assert nearest_hint("modle", KNOWN, "see --help") == "did you mean model?"
    assert nearest_hint("zzz", KNOWN, "see --help") == "see --help"
