"""Small applications for `rtcli serve --once`: each a program that takes its address from the environment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from rtcli.transports import OpenAIRealtimeWebSocket

MODEL = "gpt-realtime-2.1"


async def connected() -> OpenAIRealtimeWebSocket:
    """A transport to the server that the environment names."""
    transport = OpenAIRealtimeWebSocket(
        url=f"{os.environ['RTCLI_URL']}?model={MODEL}", api_key=os.environ["OPENAI_API_KEY"], auto_tracing=False
    )
    tool = {"type": "function", "name": "get_weather", "description": "", "parameters": {"type": "object"}}
    await transport.connect(initial_session_config={"output_modalities": ["text"], "tools": [tool]})
    await transport.wait_ready(30)
    return transport


async def turn(transport: OpenAIRealtimeWebSocket, start: Callable[[], object]) -> Any:
    """What the response that `start` causes ended as."""
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    transport.once("response.done", done.set_result)
    start()
    return (await done)["response"]


async def behaves() -> None:
    """Asks, answers the call, prints what it is told."""
    transport = await connected()
    response = await turn(transport, lambda: transport.send_message("What is the weather?"))
    (call,) = response["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "21 degrees"}

    def answer() -> None:
        transport.send_event({"type": "conversation.item.create", "item": output})
        transport.request_response()

    response = await turn(transport, answer)
    sys.stdout.write(response["output"][0]["content"][0]["text"] + "\n")
    transport.close()
    await transport.wait_closed()


async def never_answers() -> None:
    """Takes a call for an answer."""
    transport = await connected()
    await turn(transport, lambda: transport.send_message("What is the weather?"))
    transport.close()
    await transport.wait_closed()


async def environment() -> None:
    """Prints what it is given, and connects."""
    sys.stdout.write(json.dumps(dict(os.environ)) + "\n")
    transport = await connected()
    transport.close()
    await transport.wait_closed()


async def fails() -> None:
    """Connects, and ends with a code of its own."""
    await connected()
    sys.exit(3)


async def hangs() -> None:
    """Leaves a process in its group, says so, and never ends, whatever it is told."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    sys.stdout.write(f"{os.getpid()} {child.pid}\n")
    sys.stdout.flush()
    await asyncio.sleep(600)


APPS: dict[str, Callable[[], Awaitable[None]]] = {
    one.__name__: one for one in (behaves, never_answers, environment, fails, hangs)
}


def command(name: str) -> tuple[str, ...]:
    """The command line of an application."""
    return (sys.executable, "-m", "tests.kit.apps", name)


if __name__ == "__main__":
    asyncio.run(APPS[sys.argv[1]]())  # type: ignore[arg-type]
