"""A caller for `rtcli serve --ring`: says something, listens to the answer, and ends the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rtcli.errors import ConnectError
from rtcli.server.calls.life import CallStage
from rtcli.server.calls.phone import Phone
from rtcli.server.net.app import RealtimeServer

ANSWER_SECONDS = 30.0  # for an answer to begin
PAUSE_SECONDS = 2.0  # of silence, after which an answer is over


async def call(server: RealtimeServer, pcm: bytes, log: Callable[[str], None]) -> None:
    """Make one call: `pcm` is what the caller says, 24 kHz PCM16. Lines about it go to `log`."""
    try:
        phone = await server.ring()
    except ConnectError as error:
        log(f"the call was not announced: {error}")
        return
    address = server.url.partition("/v1/")[0].replace("ws", "http", 1)
    log(f"a telephone rings: rtcli call accept {phone.call_id} --url {address}")
    if not await phone.answered():
        status = f" with {phone.call.status_code}" if phone.stage is CallStage.REJECTED else ""
        log(f"the call {phone.stage.value}{status}")
        return
    log("the call has been accepted; the caller speaks")
    ended = asyncio.create_task(phone.ended())
    talking = asyncio.create_task(_talk(phone, pcm))
    try:
        await asyncio.wait((ended, talking), return_when=asyncio.FIRST_COMPLETED)
    finally:
        talking.cancel()
        await phone.hang_up()
        stage = await ended
    where = f" to {phone.call.target}" if stage is CallStage.REFERRED else ""
    log(f"the call {stage.value}{where}; the caller heard {phone.spoken_ms / 1000:.1f} s of speech")


async def _talk(phone: Phone, pcm: bytes) -> None:
    """Say it, and listen until the answer is over, or none comes."""
    phone.say(pcm)
    await phone.said()
    loop = asyncio.get_running_loop()
    quiet_until = loop.time() + ANSWER_SECONDS
    while loop.time() < quiet_until:
        if phone.is_spoken_to:
            quiet_until = loop.time() + PAUSE_SECONDS
        await asyncio.sleep(0.02)
