"""What is asked of a session: file, settings and flags in one config."""

from __future__ import annotations

from pathlib import Path

from rtcli.cli.chat.session_config import config_of, session_config
from rtcli.config.settings import PROJECT_FILE, Layer, Settings


def test_instructions_can_be_in_a_file(tmp_path: Path) -> None:
    """@FILE, from a flag or the person's own settings."""
    (tmp_path / "say.txt").write_text("Be brief.\n")
    settings = Settings((Layer("flag", {"instructions": f"@{tmp_path / 'say.txt'}"}),))

    assert session_config(settings, None) == {"instructions": "Be brief."}


def test_a_project_cannot_send_files_of_this_machine_to_a_model(tmp_path: Path) -> None:
    """What comes with a clone is taken word for word."""
    (tmp_path / "secret").write_text("password")
    text = f"@{tmp_path / 'secret'}"
    settings = Settings((Layer(PROJECT_FILE, {"instructions": text}),))

    assert session_config(settings, None) == {"instructions": text}


def test_a_session_of_the_server_can_be_asked_for_again() -> None:
    """What it shows and nobody can set is left out; fields without a name of their own travel all the same."""
    session = {"type": "realtime", "object": "realtime.session", "id": "s", "expires_at": 1, "model": "m"}
    wanted = {"instructions": "x", "audio": {"output": {"voice": "cedar"}}, "truncation": "auto"}

    assert config_of({**session, **wanted}) == {
        "instructions": "x",
        "audio": {"output": {"voice": "cedar"}},
        "provider_data": {"truncation": "auto"},
    }
