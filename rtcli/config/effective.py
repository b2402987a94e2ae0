"""The settings as they count for a chat: as set, as an address or OpenAI's variables decide, else the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from rtcli.config.endpoints import OPENAI_KEY_VARIABLE, OPENAI_URL_VARIABLE, Endpoint, endpoint_of
from rtcli.config.folders import recordings_folder
from rtcli.config.settings import SETTINGS, Settings
from rtcli.errors import UsageError

Value: TypeAlias = tuple[Any, str]
"""A value, and where it comes from."""

_DEFAULT = "default"
_DEFAULTS: Mapping[str, Any] = {
    "text": False,
    "events": "off",
    "filter": "",
    "echo": "auto",
    "barge_in": True,
    "record": True,
    "theme": "auto",
    "editing": "emacs",
}

_KEYS = ("api_key_env", "api_key_file", "api_key_keyring")


def effective(settings: Settings, environ: Mapping[str, str]) -> tuple[dict[str, Value | None], UsageError | None]:
    """Every setting by name, None where it has no value (the server decides, or a device is the system's).

    With it comes the error that a chat would end with, where its endpoint cannot be told.
    """
    values: dict[str, Value | None] = {row.name: settings.find(row.name) for row in SETTINGS}
    problem = None
    try:
        endpoint = endpoint_of(settings, environ=environ, local_by_default=True)
    except UsageError as error:
        problem = error
    else:
        _fill_in(values, endpoint, environ)
    for name, default in (*_DEFAULTS.items(), ("recordings", str(recordings_folder()))):
        if values[name] is None:
            values[name] = default, _DEFAULT
    return values, problem


def _fill_in(values: dict[str, Value | None], endpoint: Endpoint, environ: Mapping[str, str]) -> None:
    """What the endpoint comes to: an address that names its model beats the setting."""
    # a setting beats the variable, as in endpoint_of
    address = str(given[0] if (given := values["url"]) else environ.get(OPENAI_URL_VARIABLE, ""))
    origin = _origin_of_address(values, environ)
    if endpoint.local:
        values["local"] = values["local"] or (True, _DEFAULT)
    else:
        values["local"] = values["local"] or (False, _DEFAULT)
        values["url"] = endpoint.url, origin
        values["auth"] = values["auth"] or (endpoint.auth, _DEFAULT)
    set_model = values["model"]
    if endpoint.model is None:
        values["model"] = None  # the address joins a call, or names a session that has its model
    elif set_model is None or set_model[0] != endpoint.model:
        named = any(f"{name}=" in address for name in ("model", "deployment"))
        values["model"] = endpoint.model, origin if named else _DEFAULT
    if endpoint.api_key is not None and not any(values[name] for name in _KEYS):
        values["api_key_env"] = OPENAI_KEY_VARIABLE, _DEFAULT


def _origin_of_address(values: Mapping[str, Value | None], environ: Mapping[str, str]) -> str:
    given = values["url"]
    if given is not None:
        return given[1]
    if environ.get(OPENAI_URL_VARIABLE, "").strip():
        return OPENAI_URL_VARIABLE
    return OPENAI_KEY_VARIABLE if environ.get(OPENAI_KEY_VARIABLE) else _DEFAULT
