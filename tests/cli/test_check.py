"""`rtcli check`: a recording is judged, and the exit code says how it went."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rtcli.lint import RULES
from tests.kit.program import one_clear_line, rtcli

GOOD = ('{"type":"response.create","event_id":"a"}',)
BAD = (
    '{"type":"session.created","session":{}}',
    '{"type":"conversation.item.delete","item_id":"item_x","event_id":"a"}',
    '{"type":"conversation.item.deleted","item_id":"item_x"}',
)


def written(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


async def test_a_broken_rule_ends_with_6(tmp_path: Path) -> None:
    """The finding names rule and event; without it the code is 0, whatever is warned of."""
    file = written(tmp_path / "bad.ndjson", *BAD)
    ended = await rtcli("check", file)
    ignored = await rtcli("check", file, "--ignore", "unknown-item")

    assert ended.code == 6
    assert "#2" in ended.out and "unknown-item" in ended.out and "1 error" in ended.err + ended.out
    assert (ignored.code, "unknown-item" in ignored.out) == (0, False)


async def test_findings_are_json_lines_for_programs(tmp_path: Path) -> None:
    """Severity, rule, the frame and its time."""
    ended = await rtcli("check", written(tmp_path / "bad.ndjson", *BAD), "--json")
    (row,) = [json.loads(line) for line in ended.out.splitlines()]

    assert (row["severity"], row["rule"], row["n"], row["t"]) == ("error", "unknown-item", 2, 0.0)
    assert row["finding"] and row["prevents"]


async def test_standard_input_and_packed_files_are_read_alike(tmp_path: Path) -> None:
    packed = tmp_path / "bad.ndjson.gz"
    packed.write_bytes(gzip.compress("\n".join(BAD).encode()))

    assert (await rtcli("check", "-", text="\n".join(BAD))).code == 6
    assert (await rtcli("check", str(packed))).code == 6


async def test_a_turn_with_the_built_in_server_has_no_error(tmp_path: Path) -> None:
    """Our own client keeps the rules: what it records is judged with 0."""
    file = tmp_path / "session.ndjson"
    talked = await rtcli("chat", "--local", "--json", "--record", str(file), text="hello\nwhat time is it?\n")
    ended = await rtcli("check", str(file))

    assert talked.code == 0
    assert (ended.code, "error" in ended.out) == (0, False), ended.out


async def test_the_rules_are_listed() -> None:
    """An installed program has no page to look into."""
    ended = await rtcli("check", "--rules")

    assert ended.code == 0
    assert all(rule.id in ended.out for rule in RULES)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "nosuch.ndjson"), "nosuch.ndjson"),
        (("check", "-", "--ignore", "unknown-itm"), "did you mean unknown-item"),
        (("check", "-"), "it is empty"),
        (("check",), "no recording is named"),
    ],
)
async def test_what_cannot_be_judged_is_told_in_one_line(arguments: tuple[str, ...], told: str) -> None:
    one_clear_line(await rtcli(*arguments), 2, told)
