"""Options that several commands share: where to connect, and the settings they are merged with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rtcli.cli import completion
from rtcli.config.endpoints import Endpoint, endpoint_of
from rtcli.config.settings import BY_NAME, Settings, check, load_settings
from rtcli.errors import UsageError

_PANEL = "Where to connect"

SessionUpdate = Annotated[
    str | None,
    typer.Option(
        metavar="full|minimal|none",
        help="How much the first session.update says.",
        rich_help_panel=_PANEL,
        autocompletion=completion.setting("session_update"),
    ),
]
Events = Annotated[
    str | None,
    typer.Option(metavar="MODE", help="Show events: off, summary or all.", autocompletion=completion.setting("events")),
]
Filter = Annotated[str | None, typer.Option("--filter", metavar="EXPR", help="Show only these events.")]
Json = Annotated[bool, typer.Option("--json", help="Print the server's events, one per line; no prompt.")]
Both = Annotated[bool, typer.Option("--both", help="With --json: both directions, as lines of a recording.")]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Realtime server: http, https, ws or wss.", rich_help_panel=_PANEL),
]
Local = Annotated[
    bool, typer.Option("--local", help="The built-in server: no key, no network.", rich_help_panel=_PANEL)
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile from the settings.",
        rich_help_panel=_PANEL,
        autocompletion=completion.profiles,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="NAME", help="The model.", rich_help_panel=_PANEL, autocompletion=completion.models
    ),
]
CallId = Annotated[
    str | None, typer.Option("--call-id", metavar="ID", help="Join a running call.", rich_help_panel=_PANEL)
]
WebRTC = Annotated[
    bool,
    typer.Option("--webrtc", help="Call by WebRTC, as a browser does; not over a WebSocket.", rich_help_panel=_PANEL),
]
ApiKeyEnv = Annotated[
    str | None,
    typer.Option(
        "--api-key-env",
        metavar="NAME",
        help="The environment variable that holds the key (OPENAI_API_KEY for OpenAI).",
        rich_help_panel=_PANEL,
    ),
]
Auth = Annotated[
    str | None,
    typer.Option(
        "--auth",
        metavar="WAY",
        help="How the key is sent: bearer or api-key.",
        rich_help_panel=_PANEL,
        autocompletion=completion.setting("auth"),
    ),
]
Header = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", metavar="NAME:VALUE", help="An extra header; no keys.", rich_help_panel=_PANEL),
]


def group(help_: str) -> typer.Typer:
    """A command that has commands of its own, and shows its help where none is named."""
    app = typer.Typer(help=help_, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

    @app.callback(invoke_without_command=True)
    def help_alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app


def settings_of(**flags: Any) -> Settings:
    """The settings, with these flags on top; what was not given is None, False or empty."""
    if flags.get("url") == "":  # of a variable that is not set: nobody means the default by that
        raise UsageError("--url is empty", hint="leave it out, or set the variable that gives it")
    # a flag that was not given must not hide a setting
    given = {name: value for name, value in flags.items() if value not in (None, False, "", [])}
    for name, value in given.items():
        if BY_NAME[name].choices:
            check(name, value, f"--{name.replace('_', '-')}")
    return load_settings(given)


def endpoint_from(settings: Settings, call_id: str | None, *, local_by_default: bool = False) -> Endpoint:
    """The endpoint for these settings. Raises UsageError."""
    # "" is what a shell makes of an unset variable in --call-id "$ID".
    return endpoint_of(settings, call_id=call_id or None, local_by_default=local_by_default)


def not_negative(value: float, name: str) -> float:
    """A number of seconds, 0 for no limit. Raises UsageError."""
    if not 0 <= value < float("inf"):
        raise UsageError(f"{name} {value:g}", why="must be 0 (no limit) or more")
    return value


def pace_of(value: float) -> float:
    """How fast time passes in the built-in server. Raises UsageError."""
    if not 0 <= value < float("inf"):
        raise UsageError(f"--pace {value:g}", why="must be a factor, or 0 for at once")
    return value


def positive(value: float | None, name: str) -> float | None:
    """A number of seconds or events that has to be more than nothing. Raises UsageError."""
    if value is not None and not 0 < value < float("inf"):
        raise UsageError(f"{name} {value:g}", why="must be greater than 0")
    return value


def bounds_of(settings: Settings) -> dict[str, float]:
    """The bounds that are set, by figure, in milliseconds. Raises UsageError."""
    given = settings.get("bounds")
    if not given:
        return {}
    from rtcli.timeline.figures import parse_bounds

    return parse_bounds(given)


def keys_of(settings: Settings) -> dict[str, str] | None:
    """The keys that are set for the prompt, by action. Raises UsageError that names file, action and key."""
    found = settings.find("keys")
    if found is None:
        return None
    from rtcli.repl.keys import check_keys

    keys, origin = found
    check_keys(keys, origin)
    return dict(keys)
