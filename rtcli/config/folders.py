"""The folders that rtcli keeps things in, by the XDG rules (or what the system uses instead)."""

from __future__ import annotations

from pathlib import Path


def config_folder() -> Path:
    """Where the user's own settings are."""
    import platformdirs

    return Path(platformdirs.user_config_path("rtcli"))


def state_folder() -> Path:
    """Where the history of typed lines is."""
    import platformdirs

    return Path(platformdirs.user_state_path("rtcli"))


def recordings_folder() -> Path:
    """Where sessions are recorded."""
    return state_folder() / "recordings"


def config_file() -> Path:
    """The user's own settings, as TOML."""
    return config_folder() / "config.toml"


def history_file() -> Path:
    """The lines typed at the prompt."""
    return state_folder() / "history"


def make_private(folder: Path) -> Path:
    """The folder, made if need be and readable by its owner alone: what is said to a model is private."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
