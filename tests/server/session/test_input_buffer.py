"""Sound in: formats, counting, committing, clearing."""

from __future__ import annotations

import pytest

from rtcli.dsp.g711 import pcm_to_alaw, pcm_to_ulaw
from rtcli.dsp.levels import rms_db
from rtcli.dsp.resample import resample
from rtcli.protocol.audio_formats import PCM16, decode_base64, encode_base64
from rtcli.server.session.input_buffer import MAX_BUFFER_MS, InputBuffer
from tests.server.playbook import Playbook, only, silence, to_transcribe, types, voice

MANUAL = {"audio": {"input": {"turn_detection": None}}}


def test_a_commit_makes_an_item_and_no_response() -> None:
    """committed, added, done, in this order; the item has the audio and no transcript yet."""
    book = Playbook(**MANUAL)
    previous = book.say("before")
    book.append_audio(voice(0.3))
    effects = book.send("input_audio_buffer.commit")
    committed, added = only(effects, "input_audio_buffer.committed"), only(effects, "conversation.item.added")

    assert types(effects) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert committed["previous_item_id"] == added["previous_item_id"] == previous
    assert committed["item_id"] == added["item"]["id"]
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    assert to_transcribe(effects).audio[0] == voice(0.3)


@pytest.mark.parametrize(("milliseconds", "shown"), [(0, "0.00ms"), (80, "80.00ms")])
def test_less_than_a_tenth_of_a_second_is_no_turn(milliseconds: int, shown: str) -> None:
    """The error says how much there is, and it stays in the buffer."""
    book = Playbook(**MANUAL)
    book.append_audio(silence(milliseconds / 1000))
    error = book.refused("input_audio_buffer.commit")
    book.append_audio(silence(0.1))

    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["message"] == (
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        f"but buffer only has {shown} of audio."
    )
    assert "input_audio_buffer.committed" in types(book.send("input_audio_buffer.commit"))


def test_clear_empties_the_buffer() -> None:
    """Also an empty one."""
    book = Playbook(**MANUAL)
    book.append_audio(voice(1))

    assert types(book.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert types(book.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert book.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


@pytest.mark.parametrize(("name", "encode"), [("audio/pcmu", pcm_to_ulaw), ("audio/pcma", pcm_to_alaw)])
def test_telephone_audio_is_decoded_to_24_khz(name: str, encode: object) -> None:
    """A second of G.711 in 20 ms pieces is a second of PCM, as loud as it was."""
    assert callable(encode)
    book = Playbook(audio={"input": {"turn_detection": None, "format": {"type": name}}})
    data = encode(resample(voice(1), 24_000, 8_000))
    for start in range(0, len(data), 160):
        book.send("input_audio_buffer.append", audio=encode_base64(data[start : start + 160]))
    pcm = to_transcribe(book.send("input_audio_buffer.commit")).audio[0]

    assert abs(len(pcm) - 48_000) <= 4
    assert abs(rms_db(bytes(pcm)) - rms_db(voice(1))) < 0.5


def test_a_bad_append_names_the_format_it_should_have_had() -> None:
    """The session's own."""
    book = Playbook(audio={"input": {"format": {"type": "audio/pcmu"}}})

    assert "(G.711 mu-law at 8kHz)" in book.refused("input_audio_buffer.append", audio="%")["message"]


def test_samples_may_be_split_between_events() -> None:
    """Three bytes and then one are two samples."""
    book = Playbook(**MANUAL)
    pcm = voice(0.2)
    for start in range(0, len(pcm), 333):
        book.send("input_audio_buffer.append", audio=encode_base64(pcm[start : start + 333]))

    assert to_transcribe(book.send("input_audio_buffer.commit")).audio[0] == pcm


@pytest.mark.parametrize(
    ("name", "bytes_per_second"), [("audio/pcm", 48_000), ("audio/pcmu", 8_000), ("audio/pcma", 8_000)]
)
def test_audio_out_is_in_the_format_of_the_session(name: str, bytes_per_second: int) -> None:
    """The stream has its whole length at the end of the part."""
    book = Playbook(audio={"output": {"format": {"type": name}}})
    response = book.start()
    effects = response.add_audio(voice(0.5)) + response.add_audio(voice(0.5)) + response.finish()
    deltas = [decode_base64(e["delta"]) for e in effects if e["type"] == "response.output_audio.delta"]

    assert abs(len(b"".join(deltas)) - bytes_per_second) <= 2
    kept = book.core.conversation.get(response.last_place()["item_id"])
    assert kept is not None
    assert kept.audio[0] == voice(0.5) + voice(0.5)


def test_a_buffer_that_nobody_commits_is_bounded() -> None:
    """The oldest audio goes; the count over the session stays right."""
    buffer = InputBuffer()
    for _ in range(MAX_BUFFER_MS // 60_000 + 1):
        buffer.append(silence(60))

    assert PCM16.milliseconds(len(buffer.peek(0))) == MAX_BUFFER_MS
    assert buffer.end == 24_000 * 60 * (MAX_BUFFER_MS // 60_000 + 1)
