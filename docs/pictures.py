"""Draws the README's pictures: the real program in the screen of the terminal tests. python -m docs.pictures --write

A picture is written anew when its words have changed; times, counts and ids differ in every run and do not matter.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.style import Style
from rich.text import Text

from rtcli.dsp.wav import write_wav
from tests.kit.terminal import Terminal

IMAGES = Path(__file__).parent / "images"
_SLOW = 60.0  # seconds: the speech engines have to load
_NAMES = {"brown": "yellow", "brightbrown": "bright_yellow", "default": None}
_TURN = (Path(__file__).parent.parent / "examples" / "turn.json").read_text(encoding="utf-8")

# rich's own template fetches a font from elsewhere; a page that shows a picture should not.
_TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """`play` watches and types while `argv` runs in a terminal of this size; `files` make what lies in its folder."""

    title: str
    argv: tuple[str, ...]
    play: Callable[[Terminal], None]
    files: Mapping[str, Callable[[Path], None]]
    lines: int
    columns: int = 100


def _chat(*options: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "rtcli", "chat", "--local", *options)


def _interruption(terminal: Terminal) -> None:
    terminal.wait_for("engines:", deadline=_SLOW)
    terminal.send("/play question.wav --commit\r")
    terminal.wait_for("12, 13, 14", deadline=_SLOW)
    terminal.send("\x1b")
    terminal.wait_for("not heard", deadline=_SLOW)
    terminal.wait_for(lambda: _is_idle(terminal), deadline=_SLOW)


def _events(terminal: Terminal) -> None:
    terminal.wait_for("engines:", deadline=_SLOW)
    terminal.send("hello\r")
    terminal.wait_for("rate_limits", deadline=_SLOW)
    created = next(row.split()[0] for row in terminal.rows() if " response.created " in row)
    terminal.send(f"/why {created}\r")
    terminal.wait_for("triggered by", deadline=_SLOW)
    terminal.wait_for(lambda: _is_idle(terminal), deadline=_SLOW)


def _is_idle(terminal: Terminal) -> bool:
    """Whether the prompt is empty, and the line below it tells of nothing that still happens."""
    *_, prompt, toolbar = terminal.shown()
    return prompt == "›" and "speaking" not in toolbar and "answering" not in toolbar


def _to_the_end(terminal: Terminal) -> None:
    terminal.wait_exit(deadline=_SLOW)


def _question(file: Path) -> None:
    from rtcli.server.voice.synthesizer import HibariVoice  # noqa: PLC0415  (of the voice extra)

    speech = HibariVoice.load().speak("Please count to fifty.", "shimmer", 1.0)
    write_wav(file, b"".join(chunk.pcm for chunk in speech), 24_000)


def _turn(file: Path) -> None:
    file.write_text(_TURN, encoding="utf-8")


_SHELL = r"""
show() { printf '\033[1;32m$\033[0m %s\n' "$1"; eval "$1"; }
show "rtcli send-event turn.json --local | jq -r .type | sort | uniq -c"
show "rtcli send-event turn.json --local | jq 'select(.type == \"response.done\").response.output[].content'"
show "echo '{\"type\": \"response.cancel\"}' | rtcli send-event - --local >answer.ndjson; echo exit code \$?"
show "tail -n 1 answer.ndjson | jq .error"
"""

SCENES: Mapping[str, Scene] = {
    "interruption": Scene(
        "a spoken turn, interrupted",
        _chat("--audio-out", "answer.wav"),
        _interruption,
        {"question.wav": _question},
        lines=14,
    ),
    "events": Scene("every event, and why", _chat("--text", "--events", "summary"), _events, {}, lines=36),
    "send-event": Scene(
        "send-event into jq", ("bash", "-c", _SHELL), _to_the_end, {"turn.json": _turn}, lines=40, columns=110
    ),
}


def missing(name: str) -> str:
    """What this machine lacks to play a scene, or ""."""
    if name == "send-event":
        return "" if shutil.which("jq") else "jq"
    if name == "interruption":
        try:
            import hibari  # noqa: F401, PLC0415
        except ImportError:
            return "rtcli[voice]"
    return ""


def play(scene: Scene) -> list[Text]:
    """The rows of the screen when the scene is over, in their colors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, make in scene.files.items():
            make(folder / file)
        program = folder / "bin" / "rtcli"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rtcli "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        environ = {variable: str(folder) for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "SCENE")}
        path = f"{program.parent}:/usr/local/bin:/usr/bin:/bin"
        inside = ("sh", "-c", 'cd "$SCENE" && exec "$@"', "sh", *scene.argv)
        with Terminal(
            inside,
            columns=scene.columns,
            lines=scene.lines,
            environ={**environ, "PATH": path, "OPENAI_API_KEY": "", "COLORTERM": "truecolor"},
        ) as terminal:
            scene.play(terminal)
            return list(_rows(terminal))


def _rows(terminal: Terminal) -> Iterator[Text]:
    screen = terminal.screen
    shown = max(number for number, row in enumerate(screen.display) if row.strip()) + 1
    for number in range(shown):
        row = Text()
        cells = (screen.buffer[number][column] for column in range(screen.columns))
        for style, run in groupby(cells, _style):
            row.append("".join(cell.data for cell in run), style)
        row.rstrip()
        yield row


def _style(cell: Any) -> Style:
    return Style(
        color=_color(cell.fg),
        bgcolor=_color(cell.bg),
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        reverse=cell.reverse,
    )


def _color(name: str) -> str | None:
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    return _NAMES.get(name, name.replace("bright", "bright_"))


def svg(scene: Scene, rows: list[Text]) -> str:
    """The picture of a screen."""
    console = Console(
        record=True, width=scene.columns, file=io.StringIO(), color_system="truecolor", legacy_windows=False
    )
    for row in (*rows, Text()):  # the last one is room below
        console.print(row, no_wrap=True, overflow="crop")
    return console.export_svg(title=scene.title, code_format=_TEMPLATE, unique_id="rtcli")


def words(rows: list[str]) -> list[str]:
    """What of a screen is the same in every run, in an order that is: lines of two writers may change places."""
    plain = (re.sub(r"\d[\d,.:]*(?:[ ,]+\d[\d,.:]*)*", "0", re.sub(r"…\w+", "…", row)) for row in rows)
    cut = (re.sub(r'"[^"]*…$', '"…', row.rstrip()) for row in plain)  # where a line ends depends on the numbers before
    return sorted({" ".join(row.split()) for row in cut} - {""})


def words_of_svg(picture: str) -> list[str]:
    """The same, from a picture."""
    rows: dict[int, str] = {}
    for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        line = re.search(r"line-(\d+)", element.get("clip-path", ""))
        if line:
            rows[int(line[1])] = rows.get(int(line[1]), "") + (element.text or "").replace("\xa0", " ")
    return words(list(rows.values()))


def main(arguments: list[str]) -> int:
    """Draw what is out of date, or name it."""
    stale = 0
    for name, scene in SCENES.items():
        file = IMAGES / f"{name}.svg"
        if lacking := missing(name):
            sys.stdout.write(f"{file.name}: cannot be played here without {lacking}\n")
            continue
        rows = play(scene)
        if file.exists() and words_of_svg(file.read_text(encoding="utf-8")) == words([row.plain for row in rows]):
            continue
        if "--write" in arguments:
            file.parent.mkdir(exist_ok=True)
            file.write_text(svg(scene, rows), encoding="utf-8")
        stale += "--write" not in arguments
        sys.stdout.write(f"{file.name}: {'written' if '--write' in arguments else 'out of date'}\n")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
