"""Applications on the official clients, tested by `rtcli serve --once`: one that behaves, and three bugs of each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kit.foreign import UnavailableError, foreign_node_modules, foreign_python
from tests.kit.program import Ended, rtcli

pytestmark = pytest.mark.foreign

APPS = Path(__file__).parent / "apps"
TLS = Path(__file__).parents[1] / "server" / "net" / "certificate"
RULES = {
    "truncates_beyond": "truncate-beyond-received",
    "never_answers": "call-unanswered",
    "creates_while_active": "create-while-active",
}
SLOW = pytest.mark.slow
FAST = {("openai_package.py", "creates_while_active")}
FILES = ("openai_package.py", "openai_package.mjs", "openai_agents.py", "agents_js.mjs")


def cases(*bugs: str) -> list[object]:
    """Each application with each of these arguments; all but one are slow."""
    pairs = [(file, bug) for file in FILES for bug in bugs]
    return [pytest.param(*pair, marks=[] if pair in FAST else SLOW) for pair in pairs]


def command(file: str, argument: str) -> list[str]:
    """What runs an application. Skips where it cannot be had."""
    try:
        if file.endswith(".py"):
            return [str(foreign_python()), str(APPS / file), argument]
        copy = foreign_node_modules() / f"app_{file}"  # a script imports what lies beside it
    except UnavailableError as reason:
        pytest.skip(str(reason))
    shutil.copyfile(APPS / file, copy)
    return ["node", str(copy), argument]


async def served(file: str, argument: str) -> Ended:
    """The application, judged. The `openai` package for JavaScript wants a certificate."""
    tls = ("--tls-cert", str(TLS / "certificate.pem"), "--tls-key", str(TLS / "key.pem"))
    options = ("--once", "--voice", "tone", "--pace", "4", "--script", str(APPS / "agent.yaml"))
    return await rtcli(
        "serve", *options, *(tls if file == "openai_package.mjs" else ()), "--", *command(file, argument)
    )


@pytest.mark.parametrize(("file", "argument"), cases("behaves"))
async def test_an_application_that_behaves_passes(file: str, argument: str) -> None:
    """It asks, answers a call, hears the answer and cuts it where the user stopped listening."""
    ended = await served(file, argument)

    assert ended.code == 0, ended.err
    assert "1 connection" in ended.err and "mismatch" not in ended.err


@pytest.mark.parametrize(("file", "argument"), cases(*RULES))
async def test_a_bug_is_found_by_the_rule_that_is_made_for_it(file: str, argument: str) -> None:
    """And by no other rule of severity error."""
    ended = await served(file, argument)

    broken = [line.split()[3] for line in ended.err.splitlines() if line.startswith("error ")]
    assert (ended.code, broken) == (6, [RULES[argument]]), ended.err
