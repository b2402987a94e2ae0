"""Translation sessions of the built-in server: both transcripts, audio, and no claim to have translated."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.audio_formats import decode_base64, encode_base64
from rtcli.server import RealtimeServer
from tests.server.client import Client, dial
from tests.server.playbook import silence, voice
from tests.server.test_engines import with_engines

TRANSLATIONS = "/translations?model=gpt-realtime-translate"


async def speak(client: Client, pcm: bytes) -> None:
    for start in range(0, len(pcm), 9_600):
        await client.send("session.input_audio_buffer.append", audio=encode_base64(pcm[start : start + 9_600]))


def joined(client: Client, type_: str) -> str:
    return "".join(event["delta"] for event in client.seen if event["type"] == type_)


async def test_what_is_said_comes_back_in_words_and_audio() -> None:
    """The words heard where they are asked for; the words spoken say by the language's code that nothing translated."""
    async with (
        RealtimeServer(engines=with_engines("Count to 3."), pace=0) as server,
        dial(server, TRANSLATIONS) as client,
    ):
        session = (await client.until("session.created"))["session"]
        audio = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}, "output": {"language": "de"}}
        await client.send("session.update", session={"audio": audio})
        updated = (await client.until("session.updated"))["session"]
        await speak(client, silence(0.5) + voice(1) + silence(1))
        await client.send("session.close")
        await client.until("session.closed")
        code, _ = await client.closed()

    assert (session["type"], session["model"], code) == ("translation", "gpt-realtime-translate", 1000)
    assert updated["audio"]["output"]["language"] == "de"
    assert joined(client, "session.input_transcript.delta") == " Count to 3."
    assert joined(client, "session.output_transcript.delta") == " [de] Count to 3."
    pieces = [event for event in client.seen if event["type"] == "session.output_audio.delta"]
    assert {(piece["sample_rate"], piece["channels"], piece["format"]) for piece in pieces} == {(24_000, 1, "pcm16")}
    assert sum(len(decode_base64(piece["delta"])) for piece in pieces) == len(silence(0.02 * len("[de] Count to 3.")))
    assert not {type_ for type_ in client.types() if type_.startswith(("response.", "conversation."))}


async def test_without_transcription_only_the_translation_has_words() -> None:
    """As the API has it."""
    async with RealtimeServer(engines=with_engines("Hello."), pace=0) as server, dial(server, TRANSLATIONS) as client:
        await speak(client, silence(0.5) + voice(1) + silence(1))
        await client.until("session.output_audio.delta")

    assert joined(client, "session.output_transcript.delta") == " [en] Hello."
    assert "session.input_transcript.delta" not in client.types()


async def test_a_sentence_that_is_not_over_is_spoken_before_the_end() -> None:
    """session.close comes in the middle of it."""
    async with RealtimeServer(engines=with_engines("Wait."), pace=0) as server, dial(server, TRANSLATIONS) as client:
        await speak(client, silence(0.5) + voice(1))
        await client.send("session.close")
        await client.until("session.closed")

    assert joined(client, "session.output_transcript.delta") == " [en] Wait."


@pytest.mark.parametrize(
    ("event", "code", "said"),
    [
        ({"type": "response.create"}, "invalid_value", "'session.update', 'session.input_audio_buffer.append'"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_value", "'session.close'"),
        ({"type": "session.update", "session": {"instructions": "x"}}, "unknown_parameter", "session.instructions"),
        (
            {"type": "session.update", "session": {"audio": {"output": {"voice": "x"}}}},
            "unknown_parameter",
            "session.audio.output.voice",
        ),
        ({"type": "session.input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    ],
)
async def test_what_has_no_place_there_is_refused(event: dict[str, Any], code: str, said: str) -> None:
    """The error lists what a translation takes; the session goes on."""
    async with RealtimeServer(voice="tone", pace=0) as server, dial(server, TRANSLATIONS) as client:
        await client.send(**{"type_": event["type"], **{k: v for k, v in event.items() if k != "type"}})
        error = (await client.until("error"))["error"]
        await client.send("session.update", session={})
        await client.until("session.updated")

    assert error["code"] == code and said in error["message"]


async def test_without_a_recognizer_its_length_is_said() -> None:
    """Words that nobody has heard are not made up."""
    async with RealtimeServer(voice="tone", pace=0) as server, dial(server, TRANSLATIONS) as client:
        await speak(client, silence(0.5) + voice(1) + silence(1))
        await client.send("session.close")
        await client.until("session.closed")

    assert "s of speech." in joined(client, "session.output_transcript.delta")


@pytest.mark.parametrize(
    ("query", "code"), [("/translations", "missing_model"), ("/translations?model=gpt-realtime", "invalid_model")]
)
async def test_a_translation_has_a_model_of_its_own(query: str, code: str) -> None:
    """A model of conversations is refused, as is none."""
    async with RealtimeServer(voice="tone") as server, dial(server, query) as client:
        error = (await client.until("error"))["error"]
        assert (await client.closed())[0] == 4000

    assert error["code"] == code
