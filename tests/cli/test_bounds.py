"""Bounds of figures in the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.program import one_clear_line, rtcli


def configured(folder: Path, bounds: str) -> dict[str, str]:
    (folder / "rtcli").mkdir()
    (folder / "rtcli" / "config.toml").write_text(f"[bounds]\n{bounds}\n", encoding="utf-8")
    return {"XDG_CONFIG_HOME": str(folder)}


async def test_a_figure_over_its_bound_is_marked_in_a_pipe(tmp_path: Path) -> None:
    """There is no color there: the sign says it."""
    environ = configured(tmp_path, 'done = "0.001ms"')
    ended = await rtcli("chat", "--local", "--text", text="hello\n/stats\n", environ=environ)

    assert ended.code == 0 and " ms !" in ended.out


@pytest.mark.parametrize(
    ("bounds", "says"), [("speed = 1", "'speed' is not a figure"), ('done = "soon"', "done = 'soon' is not a time")]
)
@pytest.mark.parametrize("command", [("chat", "--local"), ("replay", "nosuch.ndjson")])
async def test_a_bound_that_cannot_be_read_is_told_before_anything_begins(
    tmp_path: Path, bounds: str, says: str, command: tuple[str, ...]
) -> None:
    """Whichever command would look at it."""
    one_clear_line(await rtcli(*command, environ=configured(tmp_path, bounds)), 2, says)
