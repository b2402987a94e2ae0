"""Load and malice: any frame, any number of connections, any thread, any peer."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from collections import defaultdict
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtcli.errors import OutboxFullError
from rtcli.protocol.catalog import EVENT_TYPES
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.events import CREATED, audio_delta
from tests.kit.fake_server import Conversation, fake_server, greets
from tests.kit.linked import SEMANTIC, Link, linked
from tests.kit.waiting import DEADLINE, until

# -- any frame -----------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("item", "item_id", "delta", "response", "session", "error", "content_index", "response_id", "event_id")
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(EVENT_TYPES)) | st.sampled_from(SEMANTIC) | st.text(max_size=6)},
    optional={name: VALUES | st.just("item_a") for name in FIELDS},
)
NESTED = st.sampled_from(["[" * 3000 + "]" * 3000, '{"type":"x","a":' + "[" * 3000, '{"a":' * 900 + "1" + "}" * 900])
FRAMES = st.one_of(
    EVENTS.map(json.dumps),
    EVENTS.map(json.dumps).flatmap(lambda text: st.integers(0, len(text)).map(lambda end: text[:end])),
    NESTED,
    st.text(max_size=50),
    st.binary(max_size=50),
)


def test_any_frames_end_with_a_live_connection() -> None:
    """Random JSON, truncated, nested, huge numbers, invalid UTF-8 in text frames, binary: the session goes on."""

    async def play(link: Link, frames: list[str | bytes], as_text: bool) -> None:
        link.emitted.clear()
        for frame in frames:
            await link.server.connections[-1].send(frame, text=as_text or isinstance(frame, str))
        await link.say({"type": "response.output_text.delta", "item_id": "i", "delta": "alive"})
        assert [payload.delta for payload in link.payloads("output_text_delta")][-1] == "alive"
        assert link.t.status == "connected"

    # The loop stands still while frames are made: the library's ping draws from the generator that hypothesis watches.
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        link = runner.run(opened.enter_async_context(linked(listen=SEMANTIC)))

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(st.lists(FRAMES, max_size=8), st.booleans())
        def any_frames(frames: list[str | bytes], as_text: bool) -> None:
            runner.run(asyncio.wait_for(play(link, frames, as_text), DEADLINE))

        any_frames()
        runner.run(opened.aclose())


# -- any number of connections -------------------------------------------------------------------


def _has(connections: list[Any], count: int) -> bool:
    return len(connections) >= count


def _sockets() -> int:
    """How many file descriptors of this process are sockets."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue  # the one that reads this folder
    return count


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted where /proc is")
async def test_a_thousand_connections_leave_nothing_behind() -> None:
    """No task, no socket, no listener: most closed by us, every tenth broken by the server."""
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url)
        t.on("*", lambda _: None).on("connected", lambda: None)
        before = (len(asyncio.all_tasks()), _sockets(), {name: len(entries) for name, entries in t._listeners.items()})
        for number in range(1_000):
            await t.connect()
            if number % 4 == 0:
                await t.wait_ready(DEADLINE)
            if number % 10 == 9:
                await until(partial(_has, server.connections, number + 1))
                server.connections[-1].transport.abort()
            t.close()
            await t.wait_closed()
        await until(lambda: server.closed == 1_000, "the server has seen every end")
        await until(lambda: len(asyncio.all_tasks()) <= before[0], "no task is left")
        gc.collect()

        assert _sockets() <= before[1]
        assert {name: len(entries) for name, entries in t._listeners.items()} == before[2]


# -- any thread ----------------------------------------------------------------------------------


async def test_sends_from_four_threads_keep_the_order_of_each() -> None:
    """Nothing is lost, nothing is mixed up, and listeners run on the loop."""
    each = 300
    async with linked() as link:
        threads_seen: set[int] = set()
        link.t.on("item_update", lambda _: threads_seen.add(threading.get_ident()))

        def send(thread: int) -> None:
            for number in range(each):
                link.t.send_event({"type": "test.event", "thread": thread, "number": number})
            link.t.send_function_call_output({"call_id": "c", "id": "i", "name": "f", "arguments": ""}, "x", False)

        await asyncio.gather(*(asyncio.to_thread(send, thread) for thread in range(4)))
        await link.settle()

        by_thread = defaultdict(list)
        for event in link.sent:
            if event["type"] == "test.event":
                by_thread[event["thread"]].append(event["number"])
        assert dict(by_thread) == {thread: list(range(each)) for thread in range(4)}
        assert threads_seen == {threading.get_ident()}


async def test_every_call_may_come_from_another_thread() -> None:
    """Interrupting and closing too; an error that the call meets is an `error` event."""
    async with linked() as link:
        t = link.t
        await link.say(audio_delta(b"\0" * 4800))

        def everything() -> None:
            t.send_audio(b"\0\0", commit=True)
            t.send_message("hi", trigger_response=False)
            t.update_session_config({"voice": "ash"})
            t.interrupt()
            t.reset_history([{"item_id": "a"}], [])
            t.request_response()
            t.send_event({"type": "broken", "value": {1}})

        await asyncio.to_thread(everything)
        await link.settle()

        assert link.sent_types == [
            "input_audio_buffer.append",
            "input_audio_buffer.commit",
            "conversation.item.create",
            "session.update",
            "conversation.item.truncate",
            "conversation.item.delete",
            "response.create",
        ]
        assert [type(problem) for problem in link.errors] == [ValueError]
        await asyncio.to_thread(t.close)
        await until(lambda: t.status == "disconnected")
        await t.wait_closed()


# -- a peer that stops reading -------------------------------------------------------------------


async def test_a_peer_that_stops_reading_bounds_the_memory_and_tells_the_user() -> None:
    """Live audio is dropped oldest first and counted; everything else raises; both go on when the peer does."""
    bound = 300_000
    async with linked(max_outbox_bytes=bound, ping_interval=None) as link:
        connection = link.server.connections[-1]
        connection.transport.pause_reading()
        big = {"type": "test.event", "data": "x" * 100_000}
        refused = 0
        for _ in range(400):  # the system's own buffers take the first megabytes
            try:
                link.t.send_event(big)
            except OutboxFullError as problem:
                refused += 1
                assert "reads more slowly" in str(problem)
            await asyncio.sleep(0)
            if refused > 3:
                break
        assert refused > 3
        for number in range(2_000):
            link.t.send_audio(number.to_bytes(2, "big") * 480)
        assert link.t.outbox_bytes <= bound
        assert link.t.dropped_audio_ms > 0
        dropped = link.t.dropped_audio_ms

        connection.transport.resume_reading()
        await asyncio.wait_for(link.t.flush(), DEADLINE)
        link.t.send_event({"type": "test.event", "data": "after"})
        await link.settle()

        assert link.sent[-1] == {"type": "test.event", "data": "after"}
        audio = [event for event in link.sent if event["type"] == "input_audio_buffer.append"]
        assert len(audio) * 20 + dropped == 2_000 * 20  # milliseconds
        assert link.t.outbox_bytes == 0


async def test_what_was_sent_before_close_still_leaves() -> None:
    """The last words of a script are not lost."""
    async with linked() as link:
        for number in range(100):
            link.t.send_event({"type": "test.event", "number": number})
        link.t.close()
        await link.t.wait_closed()
        await until(lambda: link.server.closed == 1)

        assert [event["number"] for event in link.sent] == list(range(100))


async def test_flush_waits_for_the_socket_to_take_everything() -> None:
    """And returns when the connection ends, rather than wait for ever."""
    async with linked(ping_interval=None) as link:
        link.server.connections[-1].transport.pause_reading()
        for _ in range(100):
            link.t.send_event({"type": "test.event", "data": os.urandom(50_000).hex()})
        waiting = asyncio.create_task(link.t.flush())
        await asyncio.sleep(0)
        assert not waiting.done()
        link.server.connections[-1].transport.abort()
        await asyncio.wait_for(waiting, DEADLINE)


def test_a_transport_does_not_outlive_its_loop() -> None:
    """A program that forgets to close ends without a complaint of the interpreter."""

    async def main() -> Any:
        async with fake_server(greets) as server:
            t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url)
            await t.connect()
            await t.wait_ready(DEADLINE)
            server.connections[-1].transport.abort()
            return t

    assert asyncio.run(main()) is not None
    gc.collect()


async def test_dropped_audio_is_counted_in_the_format_that_it_was_sent_in() -> None:
    """5 s of PCM16, then 40 of G.711, in pieces that never fit: the bytes of the one are not those of the other."""

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        event = await talk.receive()
        await talk.send({"type": "session.updated", "event_id": "e", "session": event["session"]})
        await talk.receive_all()

    async with fake_server(script) as server:
        t = OpenAIRealtimeWebSocket(url=server.url, headers={}, manual=True, max_outbox_bytes=2000)
        await t.connect()
        await t.wait_ready(DEADLINE)
        t.send_audio(bytes(240_000))
        assert t.dropped_audio_ms == 5_000
        updated = asyncio.Event()
        t.on("session.updated", lambda _: updated.set())
        form = {"type": "audio/pcmu"}
        t.send_event({"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"format": form}}}})
        await asyncio.wait_for(updated.wait(), DEADLINE)
        t.send_audio(bytes(320_000))
        assert t.dropped_audio_ms == 45_000
        t.close()
        await t.wait_closed()
