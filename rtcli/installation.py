"""How this installation of rtcli gets something more: by the tool that made it, or by the system's package manager."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

_PORTAUDIO: Mapping[str, str] = {
    "debian": "apt-get install libportaudio2",
    "ubuntu": "apt-get install libportaudio2",
    "fedora": "dnf install portaudio",
    "rhel": "dnf install portaudio",
    "suse": "zypper install libportaudio2",
    "opensuse": "zypper install libportaudio2",
    "arch": "pacman -S portaudio",
    "alpine": "apk add portaudio",
    "gentoo": "emerge media-libs/portaudio",
    "void": "xbps-install portaudio",
}
"""By the ID of a Linux distribution, or of one that it is like (os-release)."""


def install_command(*requirements: str, prefix: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    """What to type so that this rtcli finds these packages. `prefix` is its environment; not given, this process's."""
    prefix = Path(sys.prefix) if prefix is None else prefix
    environ = os.environ if environ is None else environ
    what = " ".join(f"'{name}'" if set(name) & set("[]<>=!~ ") else name for name in requirements)
    if (prefix / "pipx_metadata.json").exists():
        return f"pipx runpip {prefix.name} install {what}"
    if _made_by_uv(prefix):  # it puts no pip into an environment
        return f"uv pip install --python {prefix} {what}"
    if (prefix / "pyvenv.cfg").exists() and environ.get("VIRTUAL_ENV") != str(prefix):
        return f"{prefix / ('Scripts' if os.name == 'nt' else 'bin') / 'python'} -m pip install {what}"
    return f"pip install {what}"


def portaudio_command(system: str = sys.platform, release: Mapping[str, str] | None = None) -> str:
    """What to type so that there is PortAudio: `system` as in sys.platform, `release` what os-release says."""
    if system == "darwin":
        return "brew install portaudio"
    if system != "linux":
        return install_command("--force-reinstall", "sounddevice")  # its wheel brings PortAudio along
    release = _os_release() if release is None else release
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if command := _PORTAUDIO.get(name.partition("-")[0]):
            return command if os.geteuid() == 0 else f"sudo {command}"
    return "see portaudio.com, or the package manager of this system"


def _made_by_uv(prefix: Path) -> bool:
    """By `uv tool install` or `uv venv`."""
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in settings.splitlines())


def _os_release() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
