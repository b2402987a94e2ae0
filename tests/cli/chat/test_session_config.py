"""What is asked of a session: file, settings and flags in one config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtcli.cli.chat.options import ChatOptions
from rtcli.cli.chat.session_config import session_config
from rtcli.config.endpoints import resolve_endpoint
from rtcli.config.settings import PROJECT_FILE, Layer, Settings
from rtcli.errors import InputError
from rtcli.protocol.models import DEFAULT_MODEL, DEFAULT_TRANSCRIBER, shutdown_of
from rtcli.protocol.wire_config import config_of


def test_instructions_can_be_in_a_file(tmp_path: Path) -> None:
    """@FILE, from a flag or the user's own settings."""
    (tmp_path / "say.txt").write_text("Be brief.\n")
    settings = Settings((Layer("flag", {"instructions": f"@{tmp_path / 'say.txt'}"}),))

    assert session_config(settings, None)["instructions"] == "Be brief."


def test_a_project_cannot_send_files_of_this_machine_to_a_model(tmp_path: Path) -> None:
    """What comes with a clone is taken word for word."""
    (tmp_path / "secret").write_text("password")
    text = f"@{tmp_path / 'secret'}"
    settings = Settings((Layer(PROJECT_FILE, {"instructions": text}),))

    assert session_config(settings, None)["instructions"] == text


def test_a_session_of_the_server_can_be_asked_for_again() -> None:
    """What it shows and nobody can set is left out; fields without a name of their own travel all the same."""
    session = {"type": "realtime", "object": "realtime.session", "id": "s", "expires_at": 1, "model": "m"}
    wanted = {"instructions": "x", "audio": {"output": {"voice": "cedar"}}, "truncation": "auto"}

    assert config_of({**session, **wanted}) == {
        "instructions": "x",
        "audio": {"output": {"voice": "cedar"}},
        "provider_data": {"truncation": "auto"},
    }


@pytest.mark.parametrize(
    ("given", "transcription"),
    [
        ({}, {"model": DEFAULT_TRANSCRIBER}),
        ({"audio": None}, {"model": DEFAULT_TRANSCRIBER}),
        ({"audio": {"input": {"noise_reduction": None}}}, {"model": DEFAULT_TRANSCRIBER}),
        ({"audio": {"input": {"transcription": {"model": "whisper-1"}}}}, {"model": "whisper-1"}),
        ({"audio": {"input": {"transcription": None}}}, None),
    ],
)
def test_the_program_names_a_transcriber_that_stays(tmp_path: Path, given: dict[str, Any], transcription: Any) -> None:
    """Unless the session's file names one, or none; the library's own default is the reference's."""
    (tmp_path / "session.json").write_text(json.dumps(given))

    config = session_config(Settings(()), str(tmp_path / "session.json"))
    assert config["audio"]["input"]["transcription"] == transcription
    assert shutdown_of(DEFAULT_TRANSCRIBER) is None
    assert shutdown_of(DEFAULT_MODEL) is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"audio": 5}, "audio of a session config is 5, not an object"),
        ({"session": {"audio": {"input": [1]}}}, "audio.input of a session config is [1], not an object"),
        ({"tools": {"type": "mcp"}}, "tools of a session config is {'type': 'mcp'}, not a list"),
    ],
)
def test_a_file_of_another_shape_is_named_with_the_place(tmp_path: Path, given: Any, problem: str) -> None:
    """Before anything is dialled."""
    file = tmp_path / "session.json"
    file.write_text(json.dumps(given))

    with pytest.raises(InputError) as caught:
        session_config(Settings(()), str(file))
    assert str(file) in str(caught.value)
    assert problem in str(caught.value)


def test_a_voice_of_the_command_line_wins_over_the_files(tmp_path: Path) -> None:
    """As every setting does."""
    (tmp_path / "session.json").write_text('{"audio": {"output": {"voice": "ash", "speed": 1.2}}}')

    config = session_config(Settings((Layer("flag", {"voice": "cedar"}),)), str(tmp_path / "session.json"))
    assert config["audio"]["output"] == {"voice": "cedar", "speed": 1.2}


def test_what_openai_switches_off_is_said_at_the_connect() -> None:
    """For its own API alone: a name may live on at another provider."""
    config = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}, "prompt": {"id": "pmpt_1"}}
    openai = resolve_endpoint(model="gpt-realtime", environ={"OPENAI_API_KEY": "sk-x"})
    elsewhere = resolve_endpoint(url="ws://127.0.0.1:1", model="gpt-realtime")

    said = [f"{notice.what} {notice.hint}" for notice in ChatOptions(openai, config).greeting()]
    assert [
        name for line in said[1:] for name in ("gpt-realtime ", "whisper-1 ", "stored prompts ") if name in line
    ] == [
        "gpt-realtime ",
        "whisper-1 ",
        "stored prompts ",
    ]
    assert len(ChatOptions(elsewhere, config).greeting()) == 1
