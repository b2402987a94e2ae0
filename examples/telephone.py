"""A telephone call without a telephone, accepted, greeted and answered by a key: python examples/telephone.py."""

import asyncio
from typing import Any

from rtcli import RealtimeServer
from rtcli.transports import OpenAIRealtimeSIP
from rtcli.transports.call_control import CallControl
from rtcli.transports.calling import calls_url


async def main() -> None:
    async with RealtimeServer(voice="tone", pace=4) as server:
        phone = await server.ring([("From", "sip:+15550100@example.com")])
        desk = OpenAIRealtimeSIP(api_key="none")
        accept = desk.build_accept_payload({"instructions": "You answer for a pizza shop."})
        await CallControl(calls_url(server.url)).accept(phone.call_id, accept)
        greeted: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        pressed: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        desk.once("output_audio_buffer.stopped", greeted.set_result)
        desk.once("input_audio_buffer.dtmf_event_received", pressed.set_result)
        await desk.connect(call_id=phone.call_id, url=f"{server.url}?call_id={phone.call_id}")
        desk.send_message("Say: hello, press one to order")
        await greeted
        print("the caller has heard", phone.spoken_ms, "ms")
        phone.press("1")
        print("the caller has pressed", (await pressed)["event"])
        await phone.hang_up()
        await desk.wait_closed()


asyncio.run(main())
