"""What the user wants of the session: from --session, --instructions, --voice and --text to one config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.config.settings import PROJECT_FILE, Settings
from rtcli.errors import InputError, UsageError
from rtcli.protocol.models import DEFAULT_TRANSCRIBER
from rtcli.protocol.session_kind import SessionKind
from rtcli.reading import read_text

DEFAULTS: Mapping[str, Any] = {"audio": {"input": {"transcription": {"model": DEFAULT_TRANSCRIBER}}}}
"""What the program asks for where the user does not: the library's own transcriber is switched off soon."""


def session_config(settings: Settings, file: str | None) -> dict[str, Any]:
    """The config of the session: what the user asks for, over what the program does. Raises InputError."""
    return _merged(dict(DEFAULTS), asked_config(settings, file))


def asked_config(
    settings: Settings, file: str | None, kind: SessionKind = SessionKind.REALTIME, language: str | None = None
) -> dict[str, Any]:
    """What the user asks for: the file's, with the settings on top. Raises InputError, and UsageError for a language
    where none has a place.
    """
    config = _from_file(file) if file else {}
    if found := settings.find("instructions"):
        instructions, origin = found
        # A project's file comes with a clone: it may say things to the model, not send it a file of this machine.
        config["instructions"] = instructions if origin == PROJECT_FILE else text_or_file(instructions)
    if settings.get("text"):
        config["output_modalities"] = ["text"]
    if (voice := settings.get("voice")) is not None:
        config = _merged(config, {"audio": {"output": {"voice": voice}}})
    if language is not None:
        config = _merged(config, _in_language(language, kind, config))
    # "audio": null in a file asks for nothing, and is left out.
    return {name: value for name, value in config.items() if (name, value) != ("audio", None)}


def _merged(config: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    from rtcli.protocol.session_config import merge  # not for a prompt's first paint

    return merge(config, more)


def _in_language(language: str, kind: SessionKind, config: Mapping[str, Any]) -> dict[str, Any]:
    """What is spoken in a translation, or heard in a transcription."""
    if kind is SessionKind.LIVE:
        raise UsageError("a GPT-Live session takes no --language", hint="say it with --instructions")
    if kind is SessionKind.TRANSLATION:
        return {"audio": {"output": {"language": language}}}
    from rtcli.protocol.events import value_at  # not for a prompt's first paint

    # Each may be null in a file. A language without a model is refused, so the default one goes with it.
    named = value_at(config, "audio.input.transcription") or {}
    return {"audio": {"input": {"transcription": {"model": DEFAULT_TRANSCRIBER, **named, "language": language}}}}


def text_or_file(value: str) -> str:
    """The text, or for "@FILE" what is in that file. Raises InputError."""
    if not value.startswith("@"):
        return value
    return read_text(value[1:]).strip()


def _from_file(file: str) -> dict[str, Any]:
    """A session as the API writes it: bare, or inside a session.update or session.updated event."""
    from rtcli.cli.event_input import read_input
    from rtcli.protocol.config_shapes import checked_config
    from rtcli.protocol.ndjson import parse_json
    from rtcli.protocol.wire_config import config_of

    value = parse_json(read_input(file), file)
    inner = value.get("session", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        raise InputError(file, "not a session: the JSON value is not an object")
    config = config_of(inner)
    try:
        checked_config(config)
    except UsageError as error:
        raise InputError(file, error.what) from error
    return config
