"""Commands to talk: messages, images, answers, interruptions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from rtcli.commands.arguments import ImageSource, RemainingText
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.commands.session_arguments import Fields
from rtcli.commands.settings_catalog import RESPONSE_FIELDS
from rtcli.protocol.filters import type_of
from rtcli.session.images import load_image
from rtcli.views import Notice, Views


@command("say", topic="talk")
def say(context: Context, text: RemainingText) -> Views:
    """Send a message, also one that begins with / or {."""
    context.session.talk.say(text)
    return ()  # like a line of text, it is followed by its answer


@command("system", topic="talk")
def system(context: Context, text: RemainingText) -> Views:
    """Add a system message to the conversation, without asking for an answer."""
    context.session.talk.instruct(text)
    return None


@command("image", topic="talk", aliases=("img",))
async def image(context: Context, source: Annotated[str, ImageSource()], text: RemainingText = "") -> Views:
    """Send an image: a file, a URL or the clipboard, optionally with a question about it.

    PNG and JPEG are sent unchanged; WebP, GIF and others are converted; large ones are shrunk. A notice tells.
    """
    context.session.require_connection()
    # after the check above: it may be large, or come from far away
    prepared = await load_image(source)
    context.session.talk.say(text, [prepared])
    return prepared.views


@command("respond", topic="talk")
def respond(context: Context, fields: Annotated[dict[str, Any] | None, Fields(RESPONSE_FIELDS)] = None) -> Views:
    """Ask for an answer; fields override the session for this response.

    /respond instructions=Whisper
    /respond {"conversation": "none", "output_modalities": ["text"]}
    """
    context.session.require_connection()
    queued = context.session.talk.respond(fields)
    return Notice("queued: a response is in progress") if queued else None


@command("interrupt", topic="talk", aliases=("stop", "cancel"))
def interrupt(context: Context) -> Views:
    """Stop the answer, and truncate it on the server to what was heard."""
    before = context.state.log.last_number
    if not context.session.talk.interrupt():
        return Notice("nothing to interrupt")
    sent = {type_of(frame) for frame in context.state.log.sent_since(before)}
    if not sent and context.state.activity.cancelled_at is not None:
        return Notice("the answer is being cancelled already")
    return () if "conversation.item.truncate" in sent else None  # what was cut is said when the server confirms it


@command("bargein", topic="talk")
def bargein(context: Context, state: Literal["on", "off"] | None = None) -> Views:
    """Show or set whether typing a message interrupts the assistant."""
    if state:
        context.session.talk.barge_in = state == "on"
    return Notice(f"barge-in by typing: {'on' if context.session.talk.barge_in else 'off'}")
