"""What a session hears, between the wire and the conversation."""

from __future__ import annotations

from rtcli.protocol.audio_formats import PCM16, encode_base64
from tests.server.playbook import Playbook, silence, to_transcribe, voice

MANUAL = {"audio": {"input": {"turn_detection": None}}}


def test_a_new_format_does_not_inherit_half_a_sample() -> None:
    """What waited for its second byte in PCM16 is not a sample of G.711."""
    book = Playbook(**MANUAL)
    book.send("input_audio_buffer.append", audio=encode_base64(voice(0.1) + b"\x01"))
    book.send("session.update", session={"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    book.send("input_audio_buffer.append", audio=encode_base64(b"\xff" * 800))
    pcm = to_transcribe(book.send("input_audio_buffer.commit")).audio[0]

    assert pcm[: len(voice(0.1))] == voice(0.1)
    assert abs(PCM16.milliseconds(len(pcm)) - 200) <= 1


def test_silence_under_voice_detection_is_kept_for_half_a_minute() -> None:
    """A client that streams all day fills no memory, and can still commit the last 30 s by hand."""
    book = Playbook()
    for _ in range(4):
        book.append_audio(silence(10))
    pcm = to_transcribe(book.send("input_audio_buffer.commit")).audio[0]

    assert PCM16.milliseconds(len(pcm)) == 30_000


def test_another_turn_detection_starts_in_silence() -> None:
    """A turn that was open under the old one is not ended by the new one; what follows is a turn of its own."""
    book = Playbook()
    book.append_audio(voice(0.5))
    update = {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}
    book.send("session.update", session=update)

    assert "no speech" in repr(book.core)
    assert all(not isinstance(e, dict) or "speech_stopped" not in e["type"] for e in book.append_audio(silence(3)))
