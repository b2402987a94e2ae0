"""Which reply engine `--reply` names."""

from __future__ import annotations

from rtcli.errors import UsageError
from rtcli.server.replies.base import ReplyEngine


def reply_engine(choice: str) -> ReplyEngine:
    """`rules`, `echo`, `smollm`, or `openai:URL[,model]`. Raises UsageError for any other, or one not installed."""
    if choice == "rules":
        from rtcli.server.replies.rules import RulesReply

        return RulesReply()
    if choice == "echo":
        from rtcli.server.replies.echo import EchoReply

        return EchoReply()
    if choice == "smollm":
        from rtcli.server.replies.smollm import SmolLMReply

        return SmolLMReply()
    if choice.startswith("openai:"):
        from rtcli.server.replies.chat_endpoint import ChatEndpointReply

        url, _, model = choice.removeprefix("openai:").partition(",")
        return ChatEndpointReply(url, model or "default")
    raise UsageError(f"unknown reply engine {choice!r}", hint="choose rules, echo, smollm, or openai:URL[,model]")
