"""`--set`: values in the place of others, in every combination."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.scenario.matrix import parse_setting, variants

DOCUMENT = {
    "timeout": "5s",
    "session": {"audio": {"output": {"voice": "marin"}}},
    "steps": [{"say": "a"}, {"say": "b"}],
}


def test_every_combination_is_a_variant() -> None:
    """Named after what is set; the document itself stays as it was."""
    before = str(DOCUMENT)
    made = dict(variants(DOCUMENT, [parse_setting("timeout=1,2"), parse_setting("steps.1.say=c,d e")]))

    assert list(made) == ["timeout=1, say=c", "timeout=1, say=d e", "timeout=2, say=c", "timeout=2, say=d e"]
    assert made["timeout=2, say=d e"] == {**DOCUMENT, "timeout": 2, "steps": [{"say": "a"}, {"say": "d e"}]}
    assert str(DOCUMENT) == before
    assert list(variants(DOCUMENT, [])) == [("", DOCUMENT)]


def test_a_variant_is_named_as_long_as_it_takes_to_tell_its_settings_apart() -> None:
    """Two steps that are both `say`, and an entry of a list, which has no name of its own."""
    settings = ["steps.0.say=x", "steps.1.say=y", "output_modalities.0=text", "audio.output.speed=2", "timeout=9"]
    document = {**DOCUMENT, "session": {"output_modalities": ["audio"]}}
    ((name, _),) = variants(document, [parse_setting(setting) for setting in settings])

    assert name == "steps.0.say=x, steps.1.say=y, output_modalities.0=text, speed=2, timeout=9"


@pytest.mark.parametrize(
    ("setting", "session"),
    [
        ("audio.output.voice=cedar", {"audio": {"output": {"voice": "cedar"}}}),
        ("session.audio.output.speed=1.5", {"audio": {"output": {"voice": "marin", "speed": 1.5}}}),
        (
            "turn_detection.silence_duration_ms=200",
            {
                "audio": {
                    "output": {"voice": "marin"},
                    "input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}},
                }
            },
        ),
        (
            "audio.input.turn_detection.eagerness=low",
            {
                "audio": {
                    "output": {"voice": "marin"},
                    "input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
                }
            },
        ),
        (
            "turn_detection=null",
            {"audio": {"output": {"voice": "marin"}, "input": {"turn_detection": None}}},
        ),
    ],
)
def test_a_path_that_is_no_key_of_a_scenario_leads_into_the_session(setting: str, session: object) -> None:
    """Where settings are looked for; turn detection that was not set is of the kind that has the field."""
    ((_, changed),) = variants(DOCUMENT, [parse_setting(setting)])

    assert changed["session"] == session


def test_values_are_yaml() -> None:
    """Numbers, words, null, and objects with commas of their own."""
    setting = parse_setting('turn_detection=null,{type: server_vad, threshold: 0.3},"a,b",no')

    assert setting.values == [None, {"type": "server_vad", "threshold": 0.3}, "a,b", "no"]


@pytest.mark.parametrize("text", ["", "a", "=1", "a..b=1", "a=", "a=[", "timeout"])
def test_what_is_not_a_setting_is_refused(text: str) -> None:
    """With what it should look like."""
    with pytest.raises(UsageError, match="--set"):
        parse_setting(text)


@pytest.mark.parametrize("text", ["steps.7.say=a", "steps.x.say=a", "steps.0.say.x=1"])
def test_a_path_that_leads_nowhere_is_refused(text: str) -> None:
    """Lists have positions, and a value has no fields."""
    with pytest.raises(UsageError, match=r"--set|is not"):
        list(variants(DOCUMENT, [parse_setting(text)]))
