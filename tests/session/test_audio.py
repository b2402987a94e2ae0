"""The session's devices: what is muted stays here, and what was dropped is counted in the session's own format."""

from __future__ import annotations

import pytest

from rtcli.audio.microphone import CHUNK_BYTES, Capture
from rtcli.errors import UnsupportedError
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
        self._captured(bytes(48 * milliseconds))


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
        assert (appended(live), live.session.audio.level_db) == (1, None)
        live.session.audio.unmute()
        microphone.record(10)

        assert appended(live) == 1


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
        microphone._captured(bytes(CHUNK_BYTES * 5))

        assert len(tried) == 1 and live.session.audio.muted


async def test_whoever_has_the_transport_can_mute() -> None:
    """There is one truth, and both sides tell it."""
    async with live_session(microphone=ManualMicrophone()) as live:
        live.session.transport.mute(False)
        assert not live.session.audio.muted and not live.session.status.muted
        live.session.audio.mute()
        assert live.session.transport.muted is True


@pytest.mark.parametrize(("audio_format", "second"), [("audio/pcm", 48_000), ("audio/pcmu", 8000)])
async def test_dropped_audio_is_told_in_milliseconds_of_the_format(
    audio_format: str, second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of G.711 is a second, too."""
    wire_format = {"type": audio_format, "rate": 24_000} if audio_format == "audio/pcm" else {"type": audio_format}
    async with live_session(config={"audio": {"input": {"format": wire_format}}}) as live:
        monkeypatch.setattr(type(live.session.transport), "dropped_audio_bytes", property(lambda _: 2 * second))

        assert live.session.status.dropped_audio_ms == 2000


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
