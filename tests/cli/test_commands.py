"""serve, devices, config and doctor."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import tomllib
from pathlib import Path

import pytest

from rtcli.cli import devices, output
from rtcli.cli.config import template
from rtcli.config.schema import settings_schema
from rtcli.config.settings import SETTINGS
from rtcli.protocol.models import DEFAULT_TRANSCRIBER
from tests.kit.events import error
from tests.kit.fake_server import answers, fake_server, refuses
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE

# -- serve ---------------------------------------------------------------------------------------


async def test_serve_prints_its_address_and_nothing_else_on_stdout() -> None:
    """Exactly the address and a newline; what runs is said on stderr; SIGTERM ends it with 143."""
    process = await start("serve", "--port", "0", "--voice", "tone")
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), DEADLINE)).decode()
    answer = await rtcli("chat", "--url", line.strip(), "--text", text="hello\n")
    process.send_signal(signal.SIGTERM)
    rest, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/v1/realtime\n", line)
    assert rest == b""
    assert b"rules" in err
    assert answer.code == 0, answer.err
    assert process.returncode == 143


async def test_serve_wants_the_key_of_its_environment() -> None:
    """RTCLI_SERVE_KEY: without it the client is refused in OpenAI's manner, with it served."""
    process = await start("serve", "--port", "0", "--voice", "tone", environ={"RTCLI_SERVE_KEY": "s3cret"})
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), DEADLINE)).decode().strip()
    refused = await rtcli("chat", "--url", url, "--text", text="hello\n")
    served = await rtcli("chat", "--url", url, "--text", "--api-key-env", "K", text="hello\n", environ={"K": "s3cret"})
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), DEADLINE)

    assert refused.code == 3
    assert served.code == 0, served.err
    assert process.returncode == 130


async def test_serve_ends_with_the_process_that_started_it() -> None:
    """--until-eof: its standard input closes however that process ends."""
    process = await start("serve", "--port", "0", "--voice", "tone", "--until-eof")
    assert process.stdout is not None
    assert process.stdin is not None
    await asyncio.wait_for(process.stdout.readline(), DEADLINE)
    process.stdin.close()

    assert await asyncio.wait_for(process.wait(), DEADLINE) == 0


# -- devices -------------------------------------------------------------------------------------


def test_devices_are_listed_as_they_are_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Number, name, directions, rate; the default is marked. As JSON one object a line."""
    from rtcli.audio import devices as sound

    card = sound.AudioDevice(3, "Some Card", "ALSA", 2, 0, 48_000, default_input=True)
    monkeypatch.setattr(sound, "list_devices", lambda: (card,))

    devices.devices(json=False)
    table = capsys.readouterr().out
    devices.devices(json=True)
    row = json.loads(capsys.readouterr().out)

    for word in ("3", "Some Card", "2 in *", "48000 Hz"):
        assert word in table
    assert (row["index"], row["name"]) == (3, "Some Card")


def test_no_devices_are_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine without sound can chat by text."""
    from rtcli.audio import devices as sound

    monkeypatch.setattr(sound, "list_devices", lambda: ())

    assert devices.devices(json=False) == 0
    assert "no audio devices" in capsys.readouterr().err


# -- config --------------------------------------------------------------------------------------


async def test_config_shows_each_setting_with_its_origin(tmp_path: Path) -> None:
    """The one that counts, and from where; as JSON for programs."""
    (tmp_path / "rtcli").mkdir()
    (tmp_path / "rtcli" / "config.toml").write_text('voice = "own"\nmodel = "m"\n[profiles.work]\nvoice = "w"\n')
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "RTCLI_VOICE": "env"}

    table = await rtcli("config", environ=environ)
    values = json.loads((await rtcli("config", "--json", environ=environ)).out)
    path = await rtcli("config", "path", environ=environ)

    assert "work" in table.out
    assert values["voice"] == {"value": "env", "origin": "environment"}
    assert values["model"]["origin"] == str(tmp_path / "rtcli" / "config.toml")
    assert path.out.strip() == str(tmp_path / "rtcli" / "config.toml")


async def test_config_shows_what_counts_where_nothing_was_set(tmp_path: Path) -> None:
    """The built-in server, OpenAI by its key, an address that names its model: each with what decided it."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}

    async def shown(**more: str) -> dict[str, tuple[object, str]]:
        ended = await rtcli("config", "--json", environ={**environ, **more})
        assert ended.code == 0 and "sk-of-this-test" not in ended.out + ended.err
        return {name: (row["value"], row["origin"]) for name, row in json.loads(ended.out).items()}

    bare = await shown()
    openai = await shown(OPENAI_API_KEY="sk-of-this-test-0123456789")
    own = await shown(RTCLI_URL="ws://127.0.0.1:9/v1/realtime?model=named", RTCLI_MODEL="m", RTCLI_EVENTS="all")
    base = await shown(OPENAI_BASE_URL="http://127.0.0.1:9/v1", RTCLI_MODEL="m")

    assert bare["local"] == (True, "default") and bare["model"] == ("gpt-realtime-2.1", "default")
    assert bare["record"] == (True, "default") and bare["events"] == ("off", "default")
    assert bare["recordings"] == (str(tmp_path / "rtcli" / "recordings"), "default")
    assert openai["url"] == ("wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1", "OPENAI_API_KEY")
    assert openai["local"] == (False, "default") and openai["api_key_env"] == ("OPENAI_API_KEY", "default")
    assert own["model"] == ("named", "environment") and own["events"] == ("all", "environment")
    assert base["url"] == ("ws://127.0.0.1:9/v1/realtime?model=m", "OPENAI_BASE_URL")
    assert base["model"] == ("m", "environment") and "api_key_env" not in base


async def test_config_shows_settings_with_which_nothing_can_be_dialed(tmp_path: Path) -> None:
    """It is where the user looks for the mistake, which is named."""
    ended = await rtcli("config", environ={"XDG_CONFIG_HOME": str(tmp_path), "RTCLI_URL": "ftp://example.org/"})

    assert ended.code == 0
    assert "ftp://example.org/" in ended.out and "ftp" in ended.err


async def test_config_init_writes_a_private_file_once(tmp_path: Path) -> None:
    """Every setting as a comment; an existing file is overwritten with --force alone, and a link stays a link."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    first, second = await rtcli("config", "init", environ=environ), await rtcli("config", "init", environ=environ)

    file = tmp_path / "rtcli" / "config.toml"
    assert first.code == 0, first.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    one_clear_line(second, 2, "already exists", "--force")
    template = file.read_text()
    file.rename(tmp_path / "elsewhere.toml")
    file.symlink_to(tmp_path / "elsewhere.toml")
    (tmp_path / "elsewhere.toml").write_text('model = "mine"')
    forced = await rtcli("config", "init", "--force", environ=environ)
    assert forced.code == 0, forced.err
    assert file.is_symlink()
    assert (tmp_path / "elsewhere.toml").read_text() == template
    named = file.read_text().partition("\n")[0].removeprefix("#:schema ")
    assert json.loads((file.parent / named).read_text()) == settings_schema()


async def test_config_schema_prints_schemas() -> None:
    """Of the settings and of the server's scripts; another word is refused."""
    settings, script = await rtcli("config", "schema"), await rtcli("config", "schema", "script")

    assert json.loads(settings.out) == settings_schema()
    assert json.loads(script.out)["title"] == "A script for the local Realtime server"
    one_clear_line(await rtcli("config", "schema", "poems"), 2, "no schema of 'poems'", "script")


def test_every_line_of_the_template_is_a_setting_that_can_be_read() -> None:
    """With its comment marks taken away it is TOML in which all settings have the right type."""
    lines = [line[2:] for line in template().splitlines() if re.match(r"# \w+ = ", line)]
    values = tomllib.loads("\n".join(lines))

    assert {name: type(value) for name, value in values.items()} == {row.name: row.type for row in SETTINGS}


async def test_config_edit_opens_the_editor_and_checks_what_it_left(tmp_path: Path) -> None:
    """A slip is named at once, not at the next chat."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "voise = 1" >"$1"\n')
    editor.chmod(0o755)
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "EDITOR": str(editor), "VISUAL": ""}

    one_clear_line(await rtcli("config", "edit", environ=environ), 2, "voise", "did you mean voice?")


@pytest.mark.parametrize(
    ("editor", "words"),
    [("", "VISUAL nor EDITOR"), ("/nowhere/editor", "cannot be run"), ("false", "exited with code 1")],
)
async def test_an_editor_that_does_not_work_is_named(tmp_path: Path, editor: str, words: str) -> None:
    """None set, none there, one that fails."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "EDITOR": editor, "VISUAL": ""}

    one_clear_line(await rtcli("config", "edit", environ=environ), 2, words)


# -- doctor --------------------------------------------------------------------------------------


async def test_doctor_checks_what_a_chat_needs_without_the_network(tmp_path: Path) -> None:
    """All checks, the built-in server's answer among them; a missing sound device is not a failure."""
    ended = await rtcli("doctor", "--json")

    assert ended.code == 0, ended.err
    found = {row["check"]: row for row in ended.events}
    assert list(found) == [
        "program",
        "packages",
        "folders",
        "audio",
        "terminal",
        "endpoint",
        "websocket",
        "models",
        "built-in server",
    ]
    assert found["built-in server"]["good"]


async def test_doctor_live_takes_one_turn_with_the_endpoint() -> None:
    """And says why that fails, with the code of the failure."""
    async with fake_server(answers) as server:
        good = await rtcli("doctor", "--json", "--live", "--url", server.url)
    refusal = error("invalid_api_key", "Incorrect API key provided")
    async with fake_server(refuses(refusal, 3000, "invalid_request_error.invalid_api_key")) as server:
        bad = await rtcli("doctor", "--json", "--live", "--url", server.url)

    assert good.events[-1]["check"] == "live turn"
    assert good.events[-1]["good"]
    assert good.code == 0, good.err
    assert not bad.events[-1]["good"]
    assert "Incorrect API key" in bad.events[-1]["result"]
    assert bad.code == 3


async def test_doctors_live_turn_asks_for_what_a_chat_asks_for() -> None:
    """Else it would fail on the day on which the library's default transcriber goes, and the chat would not."""
    async with fake_server(answers) as server:
        ended = await rtcli("doctor", "--live", "--url", server.url)

    session = server.received[0]["session"]
    assert ended.code == 0, ended.err
    assert session["audio"]["input"]["transcription"] == {"model": DEFAULT_TRANSCRIBER}
    assert session["output_modalities"] == ["text"]


async def test_doctor_says_which_model_is_switched_off_and_what_to_use() -> None:
    """For OpenAI's own API, whose calendar it is; a warning, no failure."""
    openai = {"OPENAI_API_KEY": "sk-x"}
    old = await rtcli("doctor", "--json", "--model", "gpt-realtime-2025-08-28", environ=openai)
    new = await rtcli("doctor", "--json", environ=openai)
    elsewhere = await rtcli("doctor", "--json", "--model", "gpt-realtime", "--local")

    (of_old, of_new, of_local) = (
        next(row for row in ended.events if row["check"] == "models") for ended in (old, new, elsewhere)
    )
    assert (old.code, of_old["good"], of_old["hint"]) == (0, False, "use gpt-realtime-2.1")
    assert "2027-01-20" in of_old["result"]
    assert (of_new["good"], of_new["result"]) == (True, "gpt-realtime-2.1, transcribed by gpt-transcribe")
    assert of_local["good"]


async def test_doctors_bundle_holds_no_key(tmp_path: Path) -> None:
    """It is made to be attached to a defect report."""
    secret = "sk-proj-abcdefghijklmnopqrstuvwxyz"
    ended = await rtcli(
        *("doctor", "--bundle", str(tmp_path / "b.json"), "--url", "wss://api.openai.com/v1"),
        environ={"OPENAI_API_KEY": secret, "RTCLI_INSTRUCTIONS": f"my key is {secret}"},
    )
    text = (tmp_path / "b.json").read_text()

    assert ended.code == 0, ended.err
    assert "abcdefghijklmnop" not in text + ended.out
    assert json.loads(text)["checks"][0]["check"] == "program"


async def test_doctor_names_settings_that_cannot_be_read(tmp_path: Path) -> None:
    """It is the command for when nothing else works."""
    (tmp_path / "rtcli").mkdir()
    (tmp_path / "rtcli" / "config.toml").write_text("voise = 1\n")
    ended = await rtcli("doctor", "--json", environ={"XDG_CONFIG_HOME": str(tmp_path)})

    endpoint = next(row for row in ended.events if row["check"] == "endpoint")
    assert "voise" in endpoint["result"]
    assert ended.code == 2


def test_output_for_no_terminal_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    """`grep` finds a long line whole."""
    from rtcli.views import Notice

    output.show(Notice("word " * 60))

    assert capsys.readouterr().err.count("\n") == 1
    assert os.environ.get("NO_COLOR") is None
