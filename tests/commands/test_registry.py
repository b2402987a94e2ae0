"""Commands are declared once, and found by what users type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from rtcli.commands import Command, Context, Registry, command, default_registry
from rtcli.commands.arguments import RemainingText
from rtcli.errors import UsageError
from rtcli.views import Views

REGISTRY = default_registry()
PROMISED = (
    "help|session show|session get|session set|session diff|session edit|session load|session save|mute|unmute|image|"
    "interrupt|respond|send|commit|discard|events|history|status|reconnect|quit|ptt|play|audio list|audio in|audio out|"
    "echo|filter|last|show|grep|why|mark|model|voice|instructions|vad|tools|modalities|new|tool|approve|deny|item|"
    "delete|truncate|reset|export|stats|usage|limits"
)


def test_every_promised_command_is_there() -> None:
    """Removing or renaming one is a change that users notice."""
    assert [name for name in PROMISED.split("|") if name not in REGISTRY.names] == []


@pytest.mark.parametrize("entry", list(REGISTRY), ids=lambda entry: entry.name)
def test_every_command_has_a_summary_and_a_usage(entry: Command) -> None:
    """Help is written where the command is."""
    assert entry.summary.endswith(
        (".", "?", "=high", "=marin", "=500", "turn_detection", "set", "error", "done", "json")
    )
    assert entry.usage.startswith(f"/{entry.name}")
    assert len(entry.summary) < 120


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("mute", "mute", ""),
        ("session", "session show", ""),
        ("session diff", "session diff", ""),
        ("session set a=b c", "session set", "a=b c"),
        ("sess di", "session diff", ""),
        ("unm", "unmute", ""),
        ("q", "quit", ""),
        ("?  mute", "help", "mute"),
        ("set x=1", "session set", "x=1"),
        ("audio", "audio list", ""),
        ("audio out USB Headset", "audio out", "USB Headset"),
        ("stop", "interrupt", ""),
    ],
)
def test_names_aliases_and_unique_prefixes_resolve(line: str, name: str, rest: str) -> None:
    """What is unique needs not be typed to its end."""
    entry, remainder = REGISTRY.resolve(line)

    assert (entry.name, remainder) == (name, rest)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mut3", "did you mean /mute?"),
        ("histroy", "did you mean /history?"),
        ("session dif3", "did you mean /session diff?"),
        ("xyzzy", "/help lists the commands"),
        ("", "/help lists the commands"),
        ("in", "/instructions"),
        ("session s", "/session set"),
    ],
)
def test_what_does_not_resolve_suggests_the_nearest(line: str, said: str) -> None:
    """A slip costs a look, not a search."""
    with pytest.raises(UsageError) as caught:
        REGISTRY.resolve(line)

    assert said in f"{caught.value.why} {caught.value.hint}"


@pytest.mark.parametrize("line", ["n", "ne", "clear", "res", "del x", "trunc x 1", "disc", "discon", "clea"])
def test_what_destroys_has_to_be_typed_in_full(line: str) -> None:
    """A letter too few must not cost the conversation."""
    with pytest.raises(UsageError):
        REGISTRY.resolve(line)


def test_what_destroys_is_named_behind_its_beginning() -> None:
    """And what other programs call /clear."""
    for line, said in (("n", "/new has to be typed in full"), ("clear", "/new begins an empty conversation")):
        with pytest.raises(UsageError) as caught:
            REGISTRY.resolve(line)
        assert said in caught.value.hint


def test_a_group_without_a_default_needs_its_second_word() -> None:
    """The message lists them."""
    registry = Registry([command("group one", topic="app")(sample), command("group two", topic="app")(sample)])

    with pytest.raises(UsageError, match="one, two"):
        registry.resolve("group")


def sample(context: Context, name: str, mode: Literal["a", "b"] | None = None, *, loud: bool = False) -> Views:
    """Do something."""


def test_a_signature_is_the_usage_line() -> None:
    """Required, optional, a choice and a flag."""
    assert command("sample", topic="app")(sample).usage == "/sample NAME [a|b] [--loud]"


def odd(context: Context, value: set[int]) -> Views:
    """Odd."""


def unannotated(context: Context, value) -> Views:  # type: ignore[no-untyped-def]
    """Unannotated."""


def undocumented(context: Context) -> Views: ...


def two_kinds(context: Context, value: Annotated[int, "no kind"]) -> Views:
    """Two."""


@pytest.mark.parametrize("handler", [odd, unannotated, undocumented, two_kinds])
def test_a_declaration_that_makes_no_sense_fails_at_load(handler: Any) -> None:
    """Not when somebody types it."""
    with pytest.raises(TypeError, match="/bad"):
        command("bad", topic="app")(handler)


def test_an_unknown_topic_fails_at_load() -> None:
    """Help would have no place for it."""
    with pytest.raises(TypeError, match="topic"):
        command("bad", topic="misc")


def test_a_name_is_declared_once() -> None:
    """An alias cannot take another command's name."""

    def text(context: Context, text: RemainingText) -> Views:
        """Text."""

    entry = command("one", topic="app", aliases=("uno",))(text)
    with pytest.raises(ValueError, match="twice"):
        Registry([entry, command("uno", topic="app")(text)])
