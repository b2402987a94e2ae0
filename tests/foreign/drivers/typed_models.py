"""Holds every event against the typed models of the official package: strictly, and with no field unknown to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, ValidationError

# What the API really sends although the package's models do not have it: session.created's own keys, the padding of
# deltas, and what reasoning models add. Everything else that the models do not know is a mistake of the server.
_KNOWN_EXTRAS = re.compile(
    r"(?:.*\.)?obfuscation"
    r"|session\.(?:object|id|expires_at)"
    r"|.*\.output_token_details\.reasoning_tokens"
    r"|(?:.*\.)?phase"
)

_MOST_LINES = 5  # of one event: a union tells all that it might have been


def _models() -> dict[str, type[BaseModel]]:
    """The model of each event type: the members of the package's union, by what their `type` has to be."""
    union, *_ = get_args(RealtimeServerEvent)
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(union)}


class TypedModels:
    """Counts events by type, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._models = _models()

    def read(self, event: dict[str, Any]) -> None:
        """One event of the server, as it came."""
        name = str(event.get("type"))
        self.counts[name] += 1
        if name not in self._models:
            self.problems.append(f"{name}: no such event")
            return
        try:
            model = self._models[name].model_validate(event, strict=True)
        except ValidationError as error:
            details = error.errors()[:_MOST_LINES]
            self.problems += [f"{name}: {'.'.join(map(str, line['loc']))}: {line['msg']}" for line in details]
            return
        self.problems += [f"{name}: {path} is unknown to the models" for path in unknown_fields(model)]


def unknown_fields(model: Any, path: str = "") -> Iterator[str]:
    """The dotted path of every field, at any depth, that no model declares."""
    if isinstance(model, BaseModel):
        extras = model.model_extra or {}
        here = [f"{path}{name}" for name in extras]
        yield from (name for name in here if not _KNOWN_EXTRAS.fullmatch(name))
        for name in model.model_fields_set - extras.keys():
            yield from unknown_fields(getattr(model, name), f"{path}{name}.")
    elif isinstance(model, list):
        for index, member in enumerate(model):
            yield from unknown_fields(member, f"{path}{index}.")
