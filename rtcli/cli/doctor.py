"""`rtcli doctor`: checks what a chat needs, without the network unless it is asked to."""

import os
import platform
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

import rtcli
from rtcli.cli import options, output, runner
from rtcli.errors import ExitCode, RtcliError, worst
from rtcli.files import write_file
from rtcli.installation import install_command
from rtcli.views import Table


@dataclass(frozen=True, slots=True)
class Checkup:
    """One check: its result in words, and the code that it means for the process (OK also for a mere warning).

    `detail` is for programs and defect reports, and not shown to users.
    """

    check: str
    result: str
    good: bool = True
    hint: str = ""
    code: ExitCode = ExitCode.OK
    detail: str = ""


def doctor(
    url: options.Url = None,
    local: options.Local = False,
    profile: options.Profile = None,
    model: options.Model = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
    live: Annotated[bool, typer.Option("--live", help="Also connect and ask for one short answer.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    bundle: Annotated[str | None, typer.Option(metavar="FILE", help="Write it all to a file, without keys.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
) -> ExitCode:
    """Check what a chat needs, and say what is missing.

    \b
    rtcli doctor
    rtcli doctor --live --profile work
    rtcli doctor --bundle report.json

    Python, packages, folders, audio, terminal, endpoint and key, models, the built-in server. It stays off the network;
    --live connects to the endpoint for one turn (which may cost a fraction of a cent).
    """
    flags = {
        "url": url, "local": local, "profile": profile, "model": model,
        "api_key_env": api_key_env, "auth": auth, "headers": header,
    }  # fmt: skip
    # Each check returns what it found instead of raising: one that fails must not hide the others.
    findings = [check() for check in (_python, _packages, _folders, _audio, _terminal)]
    findings += [_endpoint(flags), _websocket(flags), _models(flags)]
    # whatever the endpoint: it tells whether rtcli itself works
    findings.append(_turn("built-in server", {"local": True}))
    if live:
        findings.append(_turn("live turn", flags))
    rows = [{**asdict(finding), "code": int(finding.code)} for finding in findings]
    if bundle:
        _write_bundle(bundle, rows, replace=force)
    if json:
        for row in rows:
            output.show_json(row)
    else:
        marks = tuple((("ok" if f.good else "!!"), f.check, f.result, f.hint) for f in findings)
        output.show(Table(("", "check", "result", "advice"), marks))
    return worst(*(finding.code for finding in findings))


def _python() -> Checkup:
    version = platform.python_version()
    return Checkup("program", f"rtcli {rtcli.__version__}, Python {version}, {platform.system()} {platform.machine()}")


def _packages() -> Checkup:
    from importlib.metadata import PackageNotFoundError, requires, version

    try:
        # an extra may be missing
        lines = [line for line in requires("rtcli") or () if "extra ==" not in line]
    except PackageNotFoundError:
        return Checkup("packages", "rtcli is not installed as a package", good=False, hint=install_command("."))
    missing, found = [], []
    # the name ends where a version or a marker begins
    for name in (re.split(r"[^\w.-]", line)[0] for line in lines):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        hint = install_command(*missing)
        return Checkup("packages", f"missing: {', '.join(missing)}", good=False, hint=hint, code=ExitCode.UNEXPECTED)
    return Checkup("packages", f"all {len(found)} are installed", detail=", ".join(found))


def _folders() -> Checkup:
    from rtcli.config.folders import config_file, make_private, state_folder

    try:
        # made now, so that a folder that can't be made is found here and not at the end of a chat
        make_private(state_folder())
        writable = os.access(state_folder(), os.W_OK)
    except OSError as error:
        return Checkup("folders", f"{state_folder()}: {error.strerror}", good=False, hint="history will not be kept")
    there = "" if config_file().exists() else " (missing)"
    result = f"settings {config_file()}{there}, history in {state_folder()}"
    return Checkup("folders", result, good=writable, hint="" if writable else "history will not be kept")


def _audio() -> Checkup:
    from rtcli.audio.devices import list_devices

    try:
        found = list_devices()
    except RtcliError as error:
        return Checkup("audio", str(error), good=False, hint=error.hint or "chat asks for text")
    inputs, outputs = (sum(1 for d in found if d.channels(kind)) for kind in ("input", "output"))
    hint = "" if inputs and outputs else "without a speaker, chat asks for text answers"
    return Checkup("audio", f"{inputs} microphones, {outputs} speakers", good=bool(inputs and outputs), hint=hint)


def _terminal() -> Checkup:
    from rtcli.terminal.capabilities import can_prompt, color_of, width_of

    prompt = can_prompt(os.environ, sys.stdin, sys.stdout)
    about = (
        f"TERM={os.environ.get('TERM', '')}",
        f"{width_of(sys.stdout)} columns",
        f"colors: {color_of(sys.stdout, os.environ).name.lower()}",
        sys.stdout.encoding,
    )
    return Checkup("terminal", ", ".join(about), good=prompt, hint="" if prompt else "chat reads lines here")


def _endpoint(flags: dict[str, Any]) -> Checkup:
    try:
        endpoint = options.endpoint_from(options.settings_of(**flags), None, local_by_default=True)
    except RtcliError as error:
        return Checkup("endpoint", str(error), good=False, hint=error.hint, code=error.exit_code)
    key = "no key" if endpoint.api_key is None else f"a key is set, sent as {endpoint.auth}"
    where = endpoint.url or endpoint.label
    return Checkup("endpoint", f"{where}, {key}")


def _websocket(flags: dict[str, Any]) -> Checkup:
    """What reads and writes the frames."""
    from rtcli.transports.backends import faster

    try:
        asked = options.settings_of(**flags).get("websocket") or "auto"
        module = faster(asked)
    except RtcliError as error:
        return Checkup("websocket", str(error), good=False, hint=error.hint, code=error.exit_code)
    if module is not None:
        return Checkup("websocket", f"frames by picows {module.VERSION}, connections by websockets")
    hint = "" if asked != "auto" else f"{install_command('rtcli[fast]')}: picows sends in half the processor time"
    return Checkup("websocket", "frames by websockets", hint=hint)


def _models(flags: dict[str, Any]) -> Checkup:
    """The models that a chat asks for, and what of the session OpenAI switches off."""
    from datetime import date

    from rtcli.cli.chat.session_config import session_config
    from rtcli.config.endpoints import is_openai
    from rtcli.protocol.models import shutdowns_in

    try:
        settings = options.settings_of(**flags)
        endpoint = options.endpoint_from(settings, None, local_by_default=True)
        config = session_config(settings, None)
    except RtcliError as error:
        return Checkup("models", f"not known: {error.what}", good=False)
    asked = f"{endpoint.model}, transcribed by {config['audio']['input']['transcription']['model']}"
    # other servers switch models off by dates of their own
    if not is_openai(endpoint.url):
        return Checkup("models", asked)
    ending = list(shutdowns_in(endpoint.model, config))
    told = "; ".join(shutdown.sentence(date.today()) for shutdown in ending)
    return Checkup(
        "models", f"{asked}: {told}" if told else asked, good=not ending, hint=", ".join(s.instead for s in ending)
    )


def _turn(name: str, flags: dict[str, Any]) -> Checkup:
    """One short answer, over a real connection."""
    # Before the imports below: they are a part of what a user waits for.
    began = time.monotonic()
    from rtcli.cli.chat.session_config import session_config

    try:
        settings = options.settings_of(**flags)
        endpoint = options.endpoint_from(settings, None, local_by_default=True)
        config = session_config(settings, None) | {"output_modalities": ["text"]}
        lines: list[str] = []
        # A loop of its own for each turn, like a command has: signals end it in order here, too.
        code = runner.run(_one_answer(endpoint, config, lines.append))
    except RtcliError as error:
        return Checkup(name, str(error), good=False, hint=error.hint, code=error.exit_code)
    if code >= ExitCode.HANGUP:
        raise SystemExit(int(code))  # a signal ends the whole command
    if code:
        return Checkup(name, lines[-1] if lines else "no answer", good=False, code=code)
    return Checkup(name, f"answered within {time.monotonic() - began:.2f} s")


async def _one_answer(endpoint: Any, config: dict[str, Any], say: Callable[[str], None]) -> ExitCode:
    from rtcli.cli.chat.batch import complete
    from rtcli.cli.chat.options import ChatOptions
    from rtcli.cli.connect import serving_in_process, session_for

    async with serving_in_process(endpoint) as (served, _):
        session = session_for(ChatOptions(served, config), served, terminal=False)
        session.subscribe(lambda view: say(str(view)))
        try:
            await session.start()
            session.talk.say("Say hello.")
            await complete(session, 30)  # seconds: a server that still loads its model takes that long
            return session.exit_code
        finally:
            await session.close()


def _write_bundle(file: str, rows: list[dict[str, Any]], *, replace: bool) -> None:
    """Everything that was found and the settings that count, as JSON; without any secret."""
    import json

    from rtcli.config.settings import SETTINGS, load_settings
    from rtcli.masking import masked, masked_value

    try:
        settings = load_settings()
        values = {row.name: hit for row in SETTINGS if (hit := settings.find(row.name))}
    except RtcliError as error:
        values = {"problem": (str(error), "")}
    found = masked_value({"checks": rows, "settings": values})
    text = masked(json.dumps(found, indent=2, ensure_ascii=False))
    write_file(file, text + "\n", replace=replace)
