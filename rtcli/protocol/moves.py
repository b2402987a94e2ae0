"""The rule of every state machine: an Enum of states, an Enum of events, one table; a pair without a row raises."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

State = TypeVar("State", bound=Enum)
Moved = TypeVar("Moved", bound=Enum)


class IllegalMoveError(RuntimeError):
    """A mistake of ours: something happened that cannot happen in this state."""


def move(table: Mapping[tuple[State, Moved], State], state: State, event: Moved) -> State:
    """The state after `event`. Raises IllegalMoveError for a pair that the table does not have."""
    try:
        return table[state, event]
    except KeyError:
        raise IllegalMoveError(f"{event.name} while {state.name}") from None
