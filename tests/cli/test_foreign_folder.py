"""Whatever stands in the current folder, no command imports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.program import start

NAMES = ("random", "json", "typer", "yaml", "websockets", "asyncio", "signal", "numpy", "orjson", "tomllib", "logging")


@pytest.mark.parametrize(
    "arguments",
    [["chat", "--local", "--text"], ["config"], ["doctor"], ["devices", "--help"], ["send-event", "-", "--local"]],
    ids=lambda arguments: str(arguments[0]),
)
async def test_files_of_the_current_folder_are_not_imported(tmp_path: Path, arguments: list[str]) -> None:
    """Also as `python -m rtcli`, for which Python puts that folder first."""
    ran = tmp_path / "ran"
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r})\n")
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text(f"open({str(ran)!r}, 'a').write('rich')\n")
    process = await start(*arguments, cwd=tmp_path)
    _, err = await process.communicate(b'{"type": "response.create"}\n')
    assert process.returncode == 0, err
    assert not ran.exists()


async def test_a_script_that_is_nested_too_deeply_is_a_bad_file(tmp_path: Path) -> None:
    """And no defect."""
    (tmp_path / "deep.yaml").write_text("[" * 5000)
    process = await start("serve", "--port", "0", "--script", "deep.yaml", cwd=tmp_path)
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"nested too deeply" in err
