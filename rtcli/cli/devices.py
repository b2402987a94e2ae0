"""`rtcli devices`: the microphones and speakers of this machine, as --in and --out name them."""

from dataclasses import asdict
from typing import Annotated

import typer

from rtcli.cli import output
from rtcli.errors import ExitCode
from rtcli.views import Level, Notice, Table


def devices(
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> ExitCode:
    """List microphones and speakers.

    \b
    rtcli devices
    rtcli devices --json | jq -r .name

    Name one to `rtcli chat --in` and `--out` by its number or a part of its name.
    """
    from rtcli.audio.devices import list_devices

    found = list_devices()
    if json:
        for device in found:
            output.show_json(asdict(device))
        return ExitCode.OK
    if not found:
        # Not an error: a server or a container has none, and chats by text.
        output.show(Notice("no audio devices", "chat asks for text answers here", level=Level.WARNING))
        return ExitCode.OK
    rows = tuple(
        (
            str(device.index),
            device.name,
            f"{device.inputs} in" + (" *" if device.default_input else "") if device.inputs else "",
            f"{device.outputs} out" + (" *" if device.default_output else "") if device.outputs else "",
            f"{device.rate} Hz",
            device.system,
        )
        for device in found
    )
    output.show(Table(("number", "name", "microphone", "speaker", "rate", "system"), rows, title="* is the default"))
    return ExitCode.OK
