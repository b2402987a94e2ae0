"""A peer on aiortc: two of them in one process, and the library's traps."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
from typing import Any

import numpy as np
import pytest

from rtcli.dsp.levels import rms_db
from rtcli.rtc.peer import PeerEnd
from tests.kit.calls import connected, make_side, needs_webrtc
from tests.kit.impairer import Impairer
from tests.kit.waiting import DEADLINE, until

pytestmark = needs_webrtc

TONE = (8_000 * np.sin(2 * np.pi * 440 * np.arange(480) / 24_000)).astype("<i2").tobytes()


async def test_both_speak_and_write() -> None:
    """Messages and audio arrive on the other side, in order."""
    async with connected(lambda: TONE, lambda: None) as (caller, called):
        await caller.peer.send("one")
        await caller.peer.send("two")
        await called.peer.send("three")
        await until(lambda: len(called.texts) == 2 and caller.texts, "the messages")
        await until(lambda: len(called.audio) > 40 and len(caller.audio) > 10, "the audio")

        assert (called.texts, caller.texts) == (["one", "two"], ["three"])
        assert rms_db(called.pcm()[-9_600:]) == pytest.approx(rms_db(TONE), abs=1.5)
        assert rms_db(caller.pcm()) < -80
        assert [len(pcm) for _, pcm in called.audio] == [960] * len(called.audio)
        starts = [start for start, _ in called.audio]
        assert starts == sorted(set(starts))


async def test_an_offer_has_no_addresses_and_an_answer_only_loopback() -> None:
    """No STUN server is asked, and no address of the machine is told."""
    caller, called = make_side(), make_side()
    offer = await caller.peer.offer()
    answer = await called.peer.accept(offer)
    await caller.peer.close()
    await called.peer.close()

    assert "a=candidate" not in offer
    assert {line.split()[4] for line in answer.splitlines() if line.startswith("a=candidate")} == {"127.0.0.1"}
    assert "opus/48000" in offer


async def test_nothing_leaves_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every socket of a call is bound to 127.0.0.1."""
    bound: list[str] = []
    create = asyncio.get_running_loop().create_datagram_endpoint

    async def watched(factory: Any, local_addr: tuple[str, int], **more: Any) -> object:
        bound.append(local_addr[0])
        return await create(factory, local_addr=local_addr, **more)

    monkeypatch.setattr(asyncio.get_running_loop(), "create_datagram_endpoint", watched)
    async with connected():
        pass

    assert set(bound) == {"127.0.0.1"}


async def test_other_users_of_the_library_keep_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only our own peers are held to loopback: the library's own function answers everybody else."""
    import aioice.ice

    from rtcli.rtc import aiortc_peer

    monkeypatch.setattr(aiortc_peer, "_all_addresses", lambda use_ipv4, use_ipv6: ["192.0.2.1"])

    assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.1"]


async def test_a_peer_that_nobody_answers_gives_up() -> None:
    """An answer whose writer is gone says nothing of an end of candidates: ICE alone would wait for ever."""
    caller, called = make_side(open_timeout=0.3), make_side()
    answer = await called.peer.accept(await caller.peer.offer())
    await called.peer.close()
    answer = "".join(line for line in answer.splitlines(keepends=True) if "end-of-candidates" not in line)
    await caller.peer.answer(answer)
    await until(lambda: caller.ends, "it gives up")
    await caller.peer.close()

    assert caller.ends == [PeerEnd.UNREACHED]
    assert caller.opened == 0


async def test_the_other_side_hears_of_a_close_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who closes hears nothing; a second close does nothing."""
    import aioice.ice

    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", DEADLINE)  # which would tell of it much later
    async with connected() as (caller, called):
        await called.peer.close()
        await called.peer.close()
        await until(lambda: caller.ends, "the end")

        assert caller.ends == [PeerEnd.CHANNEL_CLOSED]
        assert called.ends == []
        assert not caller.peer.is_open
        with pytest.raises(ConnectionError):
            await caller.peer.send("x")


async def test_what_was_sent_before_a_close_arrives() -> None:
    """The messages get their time to leave."""
    text = "x" * 200_000
    async with connected() as (caller, called):
        await caller.peer.send(text)
        await caller.peer.close(linger=DEADLINE)
        await until(lambda: called.texts, "the message")

        assert called.texts == [text]


async def test_a_message_may_be_as_large_as_the_other_side_takes() -> None:
    """A larger one is refused, with both sizes, and the channel lives on."""
    async with connected() as (caller, called):
        limit = caller.peer.max_message_bytes
        assert limit == 262_144
        with pytest.raises(ValueError, match=r"262,146 bytes.*262,144"):
            await caller.peer.send("ä" * 131_073)
        await caller.peer.send("ä" * 131_072)
        await until(lambda: called.texts, "the message")

        assert called.texts == ["ä" * 131_072]


async def test_sending_waits_for_the_other_side() -> None:
    """The channel would take any number of bytes: what waits in it is bounded, and all of it arrives."""
    async with connected() as (caller, called):
        most = 0
        channel = caller.peer._channel  # type: ignore[attr-defined]
        for _ in range(60):
            await caller.peer.send("x" * 60_000)
            most = max(most, channel.bufferedAmount)
        await until(lambda: len(called.texts) == 60, "all messages")

        assert most <= 256 * 1024 + 60_000


async def test_a_sender_that_waits_sees_the_end() -> None:
    """It is told, instead of waiting for ever."""
    async with connected() as (caller, called):

        async def flood() -> None:
            while True:
                await caller.peer.send("x" * 100_000)

        flooding = asyncio.create_task(flood())
        await until(lambda: called.texts, "it has begun")
        await caller.peer.close()

        with pytest.raises(ConnectionError):
            await flooding


@pytest.mark.parametrize("sdp", ["", "hello", "v=0\r\nm=audio\r\n", '{"error": "no"}'])
async def test_a_bad_description_is_a_value_error(sdp: str) -> None:
    """Of either side."""
    caller, called = make_side(), make_side()
    await caller.peer.offer()
    with pytest.raises(ValueError, match="answer"):
        await caller.peer.answer(sdp)
    with pytest.raises(ValueError, match="offer"):
        await called.peer.accept(sdp)
    await caller.peer.close()
    await called.peer.close()


async def test_video_and_second_tracks_are_declined() -> None:
    """They would be decoded for nobody."""
    from aiortc import RTCConfiguration, RTCPeerConnection

    other = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("video", "audio", "audio"):
        other.addTransceiver(kind)
    other.createDataChannel("oai-events")
    await other.setLocalDescription(await other.createOffer())
    called = make_side()
    answer = await called.peer.accept(other.localDescription.sdp)
    await other.close()
    await called.peer.close()
    sections = answer.split("m=")[1:]

    assert ["a=inactive" in section for section in sections] == [True, False, True, False]


async def test_no_audio_is_held_back() -> None:
    """The library's buffer holds four packets for good; here the last one sent is heard while nothing follows."""
    frames = [TONE] * 10
    async with connected(lambda: frames.pop() if frames else None) as (_, called):
        await until(lambda: not frames, "all is sent")
        sent = len(called.audio)
        await until(lambda: len(called.audio) >= sent + 2, "the last ones")

        assert rms_db(called.pcm()) > -50
        _assert_buffer_is_ours(called.peer)


def _assert_buffer_is_ours(peer: object) -> None:
    (receiver,) = peer._connection.getReceivers()  # type: ignore[attr-defined]

    assert receiver._handle_rtp_packet.__name__ == "handle_in_order"
    assert type(receiver._RTCRtpReceiver__jitter_buffer).__name__ == "_NoBuffer"
    assert hasattr(type(receiver), "_handle_rtp_packet")


def test_the_names_that_are_replaced_still_exist() -> None:
    """A new version of the library that renames one of them would be slow, or reach nobody, and say nothing."""
    import aioice.ice
    from aiortc import RTCRtpReceiver

    assert "get_host_addresses(" in inspect.getsource(aioice.ice.Connection)
    source = inspect.getsource(RTCRtpReceiver)
    assert "self.__jitter_buffer = JitterBuffer(" in source
    assert "self.__jitter_buffer.add(packet)" in source
    assert "async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int)" in source


async def test_nothing_is_left_of_a_call() -> None:
    """Neither tasks, nor sockets, nor threads but those of the loop's own pool."""
    before = left_running()
    for _ in range(3):
        async with connected(lambda: TONE) as (_, called):
            await until(lambda: called.audio, "audio")
    await until(lambda: left_running() <= before, "all has ended")


def left_running() -> int:
    """Tasks, open files and threads of ours."""
    gc.collect()
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()) + len(threads) + len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def test_no_stun_server_is_asked_whoever_is_called() -> None:
    """The library's default would dial one of Google's."""
    from rtcli.rtc.peer import PeerHandlers, create_peer

    def nothing(*_: object) -> None:
        pass

    handlers = PeerHandlers(nothing, nothing, nothing, nothing)
    peer = create_peer()(handlers, source=lambda: None, loopback=False, open_timeout=1)
    configuration = peer._connection._RTCPeerConnection__configuration  # type: ignore[attr-defined]
    await peer.close()

    assert configuration.iceServers == []


async def test_a_side_that_vanishes_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the checks of consent: six in a row, 5 s apart, here faster."""
    import aioice.ice

    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    caller, called = make_side(), make_side()
    async with Impairer().running() as impairer:
        await caller.peer.answer(await impairer.between(await called.peer.accept(await caller.peer.offer())))
        await until(lambda: caller.opened and called.opened, "the data channel is open")
        impairer.cut = True
        await until(lambda: caller.ends and called.ends, "both notice")
        await caller.peer.close()
        await called.peer.close()

    assert caller.ends == [PeerEnd.LOST]
    assert called.ends == [PeerEnd.LOST]
