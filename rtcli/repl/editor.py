"""Text in the user's own editor, while the prompt steps back."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping

from prompt_toolkit.application import run_in_terminal

from rtcli.errors import UsageError
from rtcli.files import write_file
from rtcli.reading import read_text
from rtcli.repl.live import LiveWriter

_EDITORS = ("VISUAL", "EDITOR")
_FALLBACK = "vi"  # POSIX promises it


async def edit(text: str, writer: LiveWriter, environ: Mapping[str, str] = os.environ) -> str | None:
    """What the user made of the text; None if nothing was changed.

    The event loop goes on meanwhile; what there is to show waits. Raises UsageError when the editor fails.
    """
    command = next((environ[name] for name in _EDITORS if environ.get(name)), _FALLBACK)
    with writer.paused():
        changed = await run_in_terminal(lambda: _edited(command, text), in_executor=True)
    return None if changed == text else changed


def _edited(command: str, text: str) -> str:
    from pathlib import Path

    hint = "set EDITOR to your editor"
    with tempfile.TemporaryDirectory(prefix="rtcli-") as folder:
        # the suffix tells an editor how to color and to indent it
        file = Path(folder, "edit.json" if text.lstrip().startswith(("{", "[")) else "edit.txt")
        write_file(file, text)
        try:
            # EDITOR may hold arguments: "code --wait"
            code = subprocess.call([*shlex.split(command), str(file)])
        except (OSError, ValueError) as error:
            raise UsageError(f"the editor {command!r} cannot be started", why=str(error), hint=hint) from error
        if code:
            raise UsageError(f"the editor {command!r} failed", why=f"exit code {code}", hint=hint)
        return read_text(file)
