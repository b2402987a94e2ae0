"""Settings: a table of what can be set, and their values from flags, environment, project and the user's file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtcli.config.folders import config_file
from rtcli.config.keys import KeySource
from rtcli.errors import InputError, UsageError
from rtcli.masking import add_header, add_url
from rtcli.reading import read_text

PROJECT_FILE = ".rtcli.toml"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set.

    `project` says whether a project's file may set it: what decides where audio and keys go may not come with a
    repository that somebody cloned. `variable` is None for tables, which an environment variable cannot hold.
    """

    name: str
    type: type  # bool, str or dict; text is read as the first two
    meaning: str
    project: bool = False
    choices: tuple[str, ...] = ()  # the only values it takes; empty: any

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it."""
        return None if self.type is dict else f"RTCLI_{self.name.upper()}"


SETTINGS: tuple[Setting, ...] = (
    Setting("profile", str, "the profile to use when none is named", project=True),
    Setting("url", str, "where to connect"),
    Setting("local", bool, "connect to the built-in server"),
    Setting("webrtc", bool, "chat by a WebRTC call, not over a WebSocket"),
    Setting("api_key_env", str, "the environment variable that holds the key"),
    Setting("api_key_file", str, "the file that holds the key"),
    Setting("api_key_keyring", str, "the keyring entry SERVICE/USER that holds the key"),
    Setting("auth", str, "how the key is sent", choices=("bearer", "api-key")),
    Setting(
        "websocket",
        str,
        "the package that reads and writes frames; auto: picows where it is installed",
        choices=("auto", "picows", "websockets"),
    ),
    Setting("headers", dict, "more headers for the upgrade request; not those that carry a key"),
    Setting("model", str, "the model", project=True),
    Setting("voice", str, "the voice", project=True),
    Setting("instructions", str, "the session's instructions", project=True),
    Setting("text", bool, "ask for text instead of audio", project=True),
    Setting(
        "session_update",
        str,
        "how much the first session.update says: defaults too, what is asked for alone, or it is not sent",
        choices=("full", "minimal", "none"),
    ),
    Setting("events", str, "show events", project=True, choices=("off", "summary", "all")),
    Setting("filter", str, "which events to show", project=True),
    Setting("input_device", str, "the microphone, by number or a part of its name"),
    Setting("output_device", str, "the speaker, by number or a part of its name"),
    Setting(
        "echo", str, "what keeps the assistant from hearing itself", choices=("auto", "aec", "gate", "half", "off")
    ),
    Setting("barge_in", bool, "a typed message stops the assistant while it speaks", project=True),
    Setting("record", bool, "record what happens at a prompt (true unless this says otherwise)"),
    Setting("recordings", str, "the folder of recordings"),
    Setting(
        "theme",
        str,
        "colors for any background, a dark one, a light one; or none",
        choices=("auto", "dark", "light", "none"),
    ),
    Setting("editing", str, "how the line at the prompt is edited: as in emacs or as in vi", choices=("emacs", "vi")),
    Setting("keys", dict, "key bindings of the prompt: action = key"),
    Setting("bounds", dict, "figures of /stats and the times above which they are marked: voice_to_ear = 1200"),
    Setting("prices", dict, "prices of models, one table per model"),
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
# What belongs to one endpoint: it is never mixed with another one's.
_CONNECTION = ("url", "local", "api_key_env", "api_key_file", "api_key_keyring", "auth", "headers")


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source; `origin` names it for users."""

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Every layer, strongest first."""

    layers: tuple[Layer, ...]
    profiles: tuple[str, ...] = ()  # names in the user's file, also those not in use

    def get(self, name: str) -> Any:
        """The value that counts, or None. A connection's values count only beside the endpoint they belong to."""
        found = self.find(name)
        return found[0] if found else None

    def find(self, name: str) -> tuple[Any, str] | None:
        """The value that counts and where it comes from."""
        for layer in self._connection_layers() if name in _CONNECTION else self.layers:
            if name in layer.values:
                return layer.values[name], layer.origin
        return None

    def key_source(self) -> KeySource | None:
        """Where the key is, if a setting says so. Raises UsageError if two settings of one layer do."""
        names = ("api_key_env", "api_key_file", "api_key_keyring")
        for layer in self._connection_layers():
            given = [layer.values.get(name) for name in names]
            if any(given):
                return KeySource(*given)
        return None

    def _connection_layers(self) -> tuple[Layer, ...]:
        """The layers down to the first that says where to connect.

        Below it, keys and headers are meant for another endpoint and must not be sent to this one.
        """
        for index, layer in enumerate(self.layers):
            if layer.values.get("url") or layer.values.get("local"):
                return self.layers[: index + 1]
        return self.layers


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    file: Path | None = None,
) -> Settings:
    """Flag, then environment, then the project's file, then the profile, then the user's file.

    A profile that a flag names comes right after the flags. Flags of None were not given. The project's file is the
    nearest `.rtcli.toml` from `folder` (the current one) upwards; a profile is a `[profiles.NAME]` table of the
    user's file. Raises InputError for a file that is not TOML, UsageError for a setting that does not exist, has
    the wrong type or does not belong there.
    """
    environ = os.environ if environ is None else environ
    given = Layer("flag", {name: value for name, value in (flags or {}).items() if value not in (None, (), [])})
    variables = Layer("environment", dict(_from_environment(environ)))
    project_file = _project_file(folder or _current_folder())
    project = Layer(PROJECT_FILE, _checked(_read(project_file), project_file, project=True) if project_file else {})
    path = file or config_file()
    raw = _read(path)
    profiles = raw.pop("profiles", {})
    own = Layer(str(path), _checked(raw, path))
    # Without the profile, which is one of the settings that have to be looked up first.
    chosen = Settings((given, variables, project, own))
    profile = _profile(chosen, profiles, path)
    if profile is None:
        return Settings((given, variables, project, own), tuple(profiles))
    # A profile that is only a default must not override what was set for this run or this project.
    named_by_flag = (chosen.find("profile") or ("", ""))[1] == "flag"
    layers = (given, profile, variables, project, own) if named_by_flag else (given, variables, project, profile, own)
    return Settings(layers, tuple(profiles))


def _profile(chosen: Settings, profiles: Mapping[str, Any], path: Path) -> Layer | None:
    """The profile that was asked for. A default one steps back when a stronger layer says where to connect."""
    found = chosen.find("profile")
    if found is None:
        return None
    name, origin = found
    if origin != "flag" and any(layer.values.get("url") or layer.values.get("local") for layer in chosen.layers[:-1]):
        return None
    values = profiles.get(name)
    if not isinstance(values, dict):
        known = ", ".join(profiles) or "none"
        raise UsageError(f"no profile {name!r}", why=f"{path} has {known}", hint=f"write a table [profiles.{name}]")
    return Layer(f"profile {name}", _checked(values, path, where=f"profiles.{name}."))


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for setting in SETTINGS:
        value = environ.get(setting.variable or "", "")
        if value:
            yield setting.name, check(setting.name, value, setting.variable or "")


def _current_folder() -> Path:
    """Where we are; the root where that folder was deleted: it has no project's file for anybody."""
    try:
        return Path.cwd()
    except OSError:
        return Path(Path.home().anchor or "/")


def _project_file(folder: Path) -> Path | None:
    """The nearest one in a folder that is ours: what another user has left in a shared folder sets nothing."""
    for parent in (folder, *folder.parents):
        if (parent / PROJECT_FILE).is_file() and _is_trusted(parent) and _is_trusted(parent / PROJECT_FILE):
            return parent / PROJECT_FILE
    return None


def _is_trusted(path: Path) -> bool:
    """Whether the user or root owns it, and not everybody can write it. Windows has its own rights, for its users."""
    if not hasattr(os, "getuid"):
        return True
    status = path.stat()
    return status.st_uid in (os.getuid(), 0) and not status.st_mode & stat.S_IWOTH


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.exists():
            return {}
        import tomllib

        return tomllib.loads(read_text(path))
    except OSError as error:  # a folder that may not be looked into
        raise InputError(str(path), error.strerror or str(error)) from error
    except ValueError as error:  # tomllib's, which is not loaded where there is no file
        raise InputError(str(path), f"not TOML: {error}") from error


def _checked(values: Mapping[str, Any], path: Path, *, where: str = "", project: bool = False) -> dict[str, Any]:
    for name in values:
        if project and name in BY_NAME and not BY_NAME[name].project:
            raise UsageError(
                f"{path}: {name} cannot be set by a project",
                why="it decides where your audio, text or key is sent",
                hint=f"set it in {config_file()}",
            )
    return {name: check(name, value, f"{path}: {where}{name}") for name, value in values.items()}


def check(name: str, value: Any, where: str) -> Any:
    """The value of a setting in its type (text is read as one). Raises UsageError that says `where`."""
    setting = BY_NAME.get(name)
    if setting is None:
        from rtcli.protocol.nearest import nearest_hint

        raise UsageError(f"{where}: no such setting", hint=nearest_hint(name, BY_NAME, "see rtcli config"))
    if setting.type is bool and isinstance(value, str):
        value = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(
            value.lower(), value
        )
    # TOML has numbers: `input_device = 3` names a device as well as "3".
    if setting.type is str and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    _learn_secrets(name, value)  # before any error can show the value
    if not isinstance(value, setting.type):
        kind = {str: "text", bool: "true or false", dict: "a table"}[setting.type]
        raise UsageError(f"{where}: {value!r} is not {kind}")
    if setting.choices and value not in setting.choices:
        raise UsageError(f"{where}: {value!r} is not one of: {', '.join(setting.choices)}")
    return value


def _learn_secrets(name: str, value: Any) -> None:
    """A value that will be refused because it holds a key is not shown either."""
    if name == "url" and isinstance(value, str):
        add_url(value)
    elif name == "headers" and isinstance(value, dict):
        for header, content in value.items():
            add_header(header, str(content))
