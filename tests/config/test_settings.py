"""Settings and which of them counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtcli.config.settings import SETTINGS, Settings, load_settings
from rtcli.errors import InputError, UsageError


class House:
    """A user's configuration and a project, in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        (self.project / "deep").mkdir(parents=True)
        self.file = folder / "config.toml"

    def load(self, flags: dict[str, Any] | None = None, **environ: str) -> Settings:
        return load_settings(flags, environ=environ, folder=self.project / "deep", file=self.file)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_flag_beats_environment_beats_project_beats_the_persons_file(house: House) -> None:
    """Each layer is taken away in turn; the next one counts, and says where it comes from."""
    house.file.write_text('voice = "own"\n')
    project = house.project / ".rtcli.toml"
    project.write_text('voice = "project"\n')

    assert house.load({"voice": "flag"}, RTCLI_VOICE="env").find("voice") == ("flag", "flag")
    assert house.load({"voice": None}, RTCLI_VOICE="env").find("voice") == ("env", "environment")
    assert house.load().find("voice") == ("project", ".rtcli.toml")
    project.unlink()
    assert house.load().find("voice") == ("own", str(house.file))
    house.file.unlink()
    assert house.load().find("voice") is None


def test_a_named_profile_beats_the_environment_and_a_default_one_does_not(house: House) -> None:
    """Who types --profile means it."""
    house.file.write_text('profile = "a"\nvoice = "own"\n[profiles.a]\nvoice = "profile"\n')

    assert house.load({"profile": "a"}, RTCLI_VOICE="env").get("voice") == "profile"
    assert house.load(RTCLI_VOICE="env").get("voice") == "env"
    assert house.load().get("voice") == "profile"
    assert house.load().profiles == ("a",)


def test_a_key_is_never_sent_to_a_place_it_was_not_written_for(house: House) -> None:
    """A key in the user's file belongs to the URL of that file, not to the one of a stronger layer."""
    house.file.write_text('url = "wss://mine.example"\napi_key_env = "MINE"\nheaders = {X = "1"}\n')

    assert house.load().key_source() is not None
    assert house.load(RTCLI_URL="ws://other").key_source() is None
    assert house.load({"local": True}).get("headers") is None
    assert house.load({"api_key_env": "K"}).key_source() != house.load().key_source()


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS if not setting.project])
def test_a_project_cannot_set_what_decides_where_things_go(house: House, name: str) -> None:
    """A cloned repository may choose a voice, not an address, a key or a device."""
    (house.project / ".rtcli.toml").write_text(f'{name} = "x"\n')

    with pytest.raises(UsageError, match="cannot be set by a project"):
        house.load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('voise = "x"', "voise: no such setting"),
        ("text = 5", "text: 5 is not true or false"),
        ('events = "some"', "not one of: off, summary, all"),
        ("keys = 5", "not a table"),
        ('profile = "nope"', "no profile 'nope'"),
        ('profile = "p"\n[profiles.p]\nvoise = "x"', "profiles.p.voise: no such setting"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(house: House, text: str, message: str) -> None:
    """A setting with a slip in it must not be ignored silently."""
    house.file.write_text(text)

    with pytest.raises(UsageError, match=message) as caught:
        house.load()
    assert str(house.file) in str(caught.value)


def test_a_file_that_is_no_toml_is_an_input_error(house: House) -> None:
    """With the place in it."""
    house.file.write_text("voice = \n")

    with pytest.raises(InputError, match="line 1"):
        house.load()


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.write_bytes(b"\xff\xfe\x00")])
def test_a_file_that_cannot_be_read_is_an_input_error(house: House, make: Any) -> None:
    """A folder of that name, or bytes that are no text."""
    make(house.file)

    with pytest.raises(InputError, match=r"config\.toml"):
        house.load()


@pytest.mark.parametrize(("text", "value"), [("1", True), ("yes", True), ("false", False), ("0", False)])
def test_the_environment_writes_booleans_as_text(house: House, text: str, value: bool) -> None:
    """The usual spellings are read."""
    assert house.load(RTCLI_TEXT=text).get("text") is value


def test_an_odd_value_in_the_environment_names_its_variable(house: House) -> None:
    """RTCLI_TEXT=perhaps is an error and not false."""
    with pytest.raises(UsageError, match="RTCLI_TEXT"):
        house.load(RTCLI_TEXT="perhaps")


def test_two_places_for_one_key_are_an_error(house: House) -> None:
    """Nobody should have to guess which one counts."""
    house.file.write_text('api_key_env = "A"\napi_key_file = "b"\n')

    with pytest.raises(UsageError, match="more than one source for the API key"):
        house.load().key_source()


def test_a_device_can_be_a_number(house: House) -> None:
    """Devices are chosen by number or by a part of their name."""
    house.file.write_text("input_device = 3\n")

    assert house.load().get("input_device") == "3"
