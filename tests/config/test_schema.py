"""The JSON Schema of the settings: it takes what the program takes, and refuses what the program refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path

import jsonschema
import pytest

from rtcli.config.prices import price_of
from rtcli.config.schema import settings_schema
from rtcli.config.settings import SETTINGS, load_settings
from rtcli.errors import UsageError

VALIDATOR = jsonschema.Draft202012Validator(settings_schema())

GOOD = (
    "",
    'model = "gpt-realtime"\ntext = true\ninput_device = 3\noutput_device = "Headphones"',
    'auth = "api-key"\n[headers]\nX-Team = "voice"\n[keys]\nmute = "f9"',
    '[prices."gpt-realtime"]\noutput_audio = 60.0\n[prices.mine]\nminute = 1\nstandby = 0.5',
    'profile = "work"\n[profiles.work]\nurl = "wss://work.example/v1/realtime"\nvoice = "cedar"',
)
BAD = (
    'modle = "gpt-realtime"',
    'text = "perhaps"',
    'events = "some"',
    'headers = "X-Team: voice"',
    "[profiles.work]\nvoise = 1",
    '[prices."gpt-realtime"]\ninputs = 1.0',
    '[prices."gpt-realtime"]\nminute = 1.0\ninput_text = 1.0',
)


def taken(text: str, folder: Path) -> bool:
    """Whether the program takes a settings file."""
    file = folder / "config.toml"
    file.write_text(text)
    try:
        settings = load_settings(environ={"RTCLI_PROFILE": "work"} if "[profiles" in text else {}, file=file)
        for model in settings.get("prices") or {}:
            price_of(model, settings.get("prices"))
    except UsageError:
        return False
    return True


def test_the_schema_is_one() -> None:
    """And has every setting, with its meaning."""
    VALIDATOR.check_schema(settings_schema())
    properties = settings_schema()["properties"]

    assert {row.name: properties[row.name]["description"] for row in SETTINGS} == {s.name: s.meaning for s in SETTINGS}


@pytest.mark.parametrize("text", GOOD)
def test_what_the_program_takes_is_valid(text: str, tmp_path: Path) -> None:
    """An editor marks nothing."""
    assert taken(text, tmp_path)
    assert list(VALIDATOR.iter_errors(tomllib.loads(text))) == []


@pytest.mark.parametrize("text", BAD)
def test_what_the_program_refuses_is_not(text: str, tmp_path: Path) -> None:
    """An editor marks it before the program does."""
    assert not taken(text, tmp_path)
    assert list(VALIDATOR.iter_errors(tomllib.loads(text)))
