"""What docs/audio.md tells others to run, run."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rtcli.dsp.wav import read_wav, write_wav
from tests.kit.waiting import DEADLINE
from tests.kit.waveforms import RATE, noise, samples_of, share_heard
from tests.sound.conftest import Say

PAGE = (Path(__file__).parents[2] / "docs" / "audio.md").read_text(encoding="utf-8")


def block(language: str, words: str) -> str:
    """The one block of the page in that language that has these words."""
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.S) if words in text]
    return str(found)


def test_the_recipe_makes_a_card_that_rtcli_finds(tmp_path: Path) -> None:
    """As it stands on the page, in a shell: the default devices are there, and a file is heard."""
    said = noise(2)
    write_wav(tmp_path / "said.wav", said)
    script = (
        block("sh", "default.pa")
        + f"""
trap 'kill $daemon; wait; rm -r "$card"' EXIT
parec --device=mouth.monitor --rate=24000 --channels=1 --latency-msec=20 >{tmp_path}/heard.raw &
until [ -s {tmp_path}/heard.raw ]; do sleep 0.1; done
paplay --device=mouth {tmp_path}/said.wav
{sys.executable} -m rtcli devices
kill %4
"""
    )
    done = subprocess.run(["bash", "-mc", script], capture_output=True, text=True, timeout=60, check=False)

    (default,) = [line for line in done.stdout.splitlines() if " default " in line]
    assert "in *" in default and "out *" in default
    heard = (tmp_path / "heard.raw").read_bytes()
    assert share_heard(samples_of(said), samples_of(heard[: len(heard) // 2 * 2])) > 0.5


def test_the_program_asks_and_hears(say: Say, hearing_server: str, tmp_path: Path) -> None:
    """The sample answers a spoken question, in words and in sound."""
    write_wav(tmp_path / "question.wav", say("Say good afternoon."))
    names: dict[str, Callable[[Path, Path], Awaitable[str]]] = {}
    exec(block("python", "async def ask"), names)

    async def ask() -> str:
        async with asyncio.timeout(DEADLINE):
            return await names["ask"](tmp_path / "question.wav", tmp_path / "answer.wav")

    assert "good afternoon" in asyncio.run(ask()).lower()
    assert len(read_wav(tmp_path / "answer.wav")[0]) > RATE
