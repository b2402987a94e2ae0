"""The tools of a file: functions of a `.py` file, schemas of a `.json` file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rtcli.errors import InputError
from rtcli.reading import read_text
from rtcli.session.tools.tool import NotAToolError, Tool
from rtcli.views import Level, Notice

_WHAT_A_TOOL_IS = {
    ".py": "a tool is a public function whose arguments have annotations",
    ".json": 'a tool is an object: {"type": "function", "name": ..., "description": ..., "parameters": a JSON schema}',
}


@dataclass(frozen=True, slots=True)
class ToolFile:
    """A file and its tools. `notices` tell what is in it and is no part of them."""

    path: Path
    tools: tuple[Tool, ...]
    notices: tuple[Notice, ...] = ()


def load_tools(path: Path) -> ToolFile:
    """Read a `.py` or `.json` file. Raises InputError that names what is wrong and where."""
    loaders = {".py": _from_python, ".json": _from_json}
    if path.suffix not in loaders:
        raise InputError(str(path), "expected a .py or a .json file")
    file = loaders[path.suffix](path)
    if not file.tools:
        why = "; ".join(filter(None, (notice.why for notice in file.notices)))
        raise InputError(str(path), why or "it contains no tool", hint=_WHAT_A_TOOL_IS[path.suffix])
    twice = [name for name, count in Counter(tool.name for tool in file.tools).items() if count > 1]
    if twice:
        raise InputError(str(path), f"two tools are named {twice[0]!r}")
    return file


def _from_json(path: Path) -> ToolFile:
    from rtcli.session.tools.json_file import tools_in_json

    tools, left_out = tools_in_json(read_text(path), str(path))
    notices = [
        Notice(f"{path.name}: left out, the Realtime API does not take it", why=line, level=Level.WARNING)
        for line in left_out
    ]
    return ToolFile(path, tuple(tools), tuple(notices))


def _from_python(path: Path) -> ToolFile:
    from rtcli.session.tools.python_file import load_module, public_functions
    from rtcli.session.tools.signature import tool_of

    module, tree = load_module(path)
    tools, notices = [], []
    for name, function in public_functions(module, tree):
        try:
            tools.append(tool_of(function, name))
        except NotAToolError as error:
            why = f"{name}: {error}"
            notices.append(Notice(f"{path.name}: not a tool", why=why, level=Level.WARNING))
    return ToolFile(path, tuple(tools), tuple(notices))
