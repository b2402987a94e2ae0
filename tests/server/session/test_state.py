"""The session object: its default, key for key, and what an update changes."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.server.session.state import realtime_session, transcription_session
from tests.server.playbook import Playbook, only, types, voice

REALTIME_KEYS = [
    "type", "object", "id", "model", "output_modalities", "instructions", "tools", "tool_choice", "max_output_tokens",
    "tracing", "truncation", "prompt", "expires_at", "audio", "include",
]  # fmt: skip


def update(book: Playbook, **session: Any) -> dict[str, Any]:
    """The session that the server confirms."""
    confirmed = only(book.send("session.update", session={"type": "realtime", **session}), "session.updated")["session"]
    assert isinstance(confirmed, dict)
    return confirmed


def test_the_default_session_has_the_keys_of_the_wire_in_their_order() -> None:
    """As session.created shows it; reasoning and parallel_tool_calls are not there."""
    session = only(Playbook().core.opened(), "session.created")["session"]

    assert list(session) == REALTIME_KEYS
    assert session["audio"] == {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 200,
                "idle_timeout_ms": None,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy", "speed": 1.0},
    }


def test_newer_models_wait_longer_and_speak_as_marin() -> None:
    """gpt-realtime-2.1 differs in two defaults."""
    audio = realtime_session("sess_1", "gpt-realtime-2.1")["audio"]

    assert (audio["input"]["turn_detection"]["silence_duration_ms"], audio["output"]["voice"]) == (500, "marin")


def test_a_transcription_session_has_no_model_and_no_output() -> None:
    """Its turn detection has no idle timeout and no flags."""
    session = transcription_session("sess_1")

    assert list(session) == ["type", "object", "id", "expires_at", "audio", "include"]
    assert list(session["audio"]) == ["input"]
    assert list(session["audio"]["input"]["turn_detection"]) == [
        "type", "threshold", "prefix_padding_ms", "silence_duration_ms",
    ]  # fmt: skip


def test_what_an_update_leaves_out_stays() -> None:
    """Nested audio is merged key by key."""
    book = Playbook()
    update(book, instructions="Be brief.", audio={"output": {"voice": "ash"}})
    session = update(book, audio={"output": {"speed": 1.25}, "input": {"transcription": {"model": "whisper-1"}}})

    assert session["instructions"] == "Be brief."
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "voice": "ash",
        "speed": 1.25,
    }
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


def test_null_and_empty_are_values() -> None:
    """null switches off, "" and [] clear."""
    book = Playbook(instructions="x", tools=[{"type": "function", "name": "f"}])
    update(book, audio={"input": {"transcription": {"model": "whisper-1"}, "noise_reduction": {"type": "far_field"}}})
    session = update(
        book,
        instructions="",
        tools=[],
        prompt=None,
        audio={"input": {"transcription": None, "noise_reduction": None, "turn_detection": None}},
    )

    assert (session["instructions"], session["tools"]) == ("", [])
    assert [session["audio"]["input"][key] for key in ("transcription", "noise_reduction", "turn_detection")] == [
        None
    ] * 3


def test_a_partial_turn_detection_gets_defaults_not_what_it_was() -> None:
    """{type: server_vad} after a change is the default again; semantic_vad has its own keys."""
    book = Playbook()
    update(
        book, audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.9, "create_response": False}}}
    )
    again = update(book, audio={"input": {"turn_detection": {"type": "server_vad"}}})["audio"]["input"][
        "turn_detection"
    ]
    semantic = update(book, audio={"input": {"turn_detection": {"type": "semantic_vad"}}})["audio"]["input"]

    assert (again["threshold"], again["create_response"]) == (0.5, True)
    assert semantic["turn_detection"] == {
        "type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True,
    }  # fmt: skip


def test_transcription_is_shown_with_three_keys_and_what_was_set() -> None:
    """Strict clients take model, language and prompt alone, unless they asked for more."""
    book = Playbook()
    plain = update(book, audio={"input": {"transcription": {"model": "whisper-1"}}})
    more = update(
        book, audio={"input": {"transcription": {"model": "gpt-transcribe", "languages": ["en"], "delay": None}}}
    )

    assert plain["audio"]["input"]["transcription"] == {"model": "whisper-1", "language": None, "prompt": None}
    assert more["audio"]["input"]["transcription"]["languages"] == ["en"]
    assert "delay" not in more["audio"]["input"]["transcription"]


def test_noise_reduction_keeps_its_strength() -> None:
    """Another type without a strength has the strength of before."""
    book = Playbook()
    update(book, audio={"input": {"noise_reduction": {"type": "near_field", "strength": 0.4}}})
    session = update(book, audio={"input": {"noise_reduction": {"type": "far_field"}}})

    assert session["audio"]["input"]["noise_reduction"] == {"type": "far_field", "strength": 0.4}


def test_only_pcm_names_its_rate() -> None:
    """G.711 has none; PCM gets the one there is."""
    book = Playbook()
    pcmu = update(
        book, audio={"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcm"}}}
    )

    assert pcmu["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert pcmu["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}


def test_another_model_is_taken_and_ignored() -> None:
    """session.updated echoes the one of the URL."""
    assert update(Playbook(), model="gpt-realtime-2.1")["model"] == "gpt-realtime"


def test_reasoning_appears_once_it_is_set_where_the_model_can() -> None:
    """On a model that cannot it is refused, with all the rest of the update."""
    able = Playbook(realtime_session("sess_1", "gpt-realtime-2.1"))
    assert update(able, reasoning={"effort": "low"}, parallel_tool_calls=False)["reasoning"] == {"effort": "low"}
    assert "reasoning" not in update(able, reasoning=None)

    unable = Playbook()
    error = unable.refused("session.update", session={"type": "realtime", "reasoning": {}, "instructions": "new"})
    assert error["param"] == "session.reasoning"
    assert unable.core.state.config["instructions"] != "new"


def test_a_refused_update_changes_nothing() -> None:
    """One bad field among good ones."""
    book = Playbook()
    before = dict(book.core.state.config)
    book.refused("session.update", session={"type": "realtime", "instructions": "new", "bogus": 1})

    assert book.core.state.config == before


def test_a_voice_is_fixed_once_the_assistant_has_spoken() -> None:
    """Another is refused whole; the same again is fine."""
    book = Playbook()
    book.say("hi")
    book.answer("Hi.", voice(0.2))
    error = book.refused("session.update", session={"type": "realtime", "audio": {"output": {"voice": "ash"}}})

    assert error["code"] == "cannot_update_voice"
    assert error["message"] == "Cannot update a conversation's voice if assistant audio is present."
    assert error["param"] is None
    assert update(book, audio={"output": {"voice": "alloy"}})


def test_text_alone_fixes_no_voice() -> None:
    """A written answer is not assistant audio."""
    book = Playbook()
    book.answer("Hi.", output_modalities=["text"])

    assert update(book, audio={"output": {"voice": "ash"}})["audio"]["output"]["voice"] == "ash"


def test_tracing_is_settled_once() -> None:
    """The same again is fine, a change is refused."""
    book = Playbook()
    update(book, tracing="auto")
    update(book, tracing="auto")

    assert book.refused("session.update", session={"type": "realtime", "tracing": None})["param"] == "session.tracing"


def test_a_session_keeps_its_type() -> None:
    """A conversation does not become a transcription, nor the other way round."""
    assert Playbook().refused("session.update", session={"type": "transcription"})["param"] == "session.type"
    assert Playbook.transcription().refused("session.update", session={"type": "realtime"})["param"] == "session.type"


def test_streaming_transcribers_take_no_turn_detection_in_a_transcription_session() -> None:
    """The update is refused until turn_detection is null; in a conversation the model works."""
    book = Playbook.transcription()
    wanted = {"transcription": {"model": "gpt-realtime-whisper"}}
    error = book.refused("session.update", session={"type": "transcription", "audio": {"input": wanted}})
    fine = book.send(
        "session.update", session={"type": "transcription", "audio": {"input": wanted | {"turn_detection": None}}}
    )

    assert error["message"] == "Turn detection is not supported for this transcription model."
    assert types(fine)[0] == "session.updated"
    assert update(Playbook(), audio={"input": wanted})


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([{"type": "mcp", "server_label": "a"}], "session.tools[0].server_url"),
        ([{"type": "mcp", "server_label": "a", "server_url": "u", "connector_id": "c"}], "session.tools[0]"),
        ([{"type": "mcp", "server_label": "a", "server_url": "u"}] * 2, "session.tools[1].server_label"),
    ],
)
def test_an_mcp_server_is_defined_once_and_in_one_way(tools: list[Any], param: str) -> None:
    """No address, two addresses, and two servers of one label are refused."""
    assert Playbook().refused("session.update", session={"type": "realtime", "tools": tools})["param"] == param


def test_an_mcp_label_may_be_named_alone_afterwards() -> None:
    """A later update need not repeat the address."""
    book = Playbook(tools=[{"type": "mcp", "server_label": "a", "server_url": "https://a.example"}])

    assert update(book, tools=[{"type": "mcp", "server_label": "a"}])["tools"] == [{"type": "mcp", "server_label": "a"}]
