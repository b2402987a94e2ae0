"""`rtcli call`: accept, reject, refer and end calls by their id."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from rtcli.cli import completion, options, report, runner
from rtcli.config.endpoints import Endpoint
from rtcli.errors import ExitCode, UsageError
from rtcli.protocol.session_kind import SessionKind
from rtcli.views import Notice

if TYPE_CHECKING:
    from rtcli.config.settings import Settings
    from rtcli.transports.call_control import CallControl

_HELP = """Accept, reject, refer and end calls.

\b
rtcli call accept rtc_abc --instructions "Take orders for pizza."
rtcli chat --call-id rtc_abc
rtcli call hangup rtc_abc

The id of a telephone call is in the webhook realtime.call.incoming; that of a browser's in the answer to its offer.
"""

app = options.group(_HELP)

_Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The call, like rtc_abc.")]
_Act: TypeAlias = Callable[["CallControl"], Awaitable[None]]


@app.command()
def accept(
    call_id: _Id,
    url: options.Url = None,
    profile: options.Profile = None,
    model: options.Model = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
    voice: Annotated[
        str | None, typer.Option(metavar="NAME", help="The voice of the answers.", autocompletion=completion.voices)
    ] = None,
    instructions: Annotated[str | None, typer.Option(metavar="TEXT|@FILE", help="Instructions for the model.")] = None,
    session: Annotated[str | None, typer.Option(metavar="FILE", help="A session config as JSON.")] = None,
) -> ExitCode:
    """Accept a call that rings, with a session for it.

    \b
    rtcli call accept rtc_abc --voice marin --instructions @support.txt
    rtcli call accept rtc_abc --session session.json && rtcli chat --call-id rtc_abc
    """
    settings = options.settings_of(
        url=url, profile=profile, model=model, api_key_env=api_key_env, auth=auth, headers=header,
        voice=voice, instructions=instructions,
    )  # fmt: skip
    from rtcli.cli.chat.session_config import session_config
    from rtcli.transports import OpenAIRealtimeSIP

    endpoint = _endpoint(settings)
    # Built here, before anything is dialed: a mistake in the session shows while the telephone still rings.
    payload = OpenAIRealtimeSIP(model=endpoint.model).build_accept_payload(session_config(settings, session))
    hint = f"rtcli chat --call-id {call_id}{f' --url {url}' if url else ''}"
    return _run(endpoint, lambda calls: calls.accept(call_id, payload), Notice(f"{call_id} is accepted", hint=hint))


@app.command()
def reject(
    call_id: _Id,
    status: Annotated[
        int | None, typer.Option(metavar="N", help="The SIP status for the caller; 603 (declined) without it.")
    ] = None,
    url: options.Url = None,
    profile: options.Profile = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
) -> ExitCode:
    """Reject a call that rings.

    \b
    rtcli call reject rtc_abc --status 486
    """
    # SIP's ranges: below 300 a call is ringing or accepted, which a refusal cannot say.
    if status is not None and not 300 <= status <= 699:
        raise UsageError(f"--status {status}", why="a SIP status that refuses a call is a number from 300 to 699")
    settings = options.settings_of(url=url, profile=profile, api_key_env=api_key_env, auth=auth, headers=header)
    return _run(_endpoint(settings), lambda calls: calls.reject(call_id, status), Notice(f"{call_id} is rejected"))


@app.command()
def refer(
    call_id: _Id,
    target: Annotated[str, typer.Argument(metavar="URI", help="Where to: tel:+14155550123 or sip:agent@example.com.")],
    url: options.Url = None,
    profile: options.Profile = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
) -> ExitCode:
    """Send the caller of a running call elsewhere.

    \b
    rtcli call refer rtc_abc tel:+14155550123
    """
    if not target.lower().startswith(("tel:", "sip:", "sips:")):
        raise UsageError(f"{target!r} is not a URI to call", hint="write tel:+14155550123 or sip:agent@example.com")
    settings = options.settings_of(url=url, profile=profile, api_key_env=api_key_env, auth=auth, headers=header)
    done = Notice(f"{call_id} is referred to {target}")
    return _run(_endpoint(settings), lambda calls: calls.refer(call_id, target), done)


@app.command()
def hangup(
    call_id: _Id,
    url: options.Url = None,
    profile: options.Profile = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
) -> ExitCode:
    """End a running call, from a telephone or a browser.

    \b
    rtcli call hangup rtc_abc
    """
    settings = options.settings_of(url=url, profile=profile, api_key_env=api_key_env, auth=auth, headers=header)
    return _run(_endpoint(settings), lambda calls: calls.hangup(call_id), Notice(f"{call_id} is ended"))


def _endpoint(settings: "Settings") -> Endpoint:
    """Raises UsageError where nobody has calls."""
    endpoint = options.endpoint_from(settings, None)
    if endpoint.local:
        raise UsageError(
            "a built-in server that starts now has no calls", hint="give the URL of a running one with --url"
        )
    if endpoint.kind is not SessionKind.REALTIME:
        raise UsageError(f"calls are realtime sessions, not {endpoint.kind}", hint="give the URL of a realtime session")
    return endpoint


def _run(endpoint: Endpoint, act: _Act, done: Notice) -> ExitCode:
    from rtcli.session.dialing import auth_header
    from rtcli.transports.call_control import CallControl
    from rtcli.transports.calling import calls_url

    async def carry_out() -> ExitCode:
        await act(CallControl(calls_url(endpoint.url), headers={**endpoint.headers, **auth_header(endpoint)}))
        report.notice(done)
        return ExitCode.OK

    return runner.run(carry_out())
