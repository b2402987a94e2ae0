"""`rtcli scenario`: makes scenarios of what was recorded."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import output, report
from rtcli.cli.apart import require_apart
from rtcli.cli.options import group, settings_of
from rtcli.cli.recording_options import folder_of, stem_of
from rtcli.errors import ExitCode, InputError, UsageError
from rtcli.files import expanded

if TYPE_CHECKING:
    from rtcli.recording.header import Header
    from rtcli.scenario.from_recording import MadeScenario

_HELP = """Make scenarios of recorded sessions.

\b
rtcli scenario from last
rtcli scenario from session.ndjson -o tests/weather.scenario.yaml
"""
_SUFFIX = ".scenario.yaml"

app = group(_HELP)


@app.command("from")
def from_recording(
    file: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A recording: a file, a name, or last.")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write; its WAV files go beside it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> ExitCode:
    """Write a scenario that does what the user of a recorded session did.

    \b
    rtcli scenario from last
    rtcli scenario from session.ndjson -o tests/weather.scenario.yaml
    rtcli run session.scenario.yaml --from session.ndjson

    What was typed, spoken and sent becomes steps, the outputs of tools are those of the recording. It expects the same
    calls and the shape of the answers, not their words. Without -o it goes into the current folder.
    """
    from rtcli.protocol.play_recording import connections
    from rtcli.protocol.yaml_reader import write_yaml
    from rtcli.recording.reader import open_recording
    from rtcli.scenario.from_recording import scenario_of

    path = folder_of(settings_of().get("recordings")).find(file)
    with open_recording(str(path)) as reader:
        found, header, passed_over = connections(reader), reader.header, reader.notes
    if not found:
        raise InputError(str(path), "it has no frames to make a scenario of")
    target = expanded(out) if out else Path(f"{stem_of(str(path))}{_SUFFIX}")
    # pytest and `rtcli run FOLDER` find scenarios by their names.
    if not target.name.endswith((_SUFFIX, ".scenario.yml")):
        raise UsageError(f"-o {out}", why=f"a scenario's name ends with {_SUFFIX}")
    require_apart("-o", target, path)
    made = scenario_of(found[0], target.name.partition(".scenario.")[0], _about(path, header))
    if not made.document["steps"]:
        raise InputError(str(path), "it holds no action of a user")
    if len(found) > 1:
        made.notes.append(f"the first of {len(found)} connections was used")
    _write(made, target, write_yaml(made.document), replace=force)
    for note in dict.fromkeys((*passed_over, *made.notes)):
        report.line(note)
    return ExitCode.OK


def _about(path: Path, header: "Header | None") -> str:
    if header is None:
        return f"from {path.name}"
    model = f", model {header.model}" if header.model else ""
    return f"from {path.name}, recorded {header.started:%Y-%m-%d}{model}"


def _write(made: "MadeScenario", target: Path, text: str, *, replace: bool) -> None:
    """The audio first: a scenario without its files would not run. Raises InputError."""
    from rtcli.dsp.wav import write_wav
    from rtcli.files import write_file
    from rtcli.scenario.parsing import load_scenario
    from rtcli.views import Text

    for name, pcm in made.audio.items():
        write_wav(target.parent / name, pcm, replace=replace)
    write_file(target, text, replace=replace)
    load_scenario(target)  # what was written can be run
    output.show(Text("\n".join([str(target), *(str(target.parent / name) for name in made.audio)])))
