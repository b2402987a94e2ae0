"""The session's devices: what is muted stays here, and what was dropped is counted in the session's own format."""

from __future__ import annotations

import pytest

from rtcli.audio.microphone import CHUNK_BYTES, Capture
from rtcli.errors import UnsupportedError
from rtcli.protocol.audio_formats import decode_base64
from rtcli.protocol.record import Device, Record
from rtcli.views import View
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker, live_session


class OwnMicrophone(Capture):
    """A microphone without a device, with the pieces and the rest of a real one."""

    name = "own"

    def open(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """There is nothing to close."""

    def record(self, milliseconds: int) -> None:
        """So much was captured."""
        self._captured(bytes(48 * milliseconds), 0.0)


def appended(live: Live) -> int:
    return live.sent().count("input_audio_buffer.append")


async def test_muted_means_that_nothing_leaves_the_program() -> None:
    """Not even the rest of a piece, when it is unmuted again."""
    microphone = OwnMicrophone()
    async with live_session(microphone=microphone) as live:
        live.session.audio.unmute()
        microphone.record(30)
        live.session.audio.mute()
        microphone.record(215)
        assert (appended(live), live.session.audio.input.level_db) == (1, None)
        live.session.audio.unmute()
        microphone.record(10)

        assert appended(live) == 1


async def test_pieces_that_come_at_once_go_out_at_once() -> None:
    """A device gives more than one at a time: one event carries them."""
    microphone = OwnMicrophone()
    async with live_session(microphone=microphone) as live:
        live.session.audio.unmute()
        microphone._captured(bytes(CHUNK_BYTES * 2 + 10), 0.0)
        microphone._captured(bytes(CHUNK_BYTES), 0.04)

        sent = [len(decode_base64(event["audio"])) for event in live.events("input_audio_buffer.append")]
        assert sent == [2 * CHUNK_BYTES, CHUNK_BYTES]


async def test_muting_from_within_a_piece_takes_effect_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that takes no audio mutes the microphone at the first piece of several."""
    microphone = OwnMicrophone()
    async with live_session(microphone=microphone) as live:
        tried: list[bytes] = []

        def refuse(audio: bytes) -> None:
            tried.append(audio)
            raise UnsupportedError("no audio here")

        monkeypatch.setattr(live.session.transport, "send_audio", refuse)
        live.session.audio.unmute()
        microphone._captured(bytes(CHUNK_BYTES * 5), 0.0)

        assert len(tried) == 1 and live.session.audio.muted


async def test_whoever_has_the_transport_can_mute() -> None:
    """There is one truth, and both sides tell it."""
    async with live_session(microphone=ManualMicrophone()) as live:
        live.session.transport.mute(False)
        assert not live.session.audio.muted and not live.session.status.muted
        live.session.audio.mute()
        assert live.session.transport.muted is True


PCMU = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}


async def test_what_was_dropped_counts_over_connections_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection counts from nothing, and says once that it loses audio."""
    async with live_session(microphone=ManualMicrophone()) as live:
        dropped = [0]
        monkeypatch.setattr(type(live.session.transport), "dropped_audio_ms", property(lambda _: dropped[0]))
        for dropped[0] in (300, 500, 0, 200, 200):
            live.session.audio.send(bytes(960))

        assert live.session.status.dropped_audio_ms == 700
        assert sum("being dropped" in notice for notice in live.notices) == 2


async def test_a_turn_is_as_long_as_it_was_whatever_the_format_becomes() -> None:
    """What was sent before the change keeps its length."""
    async with live_session(config={"audio": {"input": {"turn_detection": None}}}) as live:
        live.session.audio.send(bytes(48 * 500))
        await live.session.settings.update(PCMU)
        live.session.audio.send(bytes(48 * 500))
        live.session.audio.finish_turn()

        assert live.session.audio.unsent_turn_ms == pytest.approx(1000, abs=1)


async def test_a_turn_of_g711_is_whole_when_it_is_committed() -> None:
    """A resampler holds back its last milliseconds: they are the end of the word, and not the beginning of the next."""
    config = {"audio": {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}}
    async with live_session(config=config) as live:
        for _ in range(3):
            live.session.audio.send(bytes(48 * 200))
            live.session.talk.commit()
        await live.until(lambda: len(live.records("input_audio_buffer.committed")) == 3)
        appended = [0]
        for frame in live.session.state.log.records:
            kind = (frame.event or {}).get("type")
            if kind == "input_audio_buffer.append":
                appended[-1] += len(decode_base64((frame.event or {})["audio"]))
            elif kind == "input_audio_buffer.commit":
                appended.append(0)
        live.session.audio.send(bytes(48 * 200))
        live.session.talk.discard()
        live.session.audio.finish_turn()

        assert appended == [pytest.approx(1600, abs=2)] * 3 + [0]
        assert live.sent()[-1] == "input_audio_buffer.clear", "what was held back is gone with the rest"


async def test_changes_of_devices_are_records() -> None:
    """Opened, muted, lost: whoever looks at the session later knows when."""
    microphone, speaker = ManualMicrophone(), ManualSpeaker()
    seen: list[Device] = []
    async with live_session(microphone=microphone, speaker=speaker) as live:
        observe = live.session.state.observe

        def observed(record: Record) -> list[View]:
            if isinstance(record, Device):
                seen.append(record)
            return observe(record)

        live.session.state.observe = observed  # type: ignore[method-assign]
        live.session.audio.unmute()
        live.session.audio.mute()

    assert [(record.input, record.output, record.muted) for record in seen] == [
        ("manual microphone", "manual speaker", False),
        ("manual microphone", "manual speaker", True),
    ]
