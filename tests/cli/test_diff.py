"""`rtcli diff`: two recordings, turn by turn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtcli.protocol.record_lines import record_line
from tests.kit.program import one_clear_line, rtcli
from tests.kit.told import Told


def recording(path: Path, *answers: str, wait: float = 0.1) -> str:
    """A recording of turns that say "one", "two" and so on, answered with these words."""
    told = Told()
    for number, says in enumerate(answers):
        told.types(f"question {number}")
        told.begins(f"r{number}")
        told.now += wait
        told.gets("response.output_text.delta", response_id=f"r{number}", delta=says)
        told.gets("response.output_text.done", response_id=f"r{number}", text=says)
        told.ends(f"r{number}", usage={"input_tokens": 5, "output_tokens": len(says)})
    path.write_bytes(b"\n".join(record_line(record) for record in told.records) + b"\n")
    return str(path)


async def test_recordings_are_compared_and_nothing_fails_by_itself(tmp_path: Path) -> None:
    """Each turn in a row, the words under each other, the figures of both; the code is 0."""
    a = recording(tmp_path / "a.ndjson", "yes", "no")
    b = recording(tmp_path / "b.ndjson", "yes", "maybe", "more", wait=0.2)
    ended = await rtcli("diff", a, b)

    assert ended.code == 0 and not ended.err
    assert "- no\n+ maybe\n" in ended.out and "only in B" in ended.out
    assert "first delta, p50" in ended.out and "+100%" in ended.out


async def test_what_is_named_ends_with_6_and_says_why(tmp_path: Path) -> None:
    """On stderr, a line for each; what is not named does not count."""
    a, b = recording(tmp_path / "a.ndjson", "yes"), recording(tmp_path / "b.ndjson", "no", wait=0.2)
    words = await rtcli("diff", a, b, "--fail-on", "tools,words", "--fail-on", "latency=150%")
    grown = await rtcli("diff", a, b, "--fail-on", "done=50%", "--json")

    assert words.code == 6 and words.err == "rtcli: words: turn 1: the answer differs\n"
    assert grown.code == 6 and grown.err == "rtcli: done: 100 ms, then 200 ms (+100%, more than 50%)\n"
    assert json.loads(grown.out)["totals"]["done"] == [100.0, 200.0]
    assert (await rtcli("diff", a, a, "--fail-on", "any")).code == 0


async def test_one_of_both_may_be_standard_input(tmp_path: Path) -> None:
    """The other is a file."""
    a = recording(tmp_path / "a.ndjson", "yes")
    ended = await rtcli("diff", a, "-", "--fail-on", "any", text=Path(a).read_text(encoding="utf-8"))

    assert ended.code == 0 and "no difference" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-", "-"), "only one of both"),
        (("nosuch.ndjson", "-"), "nosuch.ndjson"),
        (("-", "-", "--fail-on", "x"), "only one of both"),
        (("a", "b", "--fail-on", "spede"), "unknown condition"),
        (("a", "b", "--fail-on", "latency=x"), "not a percentage"),
        (("a",), "Missing argument 'B'"),
    ],
)
async def test_what_cannot_be_compared_is_one_line(words: tuple[str, ...], says: str) -> None:
    """That names it."""
    one_clear_line(await rtcli("diff", *words), 2, says)
