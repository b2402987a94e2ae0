"""Where something stands in a scenario's file, so that what is wrong with it can be found there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rtcli.errors import InputError
from rtcli.protocol.nearest import nearest_hint
from rtcli.protocol.yaml_reader import Path, Places


@dataclass(frozen=True, slots=True)
class At:
    """A value of a file, by its path in the document."""

    file: str
    places: Places
    path: Path = ()

    def inner(self, name: str | int) -> At:
        """A value within it."""
        return At(self.file, self.places, (*self.path, name))

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 1: of the value, or of what it stands in; 0 where the file has neither."""
        # From the inside out: a key that is missing has no place, what it is missing in has one.
        for size in range(len(self.path), -1, -1):
            if (found := self.places.get(self.path[:size])) is not None:
                return found
        return 0, 0

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.place[0]

    @property
    def name(self) -> str:
        """The path as a message writes it: `steps.2.expect`."""
        return ".".join(map(str, self.path))

    def error(self, why: str, hint: str = "") -> InputError:
        """What is wrong here, to be raised."""
        line, column = self.place
        return InputError(self.file, why, line=line or None, column=column or None, hint=hint)


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is unknown: the one that was probably meant, else all that there are."""
    names = list(known)
    return nearest_hint(name, names, f"known are {', '.join(names)}")
