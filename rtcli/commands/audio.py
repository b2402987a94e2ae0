"""Commands for audio: microphone, push to talk, files, devices, echo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from rtcli.commands.arguments import DeviceName, FilePath
from rtcli.commands.context import Context
from rtcli.commands.level_chart import level_chart
from rtcli.commands.registry import command
from rtcli.protocol.audio_formats import PCM16
from rtcli.session.audio_devices import devices
from rtcli.session.detector import detection_of
from rtcli.session.level_history import SECONDS
from rtcli.views import Level, Notice, Table, View, Views


@command("mute", topic="audio")
def mute(context: Context) -> Views:
    """Stop sending the microphone's audio."""
    context.session.audio.mute()
    return Notice("microphone muted")


@command("unmute", topic="audio")
def unmute(context: Context) -> Views:
    """Send the microphone's audio; this opens the microphone if it is closed."""
    context.session.require_connection()
    context.session.audio.unmute()
    return Notice("microphone live", hint="/mute or F2 mutes it", level=Level.OK)


@command("ptt", topic="audio")
async def ptt(context: Context, state: Literal["on", "off"] | None = None) -> Views:
    """Push to talk: start talking, or end the turn and ask for an answer; on and off only set the mode.

    In this mode turn detection is off; /ptt off restores it, and the microphone as it was.
    """
    if state:
        on = await context.session.push_to_talk.switch(state == "on")
        return Notice(f"push to talk {'on' if on else 'off'}", hint="press F4 or type /ptt to talk" if on else "")
    await context.session.push_to_talk.toggle()
    return ()  # it has said what it does


@command("commit", topic="audio")
def commit(context: Context) -> Views:
    """Commit the audio sent so far as a turn; /respond asks for an answer."""
    context.session.talk.commit()
    return None


@command("discard", topic="audio", aliases=("clear-audio",), exact=True)
def discard(context: Context) -> Views:
    """Discard the audio sent since the last turn."""
    context.session.talk.discard()
    return None


@command("play", topic="audio")
async def play(context: Context, file: Annotated[Path, FilePath(".wav")], *, commit: bool = False) -> Views:
    """Send a WAV file as spoken audio; --commit makes it a turn and asks for an answer.

    Without --commit, turn detection has to notice where it ends; a second of silence follows the file for that.
    """
    audio = await context.session.talk.play(file, commit=commit)
    said = Notice(f"{file.name}: {PCM16.milliseconds(len(audio.pcm)) / 1000:.1f} s of audio sent")
    return [said, *(Notice(f"{file.name}: {note}", level=Level.WARNING) for note in audio.notes)]


@command("audio list", topic="audio", aliases=("audio",))
def audio_list(context: Context) -> Views:
    """List the audio devices."""
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
        return Notice("this machine has no audio devices", level=Level.WARNING)
    return Table(("#", "name", "in", "out", "rate", "default"), rows)


@command("audio in", topic="audio")
def audio_in(context: Context, device: Annotated[str, DeviceName("input")]) -> Views:
    """Record from another microphone."""
    context.session.audio.choose_input(device)
    muted = context.session.audio.muted
    return Notice(f"recording from {device}" + (" (muted)" if muted else ""), level=Level.OK)


@command("audio out", topic="audio")
def audio_out(context: Context, device: Annotated[str, DeviceName("output")]) -> Views:
    """Play on another speaker."""
    context.session.audio.choose_output(device)
    text_only = context.session.settings.confirmed.get("output_modalities") == ["text"]
    hint = "the session answers in text: /modalities audio" if text_only else ""
    return Notice(f"playing on {device}", hint=hint, level=Level.OK)


@command("audio level", topic="audio")
async def audio_level(context: Context) -> Views:
    """Draw the microphone's level of the last 10 s, with speech_started and speech_stopped as the server told them.

    Below it the turn detection and its threshold; with the built-in server also what its detector took for speech.
    """
    session = context.session
    level, now = session.audio.input.level_db, session.now
    # Before the server is asked for its detector: the chart shows one moment.
    runs = session.audio.input.levels.runs(now - SECONDS)
    if level is None and not runs:
        return Notice("the microphone is closed or muted", hint="/unmute")
    confirmed = session.settings.confirmed
    detection = await detection_of(session.lifecycle.endpoint, str(confirmed.get("id", "")))
    views: list[View] = [level_chart(runs, context.state.timeline.turns, confirmed, detection, now)]
    if level is not None:
        views.append(Notice(f"microphone at {level:.0f} dBFS", hint="speech is usually between -40 and -10"))
    return views


@command("echo", topic="audio")
def echo(context: Context, mode: Literal["auto", "aec", "gate", "half", "off"] | None = None) -> Views:
    """Show or set the echo guard, which keeps the assistant from hearing itself through the speaker.

    aec: takes the echo out, and holds back what is left of it; gate: sends only audio clearly louder than the echo;
    auto: aec, or gate where it cannot be loaded; half: sends nothing while the assistant speaks; off: sends everything.
    """
    if mode:
        context.session.audio.set_echo(mode)
    echo = context.session.audio.input.echo
    chosen, method = echo.mode.value, echo.method
    return Notice(f"echo guard: {chosen}" + ("" if method == chosen else f" ({method})"))
