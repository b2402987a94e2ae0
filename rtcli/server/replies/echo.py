"""A reply that gives back what the user said: `--reply echo`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from rtcli.server.replies.base import Piece, Play, ReplyRequest, Say, by_role, text_of, turn_start


class EchoReply:
    """Gives the turn back: text as text, and the user's own audio as audio."""

    name = "echo"

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """The words of the turn; audio is played back, with what the recognizer made of it as its text."""
        for item in by_role(request.context[turn_start(request.context) :], "user"):
            if item.audio:
                for pcm in item.audio.values():
                    yield Play(bytes(pcm), text_of(item))
                continue
            for word in re.findall(r"\S+\s*", text_of(item)):
                yield Say(word)
