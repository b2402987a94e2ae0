"""What `quick` makes is what its class makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from rtcli.protocol.payloads import OutputTextDelta, TranscriptDelta, TransportAudio
from rtcli.protocol.quick_values import quick


@dataclass(frozen=True, slots=True)
class Sample:
    """Every kind of field."""

    name: str
    tags: list[str] = field(default_factory=list)
    size: int = 3
    kind: ClassVar[str] = "sample"


CASES = [
    (Sample, ("a",)),
    (Sample, ("a", ["b"], 4)),
    (TransportAudio, (b"\0\1", "resp_1", "item_1", 0)),
    (TransportAudio, (b"\0\1", "resp_1", "item_1", 0, True)),
    (TranscriptDelta, ("Hi", "item_1", "resp_1")),
    (OutputTextDelta, ("Hi", "item_1", "resp_1")),
]


@pytest.mark.parametrize(("cls", "values"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_it_is_the_same_value(cls: Any, values: tuple[Any, ...]) -> None:
    """Of the same class, equal both ways, shown alike, and as good to copy and to match."""
    made, usual = quick(cls)(*values), cls(*values)

    assert type(made) is cls
    assert made == usual
    assert usual == made
    assert repr(made) == repr(usual)
    assert copy.copy(made) == pickle.loads(pickle.dumps(made)) == usual
    assert dataclasses.asdict(made) == dataclasses.asdict(usual)


@pytest.mark.parametrize(("cls", "values"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_it_cannot_be_changed(cls: Any, values: tuple[Any, ...]) -> None:
    """Neither what is there nor by something new."""
    made = quick(cls)(*values)

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(cls)[0].name, None)
    with pytest.raises((AttributeError, TypeError)):
        made.other = 1


def test_two_of_them_share_no_default() -> None:
    """A list of its own for each."""
    make = quick(Sample)
    make("a").tags.append("b")

    assert make("a").tags == []
