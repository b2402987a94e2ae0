"""Errors that do not say what they are about, in every command that waits for an answer."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kit.fake_server import fake_server
from tests.kit.odd_errors import ODD, refusing
from tests.kit.program import rtcli

ERRORS = [event for event, _ in ODD.values()]


def assert_each_is_said(lines: list[str]) -> None:
    """One line for each error, in order."""
    assert len(lines) == len(ODD), lines
    for line, (name, (_, said)) in zip(lines, ODD.items(), strict=True):
        assert said in line, (name, line)


async def test_a_pipe_goes_on_with_the_next_line() -> None:
    """Each line is refused in another way, and none waits for its time limit."""
    async with fake_server(refusing(*ERRORS)) as server:
        ended = await rtcli("chat", "--url", server.url, "--timeout", "600", text="hello\n" * len(ERRORS))

    assert (ended.code, ended.out) == (4, "")
    assert_each_is_said([line for line in ended.err.splitlines() if line.startswith("✗ ")])


async def test_send_event_ends_when_the_last_event_is_refused() -> None:
    """The errors are on stdout as they came, and on stderr in words. The events have ids, which no error names."""
    creates = "".join(json.dumps({"type": "response.create", "event_id": f"mine_{n}"}) + "\n" for n in range(len(ODD)))
    async with fake_server(refusing(*ERRORS)) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--timeout", "600", text=creates)

    assert ended.code == 4
    assert [json.loads(line) for line in ended.out.splitlines()][1:] == ERRORS
    assert_each_is_said(ended.err.splitlines())


async def test_a_scenario_step_fails_with_what_the_server_said(tmp_path: Path) -> None:
    """It is a refusal, and not a time limit."""
    for number, name in enumerate(ODD):
        steps = "steps:\n  - say: hello\n  - expect: [{text: hi}]\n    timeout: 600s\n"
        (tmp_path / f"{number:02}.scenario.yaml").write_text(f"name: {json.dumps(name)}\n{steps}")
    async with fake_server(refusing(*ERRORS)) as server:
        ended = await rtcli("run", str(tmp_path), "--url", server.url, "--recordings", str(tmp_path / "r"))

    for name, (_, said) in ODD.items():
        assert said in ended.out, name
    assert ended.out.count("the server sent an error in #") == len(ODD), ended.out
    assert ended.code == 6  # the text did not come, either
