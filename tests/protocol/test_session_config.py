"""What a session.update says, whatever shape the wish has; and what is remembered of it."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.events import value_at
from rtcli.protocol.session_config import (
    RequestedSession,
    build_payload,
    build_turn_detection,
    default_payload,
    given_part,
    merge,
)
from rtcli.protocol.tool_config import build_tool

MODEL = "gpt-realtime-2.1"
PCM = {"type": "audio/pcm", "rate": 24_000}


def audio(config: dict[str, Any], side: str) -> Any:
    return build_payload(config, MODEL)["audio"][side]


def ask(wanted: RequestedSession, config: dict[str, Any], model: str) -> dict[str, Any]:
    """What goes out for a config that is sent."""
    update = wanted.plan(config, model)
    wanted.remember(update)
    return update.payload


def test_defaults_are_the_references() -> None:
    """Audio out, PCM both ways, semantic VAD, a transcript of the user."""
    assert build_payload({}, MODEL) == {
        "type": "realtime",
        "model": MODEL,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": PCM,
                "noise_reduction": None,
                "transcription": {"model": "gpt-4o-mini-transcribe"},
                "turn_detection": {"type": "semantic_vad"},
            },
            "output": {"format": PCM, "speed": 1},
        },
    }


@pytest.mark.parametrize("key", ["noise_reduction", "transcription", "turn_detection"])
def test_none_switches_off_and_absence_leaves_the_default(key: str) -> None:
    """None is a value of its own, and no default may swallow it."""
    assert audio({"audio": {"input": {key: None}}}, "input")[key] is None
    assert audio({"audio": {"input": {}}}, "input") == default_payload(MODEL)["audio"]["input"]


@pytest.mark.parametrize(
    ("config", "side", "key", "value"),
    [
        ({"voice": "cedar"}, "output", "voice", "cedar"),
        ({"audio": {"output": {"voice": "cedar"}}}, "output", "voice", "cedar"),
        ({"voice": "ash", "audio": {"output": {"voice": "cedar"}}}, "output", "voice", "cedar"),
        ({"voice": "ash", "audio": {"output": {"voice": None}}}, "output", "voice", "ash"),
        ({"audio": {"output": {"speed": 1.5}}}, "output", "speed", 1.5),
        ({"speed": 1.5}, "output", "speed", 1.5),
        ({"audio": {"input": {"format": "g711_ulaw"}}}, "input", "format", {"type": "audio/pcmu"}),
        ({"audio": {"input": {"format": {"type": "x", "rate": 7}}}}, "input", "format", {"type": "x", "rate": 7}),
        ({"audio": {"output": {"format": None}}}, "output", "format", PCM),
        ({"input_audio_format": "g711_alaw"}, "input", "format", {"type": "audio/pcma"}),
        ({"output_audio_format": "g711_ulaw"}, "output", "format", {"type": "audio/pcmu"}),
        ({"output_audio_format": "g711_other"}, "output", "format", PCM),
        ({"output_audio_format": "audio/pcma"}, "output", "format", {"type": "audio/pcma"}),
        ({"input_audio_format": None}, "input", "format", PCM),
        ({"input_audio_format": ""}, "input", "format", PCM),
        ({"audio": {"input": {"format": {}}}}, "input", "format", {}),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": math.nan}}}}, "input", "format", PCM),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": math.inf}}}}, "input", "format", PCM),
        ({"input_audio_transcription": None}, "input", "transcription", None),
        ({"turn_detection": {"type": "server_vad"}}, "input", "turn_detection", {"type": "server_vad"}),
        ({"turn_detection": {}}, "input", "turn_detection", {"type": "semantic_vad"}),
        ({"input_audio_noise_reduction": {"type": "near_field"}}, "input", "noise_reduction", {"type": "near_field"}),
        # One deprecated key makes the nested audio of the same config count for nothing.
        ({"speed": 2, "audio": {"output": {"voice": "cedar"}}}, "output", "voice", None),
    ],
)
def test_a_wish_in_any_accepted_shape(config: dict[str, Any], side: str, key: str, value: Any) -> None:
    """The current nested shape and the deprecated flat one."""
    assert audio(config, side).get(key) == value


def test_modalities_in_both_shapes() -> None:
    """`modalities` is the deprecated name."""
    assert build_payload({"output_modalities": ["text"]}, MODEL)["output_modalities"] == ["text"]
    assert build_payload({"modalities": ["text"]}, MODEL)["output_modalities"] == ["text"]


@pytest.mark.parametrize("key", ["instructions", "tool_choice", "parallel_tool_calls"])
def test_plain_keys_go_out_only_when_they_are_given(key: str) -> None:
    """Also an empty or false one."""
    for value in ("", False, "x"):
        assert build_payload({key: value}, MODEL)[key] == value
    assert key not in build_payload({}, MODEL)


def test_provider_data_reaches_every_field_of_the_api() -> None:
    """It replaces whole keys, but never the prompt and the tools that were given."""
    tool = {"type": "function", "name": "f"}
    config = {
        "tools": [tool],
        "provider_data": {"max_output_tokens": 5, "tools": [], "output_modalities": ["text"], "tracing": None},
    }
    payload = build_payload(config, MODEL)

    assert payload["max_output_tokens"] == 5
    assert payload["output_modalities"] == ["text"]
    assert payload["tools"] == [tool]
    assert payload["tracing"] is None


@pytest.mark.parametrize(
    ("prompt", "written"),
    [
        (
            {"prompt_id": "p", "version": "2", "variables": {"a": "b"}},
            {"id": "p", "version": "2", "variables": {"a": "b"}},
        ),
        ({"id": "p"}, {"id": "p"}),
    ],
)
def test_a_prompt_is_named_by_prompt_id(prompt: dict[str, Any], written: dict[str, Any]) -> None:
    """The wire calls it id."""
    assert build_payload({"prompt": prompt}, MODEL)["prompt"] == written


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        ({"reasoning": {}}, "reasoning", {}),
        ({"reasoning": None}, "reasoning", "absent"),
        ({"tool_choice": None}, "tool_choice", "absent"),
        ({"tool_choice": ""}, "tool_choice", ""),
        ({"parallel_tool_calls": None}, "parallel_tool_calls", None),
        ({"instructions": None}, "instructions", None),
        ({"prompt": {}}, "prompt", {}),
        ({"prompt": {}, "provider_data": {"prompt": {"id": "p"}}}, "prompt", {}),
    ],
)
def test_which_empty_values_say_something(config: dict[str, Any], key: str, value: Any) -> None:
    """As in the reference: an empty object does, None only where it is the way to switch something off."""
    assert build_payload(config, MODEL).get(key, "absent") == value


def test_a_tool_keeps_only_what_the_api_accepts() -> None:
    """One stray key, and the API refuses the whole update."""
    tool = {"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": True, "invoke": 1}

    assert build_tool(tool) == {"type": "function", "name": "f", "description": "d", "parameters": {}}
    assert build_tool({"type": "mcp", "server_label": "s", "require_approval": "never", "x": 1}) == {
        "type": "mcp",
        "server_label": "s",
        "require_approval": "never",
    }


def test_a_tool_without_description_does_not_lose_the_list() -> None:
    """It goes out without one."""
    tools = [{"type": "function", "name": "f"}, {"type": "function", "name": "g", "description": None}]

    assert build_payload({"tools": tools}, MODEL)["tools"] == tools


def test_an_unknown_approval_is_refused_before_anything_is_remembered() -> None:
    """The API would refuse it with the whole update."""
    wanted = RequestedSession()
    with pytest.raises(UsageError, match="sometimes"):
        ask(wanted, {"voice": "ash", "tools": [{"type": "mcp", "require_approval": "sometimes"}]}, MODEL)

    assert wanted.requested == {}


@pytest.mark.parametrize(("value", "written"), [(None, None), ({}, None), ({"type": "x"}, {"type": "x"})])
def test_turn_detection_for_the_wire(value: Any, written: Any) -> None:
    """An empty one says nothing."""
    assert build_turn_detection(value) == written


def test_a_payload_is_the_callers_to_change() -> None:
    """Defaults are not shared between two payloads."""
    build_payload({}, MODEL)["audio"]["input"]["format"]["rate"] = 1

    assert audio({}, "input")["format"] == PCM


def test_merging_is_the_servers() -> None:
    """Nested audio key by key, everything else whole."""
    base = {"tools": [1], "audio": {"input": {"a": 1, "b": {"deep": 1}}, "output": {"voice": "ash"}}}
    merged = merge(base, {"tools": [], "audio": {"input": {"b": None, "c": 2}}})

    assert merged == {"tools": [], "audio": {"input": {"a": 1, "b": None, "c": 2}, "output": {"voice": "ash"}}}
    assert base["audio"] == {"input": {"a": 1, "b": {"deep": 1}}, "output": {"voice": "ash"}}


# -- what is remembered --------------------------------------------------------------------------


def test_an_update_that_could_not_be_sent_is_not_remembered() -> None:
    """Else a value that JSON cannot express would spoil every later update."""
    wanted = RequestedSession()
    wanted.plan({"instructions": object()}, MODEL)

    assert "instructions" not in ask(wanted, {"voice": "ash"}, MODEL)


def test_a_later_update_keeps_what_was_configured_before() -> None:
    """defaults < earlier < new."""
    wanted = RequestedSession()
    ask(wanted, {"voice": "cedar", "instructions": "be brief", "audio": {"input": {"turn_detection": None}}}, MODEL)

    payload = ask(wanted, {"instructions": "be long"}, MODEL)

    assert payload["instructions"] == "be long"
    assert payload["audio"]["output"] == {"format": PCM, "speed": 1, "voice": "cedar"}
    assert payload["audio"]["input"]["turn_detection"] is None


def test_an_empty_list_clears_the_tools_and_stays_cleared() -> None:
    """In the reference they cannot be removed."""
    wanted = RequestedSession()
    ask(wanted, {"tools": [{"type": "function", "name": "f"}]}, MODEL)

    assert ask(wanted, {"tools": []}, MODEL)["tools"] == []
    assert ask(wanted, {"voice": "ash"}, MODEL)["tools"] == []


def test_the_model_belongs_to_the_connection() -> None:
    """A config may name one for this update; later updates say the transport's again."""
    wanted = RequestedSession()

    assert ask(wanted, {"model": "other"}, MODEL)["model"] == "other"
    assert ask(wanted, {}, MODEL)["model"] == MODEL


def test_an_update_sent_by_hand_counts_as_configured() -> None:
    """Nothing that was set with send_event is undone by the next update; tracing travels alone."""
    wanted = RequestedSession()
    ask(wanted, {"voice": "ash"}, MODEL)
    wanted.merge_sent(
        {"type": "realtime", "tracing": "auto", "audio": {"output": {"voice": "cedar"}}, "truncation": "auto"}
    )

    payload = ask(wanted, {"instructions": "x"}, MODEL)

    assert payload["audio"]["output"]["voice"] == "cedar"
    assert payload["truncation"] == "auto"
    assert "tracing" not in payload


def test_the_newest_of_provider_data_and_an_update_by_hand_wins() -> None:
    """Whichever way a field was set last, that is what later updates say."""
    wanted = RequestedSession()
    ask(wanted, {"provider_data": {"truncation": "auto", "audio": {"output": {"voice": "ash", "speed": 2}}}}, MODEL)
    wanted.merge_sent({"truncation": "disabled", "audio": {"output": {"voice": "cedar"}}})

    payload = ask(wanted, {}, MODEL)

    assert payload["truncation"] == "disabled"
    assert payload["audio"]["output"]["voice"] == "cedar"
    assert payload["audio"]["output"]["speed"] == 2
    assert ask(wanted, {"provider_data": {"truncation": "auto"}}, MODEL)["truncation"] == "auto"


def test_a_structured_key_replaces_provider_data_of_an_earlier_call() -> None:
    """The newer wish counts."""
    wanted = RequestedSession()
    ask(wanted, {"provider_data": {"instructions": "old", "max_output_tokens": 7}}, MODEL)
    payload = ask(wanted, {"instructions": "new"}, MODEL)

    assert payload["instructions"] == "new"
    assert payload["max_output_tokens"] == 7


@pytest.mark.parametrize("odd", [None, 17, "text", []])
def test_an_odd_session_is_neither_folded_nor_confirmed(odd: object) -> None:
    """Raw events may hold anything."""
    wanted = RequestedSession()
    wanted.confirm({"audio": 17})
    wanted.merge_sent(odd)
    wanted.confirm(odd)

    assert wanted.requested == {}
    assert wanted.confirmed == {"audio": 17}
    assert value_at(wanted.confirmed, "audio.output.format") is None


def test_what_is_remembered_is_a_copy() -> None:
    """A caller who changes the config, or what was handed out, changes nothing here."""
    wanted, config = RequestedSession(), {"provider_data": {"tools": [{"name": "f"}]}, "instructions": "x"}
    kept = copy.deepcopy(ask(wanted, config, MODEL))
    config["provider_data"]["tools"].clear()  # type: ignore[index]
    wanted.requested["instructions"] = "changed"

    assert ask(wanted, {}, MODEL) == kept


def test_only_what_a_config_says_is_given() -> None:
    """Without defaults."""
    assert given_part({}) == {}
    assert given_part({"voice": "ash"}) == {"audio": {"output": {"voice": "ash"}}}


def test_what_is_taken_back_was_never_asked_for() -> None:
    """Whether it came by hand or as provider_data; what was not asked for cannot be taken back, and that is fine."""
    wanted = RequestedSession()
    ask(wanted, {"provider_data": {"colour": "red"}, "voice": "ash"}, MODEL)
    wanted.merge_sent({"type": "realtime", "audio": {"output": {"speed": 9}}})
    for path in ("colour", "audio.output.speed", "audio.input.nothing", "colour.of.money"):
        wanted.forget_setting(path)

    assert wanted.requested == {"audio": {"output": {"voice": "ash"}}}


def test_what_provider_data_hid_is_not_asked_for_later() -> None:
    """It replaced the whole key of its own config, so that the server never heard of the rest."""
    wanted = RequestedSession()
    ask(wanted, {"input_audio_noise_reduction": {"type": "near_field"}, "provider_data": {"audio": {}}}, MODEL)

    assert ask(wanted, {"voice": "ash"}, MODEL)["audio"]["input"]["noise_reduction"] is None
