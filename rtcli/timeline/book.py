"""The turns of a session, and which of them a frame, a response, an item or a call belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from rtcli.masking import masked_start
from rtcli.protocol.playback import PartKey
from rtcli.protocol.remember import remember
from rtcli.timeline.turns import Moment, SpokenPart, Turn, TurnKind, TurnResponse

MAX_TURNS = 1000
"""Older turns are forgotten; their numbers stay theirs."""

_MAX_TEXT = 4000

_MAX_NAMES = 4 * MAX_TURNS  # a turn with a tool call has about so many frames, items and responses


def kept_text(text: str) -> str:
    """The characters that are kept of a text."""
    return masked_start(text, _MAX_TEXT, "")


class Turns:
    """Owns the turns. A turn that nothing was asked in yet is taken for what the user does next."""

    def __init__(self) -> None:
        self._turns: dict[int, Turn] = {}
        self._count = 0
        self._frames: dict[int, tuple[Turn, Moment]] = {}  # those that may lead to a response
        self._items: dict[str, Turn] = {}
        self._calls: dict[str, Turn] = {}
        self._responses: dict[str, tuple[Turn, TurnResponse]] = {}
        self._parts: dict[PartKey, tuple[Turn, SpokenPart]] = {}
        self.changes = 0  # counts what may have changed a turn, its audio left out
        self.current: Turn | None = None  # the newest that is the user's
        self.asking: Turn | None = None  # what the next request is for, as far as the frames before it say

    @property
    def all(self) -> Sequence[Turn]:
        """All turns that are kept, oldest first."""
        return tuple(self._turns.values())

    def get(self, number: int) -> Turn | None:
        """The turn with a number."""
        return self._turns.get(number)

    def open(self, kind: TurnKind, moment: Moment) -> Turn:
        """The turn that begins now."""
        turn = self.current
        if kind is not TurnKind.OUT_OF_BAND and turn is not None and turn.is_empty:
            # Speech that was cleared and then typed: it is the turn that it ends up as.
            if kind in (TurnKind.SPOKEN, TurnKind.TYPED):
                turn.kind, turn.begun = kind, moment
            return turn
        self._count += 1
        turn = Turn(self._count, kind, moment)
        remember(self._turns, turn.number, turn, MAX_TURNS)
        if kind is not TurnKind.OUT_OF_BAND:
            self.current = turn
        return turn

    def note_frame(self, number: int, turn: Turn, asked: Moment) -> None:
        """This frame may lead to a response of the turn, which then counts as asked for at a moment."""
        remember(self._frames, number, (turn, asked), _MAX_NAMES)

    def of_frame(self, number: int | None) -> tuple[Turn, Moment] | None:
        """The turn of a frame that was noted, and when it asked."""
        return self._frames.get(number or 0)  # no frame has number 0

    def note_item(self, item_id: object, turn: Turn) -> None:
        """This item belongs to the turn."""
        if isinstance(item_id, str):
            remember(self._items, item_id, turn, _MAX_NAMES)

    def of_item(self, item_id: object) -> Turn | None:
        """The turn that an item came in."""
        return self._items.get(item_id) if isinstance(item_id, str) else None

    def note_call(self, call_id: str, turn: Turn) -> None:
        """The model called in this turn."""
        remember(self._calls, call_id, turn, _MAX_NAMES)

    def of_call(self, call_id: object) -> Turn | None:
        """The turn that a call was made in."""
        return self._calls.get(call_id) if isinstance(call_id, str) else None

    def add_response(self, turn: Turn, response: TurnResponse) -> None:
        """A response of the turn has begun."""
        turn.responses.append(response)
        remember(self._responses, response.id, (turn, response), _MAX_NAMES)

    def response(self, response_id: object) -> tuple[Turn, TurnResponse] | None:
        """A response and its turn."""
        return self._responses.get(response_id) if isinstance(response_id, str) else None

    def add_part(self, turn: Turn, response: TurnResponse, part: SpokenPart) -> None:
        """Audio of a new content part arrives."""
        response.parts[part.key] = part
        remember(self._parts, part.key, (turn, part), _MAX_NAMES)
        self.note_item(part.key[0], turn)

    def part(self, key: PartKey) -> tuple[Turn, SpokenPart] | None:
        """The audio of a content part, and its turn."""
        return self._parts.get(key)
