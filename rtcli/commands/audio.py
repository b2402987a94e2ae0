"""Commands for sound: microphone, push to talk, files, devices, echo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from rtcli.commands.arguments import DeviceName, FilePath
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.session.audio_devices import devices
from rtcli.views import Level, Notice, Table, Views


@command("mute", topic="audio")
def mute(context: Context) -> Views:
    """Stop sending the microphone."""
    context.session.audio.mute()
    return Notice("microphone muted")


@command("unmute", topic="audio")
def unmute(context: Context) -> Views:
    """Send the microphone; it is opened now if it was not."""
    context.session.require_connection()
    context.session.audio.unmute()
    return Notice("microphone live", hint="/mute or F2 mutes it", level=Level.GOOD)


@command("ptt", topic="audio")
async def ptt(context: Context, state: Literal["on", "off"] | None = None) -> Views:
    """Push to talk: begin to talk, or end the turn and ask for the answer. On and off set the mode alone.

    In this mode voice detection is off; /ptt off brings it back.
    """
    if state:
        await context.session.push_to_talk.switch(state == "on")
        return Notice(f"push to talk {state}", hint="F4 or /ptt talks" if state == "on" else "")
    await context.session.push_to_talk.toggle()
    return None


@command("commit", topic="audio")
def commit(context: Context) -> Views:
    """End the spoken turn by hand; /respond asks for the answer."""
    context.session.talk.commit()
    return None


@command("discard", topic="audio", aliases=("clear-audio",))
def discard(context: Context) -> Views:
    """Throw away the sound that was sent and is no turn yet."""
    context.session.talk.discard()
    return None


@command("play", topic="audio")
async def play(context: Context, file: Annotated[Path, FilePath(".wav")], *, commit: bool = False) -> Views:
    """Send a WAV file as if it were spoken; --commit makes it a turn and asks for the answer.

    Without --commit voice detection has to hear where it ends; a second of silence follows for that.
    """
    milliseconds = await context.session.talk.play(file, commit=commit)
    return Notice(f"{file.name}: {milliseconds / 1000:.1f} s of sound sent")


@command("audio list", topic="audio", aliases=("audio",))
def audio_list(context: Context) -> Views:
    """List the sound devices."""
    rows = tuple(
        (
            str(device.index),
            device.name,
            str(device.inputs or "-"),
            str(device.outputs or "-"),
            f"{device.rate} Hz",
            " ".join(
                word
                for word, is_default in (("in", device.default_input), ("out", device.default_output))
                if is_default
            ),
        )
        for device in devices()
    )
    if not rows:
        return Notice("this machine has no sound devices", level=Level.WARNING)
    return Table(("#", "name", "in", "out", "rate", "default"), rows)


@command("audio in", topic="audio")
def audio_in(context: Context, device: Annotated[str, DeviceName("input")]) -> Views:
    """Record from another device."""
    context.session.audio.choose_input(device)
    muted = context.session.audio.muted
    return Notice(f"recording from {device}" + (" (muted)" if muted else ""), level=Level.GOOD)


@command("audio out", topic="audio")
def audio_out(context: Context, device: Annotated[str, DeviceName("output")]) -> Views:
    """Play on another device."""
    context.session.audio.choose_output(device)
    text_only = context.session.settings.confirmed.get("output_modalities") == ["text"]
    hint = "the session answers with text: /modalities audio" if text_only else ""
    return Notice(f"playing on {device}", hint=hint, level=Level.GOOD)


@command("audio level", topic="audio")
def audio_level(context: Context) -> Views:
    """How loud the microphone is now."""
    level = context.session.audio.level_db
    if level is None:
        return Notice("the microphone is closed or muted", hint="/unmute")
    return Notice(f"microphone at {level:.0f} dBFS", hint="speech is usually between -40 and -10")


@command("echo", topic="audio")
def echo(context: Context, mode: Literal["auto", "gate", "half", "off"] | None = None) -> Views:
    """What keeps the assistant from hearing itself through the speaker.

    gate (and auto): only what is clearly louder than the echo goes out; half: nothing while it speaks; off: all.
    """
    if mode:
        context.session.audio.set_echo(mode)
    return Notice(f"echo guard: {context.session.audio.echo_mode}")
