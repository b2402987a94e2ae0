"""What a shell offers for the values of options; what cannot be found is not offered, without a message."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from rtcli.config.settings import BY_NAME, load_settings
from rtcli.errors import RtcliError

Values: TypeAlias = list[str] | list[tuple[str, str]]
"""Values, or values with what they mean, which zsh and fish show too."""


def one_of(*values: str) -> Callable[[str], Values]:
    """Offers these values."""

    def complete(incomplete: str) -> Values:
        return _starting(incomplete, values)

    return complete


def setting(name: str) -> Callable[[str], Values]:
    """Offers the choices of a setting."""
    return one_of(*BY_NAME[name].choices)


def profiles(incomplete: str) -> Values:
    """The profiles of the settings."""
    with suppress(RtcliError):
        return _starting(incomplete, load_settings().profiles)
    return []


def models(incomplete: str) -> Values:
    """Models that talk."""
    from rtcli.protocol.models import MODELS

    return _starting(incomplete, MODELS)


def voices(incomplete: str) -> Values:
    """The voices of the API."""
    from rtcli.commands.settings_catalog import VOICES

    return _starting(incomplete, VOICES)


def server_events(incomplete: str) -> Values:
    """Types of the server's events, with their meaning."""
    from rtcli.protocol.catalog import event_types
    from rtcli.protocol.record import Direction

    rows = event_types(Direction.RECEIVED)
    return [(row.name, row.meaning) for row in rows if row.name.startswith(incomplete)]


def rules(incomplete: str) -> Values:
    """The rules of `rtcli check`, with what each says."""
    from rtcli.lint import RULES

    return [(rule.id, rule.sentence) for rule in RULES if rule.id.startswith(incomplete)]


def conditions(incomplete: str) -> Values:
    """What `rtcli diff --fail-on` takes."""
    from rtcli.timeline.conditions import CONDITIONS

    return _starting(incomplete, CONDITIONS)


def microphones(incomplete: str) -> Values:
    """The microphones of this machine, by number: a name may hold spaces."""
    return _devices("input", incomplete)


def speakers(incomplete: str) -> Values:
    """The speakers of this machine."""
    return _devices("output", incomplete)


def _devices(kind: str, incomplete: str) -> Values:
    from rtcli.audio.devices import list_devices

    with suppress(RtcliError):
        found = [d for d in list_devices() if (d.inputs if kind == "input" else d.outputs)]
        return [(str(d.index), d.name) for d in found if str(d.index).startswith(incomplete)]
    return []


def _starting(incomplete: str, values: Iterable[str]) -> Values:
    return [value for value in values if value.startswith(incomplete)]
