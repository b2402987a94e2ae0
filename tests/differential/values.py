"""Small values that scenarios are made of: the usual ones, and now and then an odd one."""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

Values: TypeAlias = st.SearchStrategy[Any]

UNDEFINED = {"$undefined": True}
NUMBERS_APART = [{"$number": name} for name in ("NaN", "Infinity", "-Infinity")]


def one(*values: Any) -> Values:
    """One of these values."""
    return st.sampled_from(values)


def rarely(odd: Values, usual: Values, share: int = 10) -> Values:
    """An odd value once in `share` times."""
    return st.integers(1, share).flatmap(lambda number: odd if number == share else usual)


def mapping(required: dict[str, Values], optional: dict[str, Values] | None = None) -> Values:
    """An object with all required fields and some of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional or {})


def few(values: Values, most: int = 3) -> Values:
    """A list of up to `most` values."""
    return st.lists(values, max_size=most)


ODD = one(None, "", 0, -1, 1.5, True, False, [], {}, "odd", 2**40, [None], {"a": None})
TEXT = rarely(one("", " ", "ä😀", "a\nb", '"'), one("hello", "yes", "a longer text"))
MAYBE_TEXT = rarely(one(None, "", UNDEFINED), TEXT, 4)
FLAG = st.booleans()

ITEM_ID = rarely(one(""), one("u1", "a1", "a2", "f1", "m1", "m2"), 24)
RESPONSE_ID = rarely(one(""), one("r1", "r2", "r3"), 30)
CALL_ID = rarely(one(""), one("c1", "c2"), 20)
INDEX = rarely(one(0.0, 7), one(0, 0, 0, 1))
MODEL = one("gpt-realtime-2.1", "gpt-realtime-2", "m")

PLAIN_OBJECT = one({}, {"a": 1}, {"a": {"b": [1, None]}, "camelCase": "x"})
VOICE = one("marin", "", "alloy", {"id": "voice_1"}, None)
SPEED = one(1, 1.5, 0, 0.25, None, "fast", *NUMBERS_APART)
FORMAT = st.one_of(
    one({"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}, {"type": "audio/pcma"}, "pcm16", "g711_ulaw"),
    one("g711_alaw", "opus", "", None, UNDEFINED, {}, {"type": "audio/pcm"}, {"type": "audio/opus"}, {"rate": 8000}),
    one({"type": "audio/pcmu", "rate": 8000, "extra": None}, {"type": "audio/pcm", "rate": 16000}, 0, 5, True),
    one("audio/pcmu", "audio/pcma", "audio/pcm", "g711_other", {"type": "g711_ulaw"}),
    one(*({"type": "audio/pcm", "rate": rate} for rate in (*NUMBERS_APART, None, 0, "24000", 44100.5))),
)
# As the server names formats, which is JSON.
WIRE_FORMAT = st.one_of(
    one({"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}, {"type": "audio/pcma"}, None),
    one({"type": "audio/pcm"}, {"type": "audio/pcm", "rate": 16000}, {"type": "audio/pcm", "rate": None}, "pcm16"),
    one(
        "g711_ulaw", "g711_alaw", "g711_other", "opus", "", {}, {"type": "audio/opus"}, {"rate": 8000}, 5, "audio/pcmu"
    ),
    one({"type": "audio/pcmu", "rate": 16000}, {"type": "audio/opus", "rate": 48000}, [], False),
    one({"type": "g711_ulaw"}, {"type": "pcm16"}, "audio/pcma", "audio/pcm"),
)
