"""What a shell offers behind an option: the values that there are here."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtcli.cli import completion
from rtcli.errors import AudioUnavailableError
from tests.kit.program import rtcli


async def offered(line: str, shell: str = "bash", **environ: str) -> list[str]:
    """What the program answers to the shell's question about the last word of a line."""
    words = line.split(" ")
    asked = {"_RTCLI_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    if shell != "bash":
        asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    ended = await rtcli(environ={**asked, **environ})
    assert ended.err == ""
    return ended.out.split("\n") if shell == "bash" else ended.out.splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rtcli se", ["send-event", "serve"]),
        ("rtcli chat --voice c", ["coral", "cedar"]),
        ("rtcli chat --events ", ["off", "summary", "all"]),
        ("rtcli chat --echo g", ["gate"]),
        ("rtcli chat --auth ", ["bearer", "api-key"]),
        ("rtcli chat --model gpt-realtime-2.1-", ["gpt-realtime-2.1-mini"]),
        ("rtcli serve --voice t", ["tone"]),
        ("rtcli chat --session-update m", ["minimal"]),
        ("rtcli diff a.ndjson b.ndjson --fail-on lat", ["latency"]),
        ("rtcli check x.ndjson --ignore delta-", ["delta-after-done"]),
        ("rtcli send-event x.json --audio f", ["full"]),
        ("rtcli send-event x.json --until response.output_audio.de", ["response.output_audio.delta"]),
    ],
)
async def test_values_are_offered(line: str, expected: list[str]) -> None:
    """Those that begin as the word does."""
    assert [value for value in await offered(line) if value] == expected


async def test_profiles_are_those_of_the_settings(tmp_path: Path) -> None:
    """And a file that cannot be read offers none, in silence: a shell shows what is said right across the line."""
    file = tmp_path / "rtcli" / "config.toml"
    file.parent.mkdir()
    file.write_text('[profiles.work]\nurl = "wss://work.example/v1/realtime"\n[profiles.home]\nlocal = true\n')
    assert "work" in await offered("rtcli chat --profile w", XDG_CONFIG_HOME=str(tmp_path))

    file.write_text("not = [toml")
    assert not any(await offered("rtcli chat --profile w", XDG_CONFIG_HOME=str(tmp_path)))


async def test_a_shell_that_shows_meanings_gets_them() -> None:
    """fish and zsh."""
    lines = await offered("rtcli send-event x --until error", shell="fish")

    assert len(lines) == 1
    assert lines[0].startswith("error\t")


@pytest.mark.skipif(shutil.which("bash") is None, reason="without bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("chat", "--voice", "c"), "coral cedar"),
        (("chat", "--auth", "="), "bearer api-key"),
        (("serve", "--po"), "--port"),
    ],
)
def test_the_script_for_bash_completes_in_bash(tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    """As --show-completion prints it, and as bash calls it: a word behind the last `=` stands alone."""
    program = tmp_path / "rtcli"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rtcli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environ = {**os.environ, "_RTCLI_COMPLETE": "source_bash"}
    script = subprocess.run([program], env=environ, capture_output=True, text=True, check=True).stdout
    line = shlex.join(("rtcli", *words))
    asked = f'COMP_WORDS=({line}); COMP_CWORD={len(words)}; _rtcli_completion {program}; echo "${{COMPREPLY[*]}}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)

    assert (" ".join(done.stdout.split()), done.stderr) == (expected, "")


def test_devices_are_offered_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may hold spaces; without PortAudio nothing is offered, and nothing said."""
    from rtcli.audio import devices
    from rtcli.audio.devices import AudioDevice

    found = [AudioDevice(0, "Desk mic", "ALSA", 1, 0, 48_000), AudioDevice(1, "Headphones", "ALSA", 0, 2, 48_000)]
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    assert completion.microphones("") == [("0", "Desk mic")]
    assert completion.speakers("") == [("1", "Headphones")]

    def none() -> list[AudioDevice]:
        raise AudioUnavailableError("audio is not available")

    monkeypatch.setattr(devices, "list_devices", none)
    assert completion.microphones("") == completion.speakers("") == []
