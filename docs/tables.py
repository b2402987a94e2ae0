"""Prints the tables of these pages from the program: python docs/tables.py --write (or --check, which ends with 1)."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import typer.main

from rtcli.cli.app import application
from rtcli.commands import default_registry
from rtcli.commands.export import FORMATS
from rtcli.commands.reference import reference
from rtcli.config.prices import MINUTE_PRICES, PRICES, PRICES_DATE
from rtcli.config.settings import SETTINGS
from rtcli.errors import ExitCode
from rtcli.lint import RULES
from rtcli.protocol.catalog import BETA_NAMES, event_types
from rtcli.protocol.models import SHUTDOWNS, SHUTDOWNS_DATE, STORED_PROMPTS
from rtcli.protocol.record import (
    Audio,
    Connected,
    Connection,
    Device,
    Did,
    Direction,
    End,
    Frame,
    Heard,
    Http,
    Mark,
    Record,
)
from rtcli.protocol.record_lines import record_line
from rtcli.protocol.session_kind import SessionKind
from rtcli.recording.header import Header
from rtcli.repl.keys import ACTIONS
from rtcli.timeline.figures import FIGURES

DOCS = Path(__file__).parent
PLACE = re.compile(r"(<!-- table: (?P<name>[\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_MEANINGS = {
    ExitCode.OK: "everything that was asked for happened",
    ExitCode.UNEXPECTED: "a defect of the program, output that cannot be written (a full disk), or a failure of the "
    "COMMAND of `serve --once` itself",
    ExitCode.USAGE: "the command line, or a file that cannot be read",
    ExitCode.CONNECTION: "the connection failed, was refused, or was lost",
    ExitCode.SERVER_ERROR: "the server sent an `error` event",
    ExitCode.RESPONSE_FAILED: "a response ended failed or incomplete, or at the end of a pipe a call was unanswered",
    ExitCode.EXPECTATION: "a time limit passed, or what was expected did not come: `--until`, `--count`, `--fail-on`, "
    "`serve --once`, a rule of severity error in `check`",
    ExitCode.AUDIO_UNAVAILABLE: "an audio device was asked for and cannot be had",
    ExitCode.HANGUP: "the terminal went away",
    ExitCode.INTERRUPTED: "Ctrl+C",
    ExitCode.TERMINATED: "SIGTERM",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def events(direction: Direction, kind: SessionKind = SessionKind.REALTIME) -> str:
    """One direction of a protocol's catalog."""

    def fields(names: Iterable[str], mark: str) -> str:
        return " ".join(f"`{name}`{mark}" for name in names)

    sent = direction is Direction.SENT
    rows = (
        (
            f"`{row.name}`",
            f"{fields(row.required, '')} {fields(row.optional, '?')}".strip(),
            *([f"`{row.reply}`" if row.reply else "none"] if sent else []),
            row.meaning,
        )
        for row in event_types(direction, kind)
    )
    return table(("event", "fields", *(["answer"] if sent else []), "meaning"), rows)


def options(name: str) -> str:
    """The options of a command, from its help."""
    command = typer.main.get_command(application())
    found = command.commands[name]  # type: ignore[attr-defined]
    context = found.make_context(name, [], resilient_parsing=True)
    records = (parameter.get_help_record(context) for parameter in found.params if parameter.name != "help")
    rows = ((f"`{record[0]}`", " ".join(record[1].split())) for record in records if record)
    return table(("option", "meaning"), rows)


def commands() -> str:
    """The commands of the program, as its help lists them; of a group also what it holds."""
    group = typer.main.get_command(application())

    def about(command: Any) -> str:
        inner = ", ".join(f"`{name}`" for name in getattr(command, "commands", ()))
        return f"{command.get_short_help_str(limit=200)}{f' Also {inner}.' if inner else ''}"

    found: dict[str, Any] = group.commands  # type: ignore[attr-defined]
    return table(("command", "what it does"), ((f"`rtcli {name}`", about(one)) for name, one in found.items()))


def exit_codes() -> str:
    """Every exit code."""
    return table(("code", "meaning"), ((str(int(code)), _MEANINGS[code]) for code in ExitCode))


def settings() -> str:
    """Every setting, its variable, its values."""
    rows = (
        (
            f"`{row.name}`",
            f"`{row.variable}`" if row.variable else "",
            row.meaning + (f": {', '.join(row.choices)}" if row.choices else ""),
            "yes" if row.project else "no",
        )
        for row in SETTINGS
    )
    return table(("setting", "variable", "meaning", "in a project"), rows)


def prices() -> str:
    """The prices, with their date."""
    head = ("model", "text in", "cached", "out", "audio in", "cached", "out", "image in", "cached")
    order = ("input_text", "cached_text", "output_text", "input_audio", "cached_audio", "output_audio")
    names = (*order, "input_image", "cached_image")
    rows = ((f"`{model}`", *(f"{getattr(price, name):.2f}" for name in names)) for model, price in PRICES.items())
    by_token = f"Dollars for a million tokens, as of {PRICES_DATE}:\n\n" + table(head, rows)
    timed = ((f"`{model}`", f"{price.minute:g}", f"{price.standby:g}") for model, price in MINUTE_PRICES.items())
    return f"{by_token}\nDollars for a minute:\n\n" + table(("model", "audio", "standby"), timed)


def shutdowns() -> str:
    """What is switched off, with the date of the list; models of one day and one successor share a row."""
    names: dict[tuple[date, str], list[str]] = {(STORED_PROMPTS.day, STORED_PROMPTS.instead): [STORED_PROMPTS.name]}
    for model, shutdown in SHUTDOWNS.items():
        names.setdefault((shutdown.day, shutdown.instead), []).append(f"`{model}`")
    rows = ((f"{day}", ", ".join(gone), instead) for (day, instead), gone in sorted(names.items()))
    return f"As announced until {SHUTDOWNS_DATE}:\n\n" + table(("day", "what", "instead"), rows)


def keys() -> str:
    """The keys of the prompt, by their actions."""
    return table(("action", "key", "what it does"), ((f"`{a.name}`", a.keys, a.meaning) for a in ACTIONS))


def recording_header() -> str:
    """An example of the first line."""
    header = Header(datetime(2026, 11, 26, 10, 0, tzinfo=UTC), "chat", "the built-in server", "gpt-realtime-2.1", "1.0")
    return f"```json\n{header.line()}\n```\n"


_RECORDS: tuple[Record, ...] = (
    Frame(5, 1.2, Direction.SENT, {"type": "response.create"}, 26, "typed text"),
    Frame(6, 1.25, Direction.RECEIVED, {"type": "response.created"}, 27, parent=5),
    Frame(7, 1.26, Direction.RECEIVED, None, 5, problem="not JSON", raw="hello"),
    Heard(2.5, "item_1", 0, 400),
    Did(1.19, "/interrupt"),
    Mark(3.0, "here it hangs"),
    Connection(9.0, Connected.LOST, code=1006),
    Device(0.0, "USB microphone", None, muted=False, input_ms=20),
    Http(0.1, "POST", "/v1/realtime/client_secrets", 200),
    Audio(1.3, Direction.RECEIVED, bytes(3), 24000, "item_1"),
    End(9.1, 3),
)


def record_kinds() -> str:
    """A line of each kind, and what it is."""
    rows = (
        (f"`{record_line(one).decode()}`", (inspect.getdoc(type(one)) or "").partition("\n")[0].removesuffix("."))
        for one in _RECORDS
    )
    return table(("line", "what it says"), rows)


def rules() -> str:
    """The rules of `rtcli check`."""
    rows = ((f"`{one.id}`", one.severity.value, one.sentence, one.prevents) for one in RULES)
    return table(("rule", "severity", "how it should be", "what it prevents"), rows)


def export_forms() -> str:
    """Every form of an export."""
    rows = ((f"`{name}`", f"`NAME{form.suffix}`", form.meaning) for name, form in FORMATS.items())
    return table(("form", "file", "what it is"), rows)


def figures() -> str:
    """What is measured of a turn, and between which two moments."""
    rows = ((f"`{figure.name}`", figure.since, figure.until) for figure in FIGURES.values())
    return table(("figure", "from", "to"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "client events": lambda: events(Direction.SENT),
    "server events": lambda: events(Direction.RECEIVED),
    "translation client events": lambda: events(Direction.SENT, SessionKind.TRANSLATION),
    "translation server events": lambda: events(Direction.RECEIVED, SessionKind.TRANSLATION),
    "live client events": lambda: events(Direction.SENT, SessionKind.LIVE),
    "live server events": lambda: events(Direction.RECEIVED, SessionKind.LIVE),
    "beta names": lambda: table(("beta", "now"), ((f"`{old}`", f"`{new}`") for old, new in BETA_NAMES.items())),
    "commands": commands,
    "exit codes": exit_codes,
    "settings": settings,
    "keys": keys,
    "prices": prices,
    "shutdowns": shutdowns,
    "export forms": export_forms,
    "figures": figures,
    "recording header": recording_header,
    "record kinds": record_kinds,
    "rules": rules,
    **{
        f"options of {name}": partial(options, name)
        for name in ("chat", "send-event", "serve", "proxy", "doctor", "replay", "check", "diff", "report", "export")
    },
}


def filled(text: str) -> str:
    """A page with its tables as the program has them now. Raises KeyError for a table that nobody prints."""
    return PLACE.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}{match[3]}", text)


def pages() -> dict[Path, str]:
    """Every page that the program prints something of, as it should read."""
    found = {page: filled(page.read_text(encoding="utf-8")) for page in sorted(DOCS.glob("*.md"))}
    return {**found, DOCS / "commands.md": reference(default_registry())}


def main(arguments: list[str]) -> int:
    """Write what is out of date, or name it."""
    stale = [page for page, text in pages().items() if page.read_text(encoding="utf-8") != text]
    for page in stale:
        if "--write" in arguments:
            page.write_text(pages()[page], encoding="utf-8")
        sys.stdout.write(f"{page.name}: {'written' if '--write' in arguments else 'out of date'}\n")
    return int(bool(stale) and "--write" not in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
