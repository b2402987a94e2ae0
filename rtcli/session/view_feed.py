"""Who watches a session: every subscriber gets every view in order, whatever another subscriber does with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from rtcli.views import Level, Notice, View

Show: TypeAlias = Callable[[View], None]

logger = logging.getLogger("rtcli.session")


class ViewFeed:
    """Hands views on. While it holds, errors wait: an error while we connect may be why that fails, and is raised."""

    def __init__(self) -> None:
        # Each with a token of its own, as a function may subscribe twice; replaced when one comes or goes.
        self._subscribers: tuple[tuple[object, Show], ...] = ()
        self._reported: set[object] = set()  # subscribers that raised once
        self._held: list[Notice] | None = None

    def __repr__(self) -> str:
        held = "" if self._held is None else f", {len(self._held)} errors held"
        return f"<ViewFeed: {len(self._subscribers)} subscribers{held}>"

    def subscribe(self, show: Show) -> Callable[[], None]:
        """Call `show` for every view from now on; the function that is returned ends that, called once or more."""
        token = object()
        self._subscribers = (*self._subscribers, (token, show))

        def unsubscribe() -> None:
            self._subscribers = tuple(entry for entry in self._subscribers if entry[0] is not token)
            self._reported.discard(token)

        return unsubscribe

    def show(self, view: View) -> None:
        """Hand a view to every subscriber. One that raises is logged once, and keeps the view from nobody."""
        if self._held is not None and isinstance(view, Notice) and view.level is Level.ERROR:
            self._held.append(view)
            return
        for token, show in self._subscribers:
            try:
                show(view)
            except Exception as error:  # it is theirs, whatever it is
                if token not in self._reported:
                    self._reported.add(token)
                    logger.error("a subscriber of the session raised", exc_info=error)

    def hold_errors(self) -> None:
        """Keep errors back from now on."""
        self._held = []

    def release_errors(self) -> bool:
        """Show the errors that were kept back, and every later one at once; whether there were any."""
        held, self._held = self._held or [], None
        for notice in held:
            self.show(notice)
        return bool(held)

    def drop_errors(self) -> None:
        """Forget the errors that were kept back: they are raised instead."""
        self._held = None
