"""Each rule finds the session that was made for it, says where, and lets its neighbour pass."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

import pytest

from rtcli.lint import RULES, Finding, Linter
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import Connected, Connection, Heard, Record
from rtcli.testing import audio_response, call_response
from tests.kit.events import CREATED, audio_delta, error, item_events, response_event, text_response

Step = tuple[str, Any] | tuple[str, Any, float] | Record

SECOND = bytes(48_000)


def judged(*steps: Step, created: bool = True) -> list[Finding]:
    """What the linter finds in a session; a step is a direction, an event and its time, or another record."""
    frames, linter = FrameMaker(), Linter()
    for step in (("<", CREATED), *steps) if created else steps:
        if not isinstance(step, tuple):
            linter.observe(step)
            continue
        way, event, at = (*step, 0.0)[:3]
        if way == "<":
            problem = "" if event is not None else "not JSON"
            frame = copy_context().run(frames.received, event, "", at, problem=problem)
        else:
            frame = copy_context().run(frames.sent, event, "", at)
        linter.observe(frame)
    return linter.finish()


def found(*steps: Step, created: bool = True) -> list[str]:
    return [finding.rule.id for finding in judged(*steps, created=created)]


def sent(kind: str, at: float = 0.0, **fields: Any) -> Step:
    return (">", {"type": kind, **fields}, at)


def update(**session: Any) -> Step:
    return sent("session.update", session={"type": "realtime", **session})


def session(**fields: Any) -> Step:
    return ("<", {"type": "session.updated", "session": {"type": "realtime", **fields}})


def append(pcm: bytes, at: float = 0.0) -> Step:
    return sent("input_audio_buffer.append", at, audio=encode_base64(pcm))


def create(at: float = 0.0, **item: Any) -> Step:
    return sent("conversation.item.create", at, item=item)


def received(*events: dict[str, Any]) -> list[Step]:
    return [("<", event) for event in events]


def spoken(pcm: bytes = SECOND, at: float = 0.0) -> list[Step]:
    item = {"id": "item_a", "type": "message", "role": "assistant", "content": []}
    return [
        ("<", response_event("created"), at),
        *((way, event, at) for way, event in received(*item_events(item))),  # type: ignore[misc]
        ("<", audio_delta(pcm), at),
    ]


def call(call_id: str = "call_1", response_id: str = "resp_1") -> Step:
    item = {"id": f"item_{call_id}", "type": "function_call", "status": "completed", "name": "add", "call_id": call_id}
    return ("<", {"type": "response.output_item.done", "response_id": response_id, "output_index": 0, "item": item})


def output(call_id: str = "call_1") -> Step:
    return create(type="function_call_output", call_id=call_id, output="3")


DONE: Step = ("<", response_event("done", status="completed"))
CANCELLED: Step = ("<", response_event("done", status="cancelled"))
RESPONSE: Step = ("<", response_event("created"))
NEXT: list[Step] = [("<", response_event("created", "resp_2")), ("<", response_event("done", "resp_2"))]
WITH_DETECTION = session(audio={"input": {"turn_detection": {"type": "server_vad"}}})
FLOWING = [append(bytes(9_600), 0.1 * number) for number in range(60)]  # 48 kHz, a tenth of a second each
TEXT = text_response("resp_1", "hello")
SPEECH_STARTED = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "item_u"}

BROKEN: dict[str, list[Step]] = {
    "unknown-event": [sent("response.creat")],
    "beta-event": [sent("transcription_session.update", session={})],
    "beta-field": [update(voice="marin")],
    "missing-field": [sent("conversation.item.delete")],
    "unknown-field": [sent("response.cancel", reason="tired")],
    "session-type": [sent("session.update", session={"instructions": "x"})],
    "event-id-repeated": [sent("input_audio_buffer.clear", event_id="a"), sent("response.cancel", event_id="a")],
    "event-id-missing": [sent("input_audio_buffer.commit"), *received(error("input_audio_buffer_commit_empty", "no"))],
    "refused": received(error("x", "no", None)),
    "response-failed": [RESPONSE, ("<", response_event("done", status="failed", status_details={"reason": "x"}))],
    "unknown-server-event": received({"type": "response.brand_new"}),
    "unanswered-request": [sent("conversation.item.retrieve", item_id="item_a")],
    "not-an-event": [("<", None)],
    "voice-fixed": [
        session(audio={"output": {"voice": "marin"}}), *spoken(), update(audio={"output": {"voice": "cedar"}}),
    ],
    "shutdown": [session(model="gpt-realtime")],
    "commit-too-short": [append(bytes(480)), sent("input_audio_buffer.commit")],
    "commit-with-detection": [WITH_DETECTION, sent("input_audio_buffer.commit")],
    "append-too-large": [sent("input_audio_buffer.append", audio="A" * (21 * 2**20))],
    "audio-not-base64": [sent("input_audio_buffer.append", audio="***")],
    "audio-is-a-file": [append(b"RIFF" + bytes(96))],
    "audio-odd-bytes": [append(bytes(481))],
    "audio-format": FLOWING,
    "unknown-item": [sent("conversation.item.delete", item_id="item_x")],
    "item-order": [sent("conversation.item.create", previous_item_id="item_x", item={"type": "message"})],
    "item-repeated": [create(id="item_u", type="message"), create(id="item_u", type="message")],
    "id-too-long": [create(id="i" * 33, type="message")],
    "assistant-audio": [create(type="message", role="assistant", content=[{"type": "output_audio", "audio": "AA=="}])],
    "image-address": [create(type="message", content=[{"type": "input_image", "image_url": "https://host/cat.png"}])],
    "truncate-position": [
        *spoken(), sent("conversation.item.truncate", item_id="item_a", content_index=0, audio_end_ms=10.5),
    ],
    "truncate-beyond-received": [
        *spoken(), sent("conversation.item.truncate", item_id="item_a", content_index=0, audio_end_ms=1500),
    ],
    "truncate-beyond-heard": [
        *spoken(),
        Heard(1.0, "item_a", 0, 300),
        sent("conversation.item.truncate", 1.1, item_id="item_a", content_index=0, audio_end_ms=900),
    ],
    "create-while-active": [RESPONSE, sent("response.create")],
    "cancel-without-response": [RESPONSE, DONE, sent("response.cancel")],
    "response-not-ended": [RESPONSE, ("<", response_event("created", "resp_2"))],
    "delta-after-done": [*received(*TEXT[:6]), ("<", TEXT[4])],
    "text-differs": [*received(*TEXT[:5]), ("<", {**TEXT[5], "text": "hallo"})],
    "missing-interruption": [*spoken(), ("<", SPEECH_STARTED, 0.2), DONE, *NEXT],
    "output-without-call": [output("call_9")],
    "output-repeated": [RESPONSE, call(), DONE, output(), output()],
    "output-after-cancel": [RESPONSE, call(), CANCELLED, output(), *NEXT],
    "call-unanswered": [RESPONSE, call(), DONE],
    "silent-after-output": [RESPONSE, call(), DONE, output()],
}  # fmt: skip

RIGHT: dict[str, list[Step]] = {
    "unknown-event": [sent("response.create")],
    "beta-event": [sent("session.update", session={"type": "transcription"})],
    "beta-field": [update(audio={"output": {"voice": "marin"}}), sent("response.create", response={"metadata": {}})],
    "missing-field": [sent("input_audio_buffer.clear")],
    "unknown-field": [sent("response.cancel", response_id="resp_1", event_id="a")],
    "session-type": [update(instructions="x")],
    "event-id-repeated": [sent("response.create", event_id="a"), sent("response.cancel", event_id="b")],
    "event-id-missing": [sent("input_audio_buffer.commit", event_id="a"), *received(error("x", "no", "a"))],
    "response-failed": [RESPONSE, CANCELLED],
    "unknown-server-event": received({"type": "response.text.delta", "delta": "x", "item_id": "i", "response_id": "r"}),
    "unanswered-request": [sent("input_audio_buffer.clear"), *received({"type": "input_audio_buffer.cleared"})],
    "voice-fixed": [
        session(audio={"output": {"voice": "marin"}}), update(audio={"output": {"voice": "cedar"}}), *spoken(),
        update(audio={"output": {"voice": "marin"}}),
    ],
    "shutdown": [session(model="gpt-realtime-2.1")],
    "commit-too-short": [append(bytes(4_800)), sent("input_audio_buffer.commit")],
    "commit-with-detection": [WITH_DETECTION, append(bytes(4_800)), sent("input_audio_buffer.commit")],
    "append-too-large": [append(bytes(480))],
    "audio-not-base64": [append(bytes(480))],
    "audio-is-a-file": [append(b"RI" * 100)],
    "audio-odd-bytes": [session(audio={"input": {"format": {"type": "audio/pcmu"}}}), append(bytes(481))],
    "audio-format": [
        session(audio={"input": {"format": {"type": "audio/pcm", "rate": 48_000}}}), *FLOWING,
    ],
    "unknown-item": [*received(*item_events({"id": "item_x"})), sent("conversation.item.delete", item_id="item_x")],
    "item-order": [create(id="item_u"), sent("conversation.item.create", previous_item_id="item_u", item={})],
    "item-repeated": [
        create(id="item_u", type="message"), sent("conversation.item.delete", item_id="item_u"),
        *received({"type": "conversation.item.deleted", "item_id": "item_u"}), create(id="item_u", type="message"),
    ],
    "id-too-long": [create(id="i" * 32, type="message")],
    "assistant-audio": [create(type="message", role="user", content=[{"type": "input_audio", "audio": "AA=="}])],
    "image-address": [create(type="message", content=[{"type": "input_image", "image_url": "data:image/png,x"}])],
    "truncate-position": [
        *spoken(), sent("conversation.item.truncate", item_id="item_a", content_index=0, audio_end_ms=0),
    ],
    "truncate-beyond-received": [
        *spoken(), sent("conversation.item.truncate", item_id="item_a", content_index=0, audio_end_ms=1000),
    ],
    "truncate-beyond-heard": [
        *spoken(),
        Heard(1.0, "item_a", 0, 300),
        sent("conversation.item.truncate", 1.1, item_id="item_a", content_index=0, audio_end_ms=400),
    ],
    "create-while-active": [
        RESPONSE, sent("response.create", response={"conversation": "none"}), sent("response.cancel"),
        sent("response.create"),
    ],
    "cancel-without-response": [sent("response.create"), sent("response.cancel")],
    "response-not-ended": [RESPONSE, ("<", response_event("created", "resp_2", conversation_id=None))],
    "delta-after-done": received(*TEXT),
    "text-differs": received(*TEXT),
    "missing-interruption": [
        *spoken(), ("<", SPEECH_STARTED, 0.2),
        sent("conversation.item.truncate", 0.3, item_id="item_a", content_index=0, audio_end_ms=200), DONE, *NEXT,
    ],
    "output-without-call": [RESPONSE, call(), DONE, output()],
    "output-repeated": [RESPONSE, call(), DONE, output()],
    "output-after-cancel": [RESPONSE, call(), DONE, output(), *NEXT],
    "call-unanswered": [RESPONSE, call(), CANCELLED],
    "silent-after-output": [RESPONSE, call(), DONE, output(), *NEXT],
}  # fmt: skip


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_finds_the_session_made_for_it(rule: str) -> None:
    assert rule in found(*BROKEN[rule])


@pytest.mark.parametrize("rule", RIGHT)
def test_what_is_right_is_not_found(rule: str) -> None:
    """The nearest session that is as it should be."""
    assert rule not in found(*RIGHT[rule])


def test_every_rule_has_a_sentence_and_an_id_of_its_own() -> None:
    """The page of the rules is made of these."""
    assert len({rule.id for rule in RULES}) == len(RULES) >= 20
    for rule in RULES:
        assert rule.sentence.endswith("."), rule.id
        assert rule.prevents and not rule.prevents.endswith("."), rule.id


def test_a_finding_names_its_event() -> None:
    """The number is what /show and /why take."""
    (finding,) = judged(("<", response_event("created")), ("<", None), DONE)

    assert (finding.number, finding.text) == (3, "received: not JSON")


def test_a_session_that_was_joined_is_not_blamed_for_what_came_before() -> None:
    """Without its beginning nobody knows which items it holds, and which calls were made."""
    steps = (sent("conversation.item.delete", item_id="item_x"), output("call_9"), sent("response.cancel"))

    assert not {"unknown-item", "output-without-call", "cancel-without-response"} & set(found(*steps, created=False))


def test_the_words_of_a_spoken_answer_are_compared_as_well() -> None:
    """Its audio ends before its transcript does, and belongs to the same part."""
    spoken_answer = [event for event in audio_response(SECOND, "hello there") if event["type"] != "response.done"]
    odd = [{**one, "transcript": "good bye"} if "transcript.done" in one["type"] else one for one in spoken_answer]

    assert "text-differs" not in found(*received(*spoken_answer))
    assert "text-differs" in found(*received(*odd))


@pytest.mark.parametrize(
    ("status", "steps", "expected"),
    [
        ("cancelled", [], []),
        ("cancelled", [output("call_w"), *NEXT], ["output-after-cancel"]),
        ("completed", [], ["call-unanswered"]),
        ("completed", [output("call_w"), *NEXT], []),
    ],
)
def test_a_call_belongs_to_its_response_whichever_event_tells_of_it_first(
    status: str, steps: list[Step], expected: list[str]
) -> None:
    """The conversation's events come before those of the response, and do not name it."""
    response = call_response("add", {"a": 1}, call_id="call_w")
    response[-1]["response"]["status"] = status
    told = [event["type"] for event in response]
    assert told.index("conversation.item.done") < told.index("response.output_item.done")

    rules = {"call-unanswered", "output-after-cancel", "output-without-call"}
    assert [rule for rule in found(*received(*response), *steps) if rule in rules] == expected


def test_another_connection_begins_anew() -> None:
    """Ids of the last one mean nothing; what it did not answer is told."""
    lost = Connection(1.0, Connected.LOST, code=1006)
    steps = (create(id="item_u", type="message"), lost, ("<", CREATED), create(id="item_u", type="message"))

    assert "item-repeated" not in found(*steps)
    assert found(*steps).count("unanswered-request") == 2


@pytest.mark.parametrize(
    ("event", "at"),
    [
        ({"type": "response.create", "response": 7}, 0.0),
        ({"type": "conversation.item.create", "item": [1]}, 0.0),
        ({"type": "conversation.item.truncate", "item_id": 7, "content_index": "x", "audio_end_ms": "y"}, 0.0),
        ({"type": "session.update", "session": {"audio": 3}}, 0.0),
        ({"type": "input_audio_buffer.append", "audio": 5}, 0.0),
        ({"type": 7}, 0.0),
    ],
)
@pytest.mark.parametrize("way", [">", "<"])
def test_odd_events_are_judged_and_break_nothing(way: str, event: dict[str, Any], at: float) -> None:
    """Whatever a program sends: the session after it is looked at as well."""
    assert "not-an-event" in found((way, event, at), ("<", None, at))


def test_findings_of_one_rule_are_bounded() -> None:
    """A broken program breaks the same rule a million times: the first fifty are kept, the rest counted."""
    linter, frames = Linter(), FrameMaker()
    for _ in range(70):
        linter.observe(frames.sent({"type": "nonsense"}, "", 0.0))

    assert len([one for one in linter.findings if one.rule.id == "unknown-event"]) == 50
    assert linter.more["unknown-event"] == 20


def test_a_session_is_judged_by_its_own_protocol() -> None:
    """What is right in a translation or in GPT-Live is unknown, or lacks a type, in a conversation."""
    live = (
        sent("session.start", session={"model": "gpt-live-1"}),
        ("<", {"type": "session.started", "session": {"id": "live_1"}}, 0.0),
        sent("session.thinking.append", content="x", delegation_id=None),
        sent("session.update", session={"triggers": []}),
    )
    translation = (
        ("<", {"type": "session.created", "session": {"id": "s", "type": "translation"}}, 0.0),
        sent("session.update", session={"audio": {"output": {"language": "de"}}}),
        sent("session.input_audio_buffer.append", audio=""),
        ("<", {"type": "session.output_transcript.delta", "delta": " x", "elapsed_ms": 1}, 0.0),
    )
    kinds = {"unknown-event", "unknown-field", "missing-field", "session-type", "unknown-server-event"}

    assert not kinds & {*found(*live, created=False), *found(*translation, created=False)}
    assert "unknown-event" in found(*live, sent("input_audio_buffer.commit"), created=False)
    assert "unknown-event" in found(*translation, sent("response.create"), created=False)
    assert kinds & {*found(*live[2:])}
