"""Replies from any chat endpoint that speaks OpenAI's chat completions: `--reply openai:URL[,model]`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.errors import ConnectError, UsageError
from rtcli.http.client import shown, stream
from rtcli.masking import add_secret, add_url
from rtcli.protocol.events import WireObject, read_json
from rtcli.request_head import checked_key
from rtcli.server.replies.base import Call, Fail, OfferedTool, Piece, ReplyRequest, Say, text_of
from rtcli.server.session.items import ConversationItem

KEY_VARIABLE = "RTCLI_REPLY_KEY"
_TIMEOUT_SECONDS = 60.0  # a large model on a small machine takes its time for the first token


class ChatEndpointReply:
    """Streams from `URL/chat/completions`. The key comes from RTCLI_REPLY_KEY and from nowhere else."""

    def __init__(
        self, url: str, model: str = "default", key: str | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        """`url` is the base, like http://127.0.0.1:11434/v1; `options` go into every request.

        Raises UsageError for an address that is not http or https.
        """
        add_url(url)
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"{url!r} is not the address of a chat endpoint", hint="write openai:http://HOST:PORT/v1,MODEL"
            )
        # the base is what OpenAI's clients take; the whole address is taken too
        self._url = url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
        self._model = model
        self._options = dict(options or {})
        # never OPENAI_API_KEY: the endpoint is anyone's
        key = os.environ.get(KEY_VARIABLE) if key is None else key
        if key:
            add_secret(key)
        self._headers = {"Authorization": f"Bearer {checked_key(key, KEY_VARIABLE)}"} if key else {}
        self.name = f"{model} at {shown(url)}"

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """Text as it arrives, then calls. What goes wrong at the endpoint fails the response, with its reason."""
        messages = _messages(request)
        body = {"model": self._model, "stream": True, "messages": messages, **self._options, **_tools(request)}
        if isinstance(request.max_output_tokens, int):
            body["max_tokens"] = request.max_output_tokens
        calls: dict[int, _PartialCall] = {}  # by their index in the message
        try:
            async with stream(
                "POST", self._url, json=body, headers=self._headers, timeout=_TIMEOUT_SECONDS
            ) as response:
                async for delta in _deltas(response.aiter_lines()):
                    if text := delta.get("content"):
                        yield Say(str(text))
                    for part in delta.get("tool_calls") or ():
                        calls.setdefault(part.get("index", 0), _PartialCall()).add(part.get("function") or {})
        except ConnectError as error:
            yield _failure(f"{error}")
            return
        # a model may call what was not offered; the client sees that as it is
        known = {tool.name: tool for tool in request.tools}
        for call in calls.values():
            yield Call(known.get(call.name, OfferedTool(call.name, "", {})), "".join(call.arguments) or "{}")


@dataclass(slots=True)
class _PartialCall:
    """A call whose arguments arrive in pieces."""

    name: str = ""  # comes with the first piece
    arguments: list[str] = field(default_factory=list)

    def add(self, function: Mapping[str, Any]) -> None:
        self.name = self.name or str(function.get("name") or "")
        self.arguments.append(str(function.get("arguments") or ""))


async def _deltas(lines: AsyncIterator[str]) -> AsyncIterator[WireObject]:
    """The deltas of a stream of server-sent events; anything else in it is skipped."""
    async for line in lines:
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        try:
            chunk = read_json(data)
        except ValueError:
            continue  # a comment, or a keep-alive of the endpoint's own kind
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        if choices and isinstance(choices[0], dict) and isinstance(choices[0].get("delta"), dict):
            yield choices[0]["delta"]


def _failure(reason: str) -> Fail:
    error = {"type": "server_error", "code": "reply_endpoint_failed", "message": f"The chat endpoint failed. {reason}"}
    return Fail(error)


def _messages(request: ReplyRequest) -> list[WireObject]:
    """A Realtime context as chat messages."""
    messages: list[WireObject] = [{"role": "system", "content": request.instructions}] if request.instructions else []
    for item in request.context:
        make = _MESSAGES.get(item.wire["type"])
        if make:
            messages.append(make(item))
    return messages


def _message(item: ConversationItem) -> WireObject:
    images = [part for part in item.wire["content"] if part["type"] == "input_image"]
    # without a recognizer the model must at least learn that something was said
    text = text_of(item) or ("(speech that was not understood)" if item.audio else "")
    if not images:
        return {"role": item.wire["role"], "content": text}
    parts: list[WireObject] = [{"type": "image_url", "image_url": {"url": image["image_url"]}} for image in images]
    return {"role": item.wire["role"], "content": [*([{"type": "text", "text": text}] if text else []), *parts]}


def _call(item: ConversationItem) -> WireObject:
    function = {"name": item.wire["name"], "arguments": item.wire["arguments"]}
    call = {"id": item.wire["call_id"], "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _output(item: ConversationItem) -> WireObject:
    return {"role": "tool", "tool_call_id": item.wire["call_id"], "content": item.wire["output"]}


_MESSAGES = {"message": _message, "function_call": _call, "function_call_output": _output}


def _tools(request: ReplyRequest) -> WireObject:
    if not request.tools:
        return {}
    functions = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
        for t in request.tools
    ]
    choice = request.tool_choice
    if isinstance(choice, Mapping):
        choice = {"type": "function", "function": {"name": choice.get("name") or request.tools[0].name}}
    return {"tools": functions, "tool_choice": choice, "parallel_tool_calls": request.parallel_tool_calls}
