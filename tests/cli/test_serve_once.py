"""`rtcli serve --once -- COMMAND`: an application is tested, and the exit code says how it went."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from rtcli.recording.reader import open_recording
from tests.kit.apps import command
from tests.kit.program import Ended, one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE, until

SCRIPT = """
- when: {text: weather}
  reply: [{call: {name: get_weather, arguments: {city: Paris}}}]
- when: {tool: get_weather}
  expect: [{type: conversation.item.create, item: {type: function_call_output, output: "*degrees*"}}]
  reply: [{text: It is sunny.}]
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "weather.yaml"
    path.write_text(SCRIPT)
    return str(path)


async def served(script: str, app: tuple[str, ...], *options: str, environ: dict[str, str] | None = None) -> Ended:
    given = ("--voice", "tone", "--pace", "0", "--once", *options, *(["--script", script] if script else []))
    return await rtcli("serve", *given, "--", *app, environ=environ)


def recordings(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ndjson"))


async def test_an_application_that_behaves_passes(script: str, tmp_path: Path) -> None:
    """stdout is its own, and no recording is left of it."""
    ended = await served(script, command("behaves"), environ={"RTCLI_RECORDINGS": str(tmp_path / "kept")})

    assert (ended.code, ended.out) == (0, "It is sunny.\n")
    assert "passed: " in ended.err and "1 connection" in ended.err
    assert recordings(tmp_path / "kept") == []


async def test_a_call_that_is_never_answered_is_found_by_the_rule_and_by_the_script(
    script: str, tmp_path: Path
) -> None:
    """Each is named; the recording is kept, and holds the session."""
    folder = tmp_path / "kept"
    ended = await served(script, command("never_answers"), environ={"RTCLI_RECORDINGS": str(folder)})

    (recording,) = recordings(folder)
    assert ended.code == 6
    assert "call-unanswered" in ended.err and "rule 2 of weather.yaml" in ended.err
    assert "1 mismatch, 1 breach of a rule" in ended.err and f"recording: {recording}" in ended.err
    with open_recording(str(recording)) as reader:
        assert "response.done" in str(list(reader))


async def test_what_is_ignored_is_not_asked(tmp_path: Path) -> None:
    """A script without expectations leaves the rules alone to judge."""
    script = tmp_path / "calls.yaml"
    script.write_text("- reply: [{call: {name: get_weather}}]\n")
    found = await served(str(script), command("never_answers"))
    ignored = await served(str(script), command("never_answers"), "--ignore", "call-unanswered")

    assert (found.code, ignored.code) == (6, 0)


async def test_the_applications_own_failure_is_told_apart(script: str) -> None:
    """Its exit code is named, and ours is 1, whatever it has left undone."""
    ended = await served(script, command("fails"))

    assert ended.code == 1
    assert "it ended with exit code 3" in ended.err and "rules that expect something never answered" in ended.err


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
async def test_an_application_that_a_signal_ends_is_named_with_it(script: str) -> None:
    ended = await served(script, ("sh", "-c", "kill -SEGV $$"))

    assert ended.code == 1 and "it was ended by SIGSEGV" in ended.err


async def test_an_application_that_never_connects_has_not_been_tested() -> None:
    """Where it should look for the address is told."""
    ended = await served("", ("true",))

    assert ended.code == 6
    assert "it made no connection" in ended.err and "OPENAI_BASE_URL" in ended.err


async def test_a_command_that_cannot_be_started_is_a_usage_error() -> None:
    ended = await served("", ("no-such-program",))

    assert ended.code == 2 and "no-such-program cannot be started: No such file" in ended.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--", "true"], ["a COMMAND needs --once"]),
        (["--junit", "x.xml"], ["--junit needs --once"]),
        (["--timeout", "3"], ["--timeout needs --once"]),
        (["--ignore", "call-unanswered"], ["--ignore needs --once"]),
        (["--once", "--ignore", "call-unanswerd"], ["unknown rule", "did you mean call-unanswered?"]),
        (["--once", "--timeout", "-1"], ["--timeout -1"]),
    ],
)
async def test_what_makes_no_sense_is_one_line(options: list[str], words: list[str]) -> None:
    one_clear_line(await rtcli("serve", "--port", "0", *options), 2, *words)


async def test_the_application_gets_our_address_and_no_key_of_the_users() -> None:
    """Under whatever name the key is; what is not for OpenAI is left alone."""
    ended = await served(
        "",
        command("environment"),
        environ={
            "OPENAI_API_KEY": "sk-users-0123456789",
            "OPENAI_ORG_ID": "org-users",
            "AZURE_OPENAI_API_KEY": "azure-0123456789",
            "RTCLI_REPLY_KEY": "reply-0123456789",
            "MY_KEY": "sk-users-0123456789",
            "DATABASE_PASSWORD": "its-own-0123456789",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "no_proxy": "example.com",
        },
    )
    environ = json.loads(ended.out)
    url = environ["RTCLI_URL"]

    assert ended.code == 0
    assert not [
        name for name, value in environ.items() if value.startswith(("sk-users", "org-users", "azure", "reply"))
    ]
    assert url.startswith("ws://127.0.0.1:") and url.endswith("/v1/realtime")
    assert environ["OPENAI_BASE_URL"] == url.replace("ws:", "http:").removesuffix("/realtime")
    assert environ["OPENAI_API_KEY"] == "sk-local" and environ["DATABASE_PASSWORD"] == "its-own-0123456789"
    assert environ["no_proxy"] == "example.com,127.0.0.1"


async def test_a_server_that_wants_a_key_gives_it_to_the_application() -> None:
    ended = await served("", command("environment"), environ={"RTCLI_SERVE_KEY": "of-this-server-alone"})

    assert ended.code == 0 and json.loads(ended.out)["OPENAI_API_KEY"] == "of-this-server-alone"


async def test_the_result_is_written_as_junit(script: str, tmp_path: Path) -> None:
    """The command, the script and each connection are cases; those that failed say why, and where the recording is."""
    file = tmp_path / "result.xml"
    await served(script, command("never_answers"), "--junit", str(file), "--record", str(tmp_path / "kept"))
    suite = ElementTree.parse(file).getroot()[0]
    cases = {case.get("classname"): case for case in suite.iter("testcase")}

    xmlschema.XMLSchema10(str(Path(__file__).parents[1] / "scenario" / "junit.xsd")).validate(str(file))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    assert cases["command"].find("failure") is None
    for name, words in (("script", "rule 2 of weather.yaml"), ("rules", "call-unanswered")):
        failure = cases[name].find("failure")
        assert failure is not None and words in str(failure.text)
        assert f"recording: {recordings(tmp_path / 'kept')[0]}" in str(failure.text)


async def test_what_was_asked_to_be_recorded_is_kept(script: str, tmp_path: Path) -> None:
    ended = await served(script, command("behaves"), "--record", str(tmp_path / "kept"))

    assert ended.code == 0 and len(recordings(tmp_path / "kept")) == 1


async def test_no_recording_where_the_user_wants_none(script: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    environ = {"RTCLI_RECORDINGS": str(folder), "RTCLI_RECORD": "false"}
    ended = await served(script, command("never_answers"), environ=environ)

    assert ended.code == 6 and recordings(folder) == [] and "recording:" not in ended.err


async def test_an_application_is_judged_by_a_recording(tmp_path: Path) -> None:
    """What it does otherwise than the one that was recorded is shown."""
    file = tmp_path / "talk.ndjson"
    await rtcli("chat", "--local", "--text", "--record", str(file), text="hello\n")
    ended = await served("", command("never_answers"), "--from", str(file))

    assert ended.code == 6 and "mismatch: event 1 of the client is not" in ended.err


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (None, 6)], ids=["Ctrl+C", "SIGTERM", "time"]
)
async def test_the_whole_group_ends_with_us(
    script: str, tmp_path: Path, number: signal.Signals | None, code: int
) -> None:
    """Also a program that takes no notice, and what it has started; the result is written all the same."""
    file = tmp_path / "result.xml"
    limit = ("--timeout", "5") if number is None else ()
    options = ("--voice", "tone", "--once", "--script", script, "--junit", str(file), *limit)
    process = await start("serve", *options, "--", *command("hangs"))
    assert process.stdout is not None
    pids = [int(pid) for pid in (await asyncio.wait_for(process.stdout.readline(), DEADLINE)).split()]
    assert all(map(_runs, pids))
    if number is not None:
        process.send_signal(number)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert process.returncode == code, err
    await until(lambda: not any(map(_runs, pids)), "the end of the group")
    message = "it did not end within 5 s" if number is None else "it was stopped before it ended"
    assert message in err.decode() and message in file.read_text()
    assert ("rules that expect something never answered" in err.decode()) is (number is None)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
async def test_what_an_application_leaves_running_ends_with_it() -> None:
    """It would go on talking with a server that is gone."""
    ended = await served("", ("sh", "-c", "sleep 600 >/dev/null & echo $!"))

    await until(lambda: not _runs(int(ended.out)), "the end of what was left")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
async def test_the_group_ends_even_where_we_are_held_up(tmp_path: Path) -> None:
    """The last resort after a signal, when the loop is stuck, takes the group with it."""
    program = tmp_path / "stuck.py"
    program.write_text(
        "import asyncio, os, subprocess, sys, threading, time\n"
        "from rtcli.cli.leaving import GROUPS, Deadline\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "GROUPS.add(child.pid)\n"
        "print(child.pid, flush=True)\n"
        "Deadline().begin(143, threading.Event())\n"
        "time.sleep(600)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert process.returncode == 143
    await until(lambda: not _runs(int(out)), "the end of the group")


async def test_a_server_without_a_command_has_a_time_limit_if_asked() -> None:
    """A client that never comes does not hold up a CI job."""
    ended = await rtcli("serve", "--port", "0", "--voice", "tone", "--once", "--timeout", "0.2")

    assert ended.code == 6 and "no client came and left within 0.2 s" in ended.err


async def test_a_client_that_comes_by_itself_is_judged_by_the_rules_of_check(script: str) -> None:
    """As a program that is started is."""
    server = await start("serve", "--port", "0", "--voice", "tone", "--pace", "0", "--script", script, "--once")
    assert server.stdout is not None
    url = (await asyncio.wait_for(server.stdout.readline(), DEADLINE)).decode().strip()
    client = await asyncio.create_subprocess_exec(
        *command("never_answers"), env={**os.environ, "RTCLI_URL": url, "OPENAI_API_KEY": "none"}
    )
    await asyncio.wait_for(client.wait(), DEADLINE)
    _, err = await asyncio.wait_for(server.communicate(), DEADLINE)

    assert server.returncode == 6 and b"call-unanswered" in err


async def test_node_trusts_the_servers_certificate_and_what_the_user_trusts(tmp_path: Path) -> None:
    """And gets no private key that lies in the same file."""
    folder = Path(__file__).parents[1] / "server" / "net" / "certificate"
    both, theirs = tmp_path / "both.pem", tmp_path / "theirs.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes())
    theirs.write_text("-----BEGIN CERTIFICATE-----\ntheirs\n-----END CERTIFICATE-----\n")
    shown = tmp_path / "shown.pem"
    copy = f'cp "$NODE_EXTRA_CA_CERTS" {shown}'
    await rtcli(
        *("serve", "--once", "--voice", "tone", "--tls-cert", str(both), "--", "sh", "-c", copy),
        environ={"NODE_EXTRA_CA_CERTS": str(theirs)},
    )

    assert shown.read_text().count("BEGIN CERTIFICATE") == 2 and "\ntheirs\n" in shown.read_text()
    assert "PRIVATE" not in shown.read_text()
