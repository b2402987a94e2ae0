"""What is not said to a server that does not take it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Omissions:
    """The fresh one leaves nothing out: that is the reference's way.

    `settings` are dotted paths that no session.update made of a config says (`audio.input.noise_reduction`). With
    `defaults` it says nothing but what was asked for. With `retrieve` items that changed are not asked for.
    """

    settings: set[str] = field(default_factory=set)
    defaults: bool = False
    retrieve: bool = False
