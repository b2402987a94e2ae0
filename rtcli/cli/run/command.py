"""`rtcli run`: scenarios as tests of a model, with a line for each step and an exit code."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtcli.cli import options, output, recording_options, report, runner
from rtcli.cli.apart import require_apart
from rtcli.errors import ExitCode, InputError, UsageError
from rtcli.files import expanded

if TYPE_CHECKING:
    from rtcli.testing.build import ScenarioTarget
    from rtcli.testing.cases import Case


def run(
    files: Annotated[list[str], typer.Argument(metavar="FILE|FOLDER...", help="Scenarios, or folders of them.")],
    url: options.Url = None,
    local: options.Local = False,
    profile: options.Profile = None,
    recording: Annotated[
        str | None,
        typer.Option("--from", metavar="RECORDING", help="Play against a recorded session: nothing is dialed."),
    ] = None,
    model: options.Model = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=V1,V2", help="Play with each value, and compare; repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", metavar="N", help="How many are played at a time.")] = 1,
    pace: Annotated[
        float, typer.Option(metavar="N", help="How fast time passes: 2 is twice as fast; 0 at once.")
    ] = 1.0,
    script: Annotated[
        str | None, typer.Option(metavar="FILE", help="What the built-in server answers: a server script.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="WHEN:WHAT", help="A fault of the built-in server; repeatable.")
    ] = None,
    voice: Annotated[
        str, typer.Option(metavar="ENGINES", help="Of the built-in server: auto, tone or voice.")
    ] = "auto",
    tools: Annotated[
        str | None, typer.Option(metavar="FILE", help="Tools in addition to those of the scenarios.")
    ] = None,
    junit: Annotated[str | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")] = None,
    recordings: recording_options.Recordings = None,
    keep: Annotated[bool, typer.Option("--keep", help="Also keep the recordings of what passed.")] = False,
    no_record: recording_options.NoRecord = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the files, and play nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what failed, and the summary.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each step.")] = False,
) -> ExitCode:
    """Play scenarios: tests of a model, from files.

    \b
    rtcli run greeting.scenario.yaml
    rtcli run tests/ -j 4 --pace 0 --junit results.xml
    rtcli run turns.scenario.yaml --set turn_detection.silence_duration_ms=200,500,800
    rtcli run greeting.scenario.yaml --from session.ndjson

    They are played against the built-in server, unless --url, --profile or --from names something else; a key in the
    environment is not looked at. The exit code is 6 where something is not as expected, 4 after an error that nobody
    expected, 5 after a failed response. A recording of each run that fails is kept.
    """
    options.pace_of(pace)
    if jobs < 1:
        raise UsageError(f"-j {jobs}", why="must be at least 1")
    # A profile holds a URL, so both count as one; together they are allowed.
    if sum(map(bool, (url or profile, local, recording))) > 1:
        raise UsageError("--url or --profile, --local and --from exclude each other", hint="keep one of them")
    cases = _cases(files, set_ or [])
    require_apart("--junit", junit, script, tools, *(case.scenario.file for case in cases))
    if dry_run:
        return _checked(cases, json=json)
    target = _target(
        recording, options.settings_of(url=url, profile=profile, api_key_env=api_key_env, auth=auth, headers=header),
        elsewhere=bool(url or profile), model=model, pace=pace, tools=tools,
    )  # fmt: skip
    require_apart("--junit", junit, target.recording)
    local_only = {"--script": script, "--fault": fault}
    if not target.endpoint.local and (odd := [name for name, given in local_only.items() if given]):
        raise UsageError(f"{' and '.join(odd)}: only for the built-in server", hint="remove --url, --profile, --from")
    from rtcli.cli.run.playing import Plan, play_all

    folder = None if no_record else recording_options.folder_of(recordings or options.settings_of().get("recordings"))
    plan = Plan(
        cases, target, folder, {"script": script, "faults": tuple(fault or ()), "voice": voice},
        jobs=jobs, keep=keep, junit=junit, json=json, quiet=quiet,
    )  # fmt: skip
    return runner.run(play_all(plan))


def _cases(files: list[str], settings: list[str]) -> "list[Case]":
    """Every scenario, with every setting. All that is wrong with the files is told. Raises the last of it."""
    from rtcli.scenario.matrix import parse_setting, variants
    from rtcli.scenario.parsing import find_scenarios, load_document, parse_scenario
    from rtcli.testing.cases import Case

    matrix = [parse_setting(text) for text in settings]
    found: list[Case] = []
    wrong: list[InputError] = []
    for path in find_scenarios([expanded(file) for file in files]):
        try:
            document, at = load_document(path)
            for variant, changed in variants(document, matrix):
                found.append(Case(parse_scenario(changed, at, path), variant))
        except InputError as error:
            # Collected: one run shows what is wrong with every file.
            wrong.append(error)
    for one in wrong[:-1]:
        report.error(one)
    if wrong:
        raise wrong[-1]
    return found


def _checked(cases: "list[Case]", *, json: bool) -> ExitCode:
    from rtcli.views import Text, counted

    if json:
        for case in cases:
            output.show_json({"scenario": case.name, "file": case.scenario.file, "steps": len(case.scenario.steps)})
    else:
        lines = [f"{case.scenario.file}: {case.name}, {counted(len(case.scenario.steps), 'step')}" for case in cases]
        output.show(Text("\n".join([*lines, f"{counted(len(cases), 'scenario')}, nothing was played"])))
    return ExitCode.OK


def _target(
    recording: str | None, settings: Any, *, elsewhere: bool, model: str | None, pace: float, tools: str | None
) -> "ScenarioTarget":
    """What is played against. Raises UsageError, and InputError for a recording that cannot be read."""
    from dataclasses import replace

    import rtcli
    from rtcli.config.endpoints import resolve_endpoint
    from rtcli.config.settings import load_settings
    from rtcli.testing.build import ScenarioTarget, recorded_endpoint

    path = None
    if recording is not None:
        path = recording_options.folder_of(load_settings().get("recordings")).find(recording)
        endpoint = recorded_endpoint(path, report.line)
    elif elsewhere:
        endpoint = options.endpoint_from(settings, None)
    else:
        # environ={}: a key that happens to be set must not make a test run cost money.
        endpoint = resolve_endpoint(local=True, environ={})
    if model:
        endpoint = replace(endpoint, model=model)
    loaded = _tools(tools)
    prices = load_settings().get("prices") or {}
    return ScenarioTarget(endpoint, recording=path, pace=pace, prices=prices, tools=loaded, program=rtcli.__version__)


def _tools(file: str | None) -> Any:
    if file is None:
        return ()
    from rtcli.session.tools.load import load_tools

    loaded = load_tools(expanded(file))
    for notice in loaded.notices:
        report.notice(notice)
    return loaded.tools
