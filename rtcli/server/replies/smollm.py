"""Replies from SmolLM2, a very small language model, where somebody installed it: `--reply smollm`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rtcli.errors import UsageError
from rtcli.server.replies.base import Piece, ReplyRequest


class SmolLMReply:
    """Placeholder."""

    name = "SmolLM2"

    def __init__(self) -> None:
        raise UsageError("SmolLM2 is not installed")

    def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        raise NotImplementedError
