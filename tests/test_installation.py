"""What a hint tells to type: it fits the tool that made this installation, and the system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtcli.installation import install_command, portaudio_command


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment, as `python -m venv` makes one."""
    folder = tmp_path / "rtcli"
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.13.1\n")
    return folder


def test_in_an_active_environment_it_is_pip(prefix: Path) -> None:
    """What a shell would take for something else is quoted."""
    active = {"VIRTUAL_ENV": str(prefix)}

    assert install_command("keyring", prefix=prefix, environ=active) == "pip install keyring"
    assert install_command("rtcli[voice]", prefix=prefix, environ=active) == "pip install 'rtcli[voice]'"
    assert install_command("a", "b>=2", prefix=prefix, environ=active) == "pip install a 'b>=2'"


def test_in_an_environment_that_is_not_active_it_is_its_own_pip(prefix: Path) -> None:
    """As after `make chat`: the shell's pip would install elsewhere."""
    command = install_command("keyring", prefix=prefix, environ={})

    assert command == f"{prefix / ('Scripts' if os.name == 'nt' else 'bin') / 'python'} -m pip install keyring"


def test_without_an_environment_it_is_pip(tmp_path: Path) -> None:
    """A system's Python."""
    assert install_command("keyring", prefix=tmp_path, environ={}) == "pip install keyring"


def test_under_pipx_it_is_pipx(prefix: Path) -> None:
    """It has an environment for each program."""
    (prefix / "pipx_metadata.json").write_text("{}")

    assert install_command("keyring", prefix=prefix, environ={}) == "pipx runpip rtcli install keyring"


def test_under_uv_it_is_uv(prefix: Path) -> None:
    """`uv tool install` and `uv venv` put no pip into an environment."""
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.9\n")

    assert install_command("keyring", prefix=prefix, environ={}) == f"uv pip install --python {prefix} keyring"


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "debian"}, "apt-get install libportaudio2"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt-get install libportaudio2"),
        ({"ID": "fedora"}, "dnf install portaudio"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install portaudio"),
        ({"ID": "opensuse-tumbleweed", "ID_LIKE": "opensuse suse"}, "zypper install libportaudio2"),
        ({"ID": "manjaro", "ID_LIKE": "arch"}, "pacman -S portaudio"),
        ({"ID": "alpine"}, "apk add portaudio"),
    ],
)
def test_portaudio_comes_from_the_distribution(release: dict[str, str], command: str) -> None:
    """Or from the one that it is made from."""
    assert portaudio_command("linux", release).removeprefix("sudo ") == command


def test_elsewhere_the_hint_still_helps() -> None:
    """A distribution that nobody knows, a Mac, a system on which the wheel brings it along."""
    assert "portaudio.com" in portaudio_command("linux", {"ID": "homemade"})
    assert "portaudio.com" in portaudio_command("linux", {})
    assert portaudio_command("darwin") == "brew install portaudio"
    assert "sounddevice" in portaudio_command("win32")
