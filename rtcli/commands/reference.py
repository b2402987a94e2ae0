"""docs/commands.md, printed from the registry: python -m rtcli.commands.reference > docs/commands.md"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rtcli.commands.all_commands import default_registry, proxy_registry
from rtcli.commands.registry import TOPICS, Command, Registry

_HEAD = """\
# Commands

Printed from the program by `python -m rtcli.commands.reference`; a test compares.

A line that begins with `/` is a command. Names may be shortened as far as they stay unique; a name that does not exist
gets the nearest one suggested. Text without a slash is a message, `//text` is a message that begins with `/`, a line
that begins with `{` is a raw event (or several), and `@path` in a message adds an image to it.
"""

_PROXY = """\
# Commands of the proxy

The prompt of [`rtcli proxy`](proxy.md) has the commands above that look (`/events /filter /last /show /grep /why /check
/history /item /export /stats /turn /usage /limits /session /status`), and these.
"""


def reference(registry: Registry) -> str:
    """The whole page as Markdown."""
    sections = [line for topic in TOPICS for line in _section(topic, registry)]
    return "\n".join([_HEAD, *sections, _PROXY, *_section("proxy", proxy_registry())]).rstrip() + "\n"


def _section(topic: str, registry: Registry) -> Iterator[str]:
    entries = [entry for entry in registry if entry.topic == topic]
    if not entries:
        return
    yield f"## {TOPICS[topic]}\n"
    yield "| command | what it does | also |"
    yield "|---|---|---|"
    yield from (_row(entry) for entry in entries)
    yield ""
    for entry in entries:
        if entry.details:
            yield f"**`/{entry.name}`** {_paragraph(entry.details)}\n"


def _row(entry: Command) -> str:
    also = ", ".join(f"`/{alias}`" for alias in entry.aliases)
    usage = entry.usage.replace("|", "\\|")  # it would end the cell
    return f"| `{usage}` | {entry.summary} | {also} |"


def _paragraph(details: str) -> str:
    """Prose flows together; lines that are examples stand as code."""
    return " ".join(
        f"`{line.strip()}`" if line.startswith("/") else line.strip() for line in details.splitlines() if line
    )


if __name__ == "__main__":
    sys.stdout.write(reference(default_registry()))
