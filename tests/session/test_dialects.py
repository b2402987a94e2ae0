"""What a server sent is shown once, whatever names and shapes carried it."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import ServerError
from rtcli.protocol.dialects import NAMES, Dialect, is_known
from rtcli.views import Level, Notice, SpeechDelta, SpeechDone
from tests.kit.events import CREATED, Event
from tests.kit.fake_server import Conversation, Script, fake_server, reply_to
from tests.kit.sessions import Live, ManualSpeaker, session_on

AT: Event = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
PCM = bytes(range(128, 256)) * 40
HEARD = "conversation.item.input_audio_transcription"


def event(kind: str, **fields: Any) -> Event:
    return {"type": kind, **AT, **fields}


def created(name: str = "r") -> Event:
    return {"type": "response.created", "response": {"id": name, "status": "in_progress", "output": []}}


def done(*output: Event, status: str | None = "completed", name: str = "r", **fields: Any) -> Event:
    return {"type": "response.done", "response": {"id": name, "status": status, "output": list(output), **fields}}


def message(text: str, kind: str = "output_text", item_id: str = "i") -> Event:
    field = "text" if "text" in kind else "transcript"
    return {"id": item_id, "type": "message", "role": "assistant", "content": [{"type": kind, field: text}]}


def answering(*frames: Event | str | bytes) -> Script:
    """A server that answers response.create with these frames, and confirms the rest."""

    async def play(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            said = await talk.receive()
            await talk.send(*(frames if said["type"] == "response.create" else reply_to(said)))

    return play


def texts(live: Live) -> list[str]:
    return [view.text for view in live.shown(SpeechDone) if view.role == "assistant"]


ANSWERS: dict[str, tuple[Event, ...]] = {
    "GA": (
        created(),
        event("response.output_text.delta", delta="Hel"),
        event("response.output_text.delta", delta="lo"),
        event("response.output_text.done", text="Hello"),
        {"type": "response.output_item.done", "response_id": "r", "item": message("Hello")},
        done(message("Hello")),
    ),
    "the beta's names, as text": (
        created(),
        event("response.text.delta", delta="Hello"),
        event("response.text.done", text="Hello"),
        done(message("Hello", "text")),
    ),
    "the beta's names, spoken": (
        created(),
        event("response.audio_transcript.delta", delta="Hello"),
        event("response.audio_transcript.done", transcript="Hello"),
        done(message("Hello", "audio")),
    ),
    "deltas and no done": (created(), event("response.text.delta", delta="Hello"), done()),
    "only done": (created(), event("response.text.done", text="Hello"), done()),
    "only the final part": (
        created(),
        event("response.content_part.done", part={"type": "text", "text": "Hello"}),
        done(),
    ),
    "only the final item": (
        created(),
        {"type": "response.output_item.done", "response_id": "r", "item": message("Hello")},
        done(),
    ),
    "only response.done": (created(), done(message("Hello"))),
    "only response.done, which was never created": (done(message("Hello", "audio")),),
    "the final item under another id": (
        created(),
        event("response.output_text.delta", delta="Hello"),
        done(message("Hello", item_id="another")),
    ),
    "deltas without ids": (
        created(),
        {"type": "response.text.delta", "delta": "Hello"},
        {"type": "response.text.done", "text": "Hello"},
        done(message("Hello")),
    ),
    "only an item of the conversation": (
        created(),
        {"type": "conversation.item.created", "previous_item_id": None, "item": message("Hello")},
        done(),
    ),
    "text for delta": (created(), event("response.text.delta", text="Hello"), done()),
    "both names at once": (
        created(),
        event("response.text.delta", delta="Hel"),
        event("response.output_text.delta", delta="Hel"),
        event("response.text.delta", delta="lo"),
        event("response.output_text.delta", delta="lo"),
        event("response.output_text.done", text="Hello"),
        event("response.text.done", text="Hello"),
        done(message("Hello")),
    ),
    "text in place of parts": (created(), done({"type": "message", "role": "assistant", "content": "Hello"})),
    "another name for the end": (
        created(),
        event("response.output_text.delta", delta="Hello"),
        {"type": "response.completed", "response": {"id": "r", "output": [message("Hello")]}},
    ),
    "two names for the end": (
        created(),
        done(message("Hello")),
        {"type": "response.completed", "response": {"id": "r", "output": [message("Hello")]}},
    ),
}


@pytest.mark.parametrize("frames", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_shown_once(frames: tuple[Event, ...]) -> None:
    """Whatever carries the text, it is told whole, once, and nothing else is said."""
    async with fake_server(answering(*frames)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.idle()

        assert texts(live) == ["Hello"]
        assert not [n for n in live.shown(Notice) if "cannot be shown" in n.what]


SPOKEN: dict[str, tuple[Event | bytes, ...]] = {
    "GA": (created(), event("response.output_audio.delta", delta="AAAAAAAA"), done()),
    "the beta's name": (created(), event("response.audio.delta", delta="AAAAAAAA"), done()),
    "audio for delta": (created(), event("response.output_audio.delta", audio="AAAAAAAA"), done()),
    "the beta's name, audio for delta": (created(), event("response.audio.delta", audio="AAAAAAAA"), done()),
    "binary frames": (created(), PCM, PCM, done()),
}


@pytest.mark.parametrize("frames", SPOKEN.values(), ids=SPOKEN)
async def test_audio_is_played_whatever_carries_it(frames: tuple[Event | bytes, ...]) -> None:
    """The speaker gets every byte, and the meter counts it."""
    speaker = ManualSpeaker()
    sent = sum(len(frame) if isinstance(frame, bytes) else 0 for frame in frames) or 6
    async with fake_server(answering(*frames)) as server, session_on(server.url, speaker=speaker) as live:
        live.session.talk.say("hi")
        await live.until(lambda: len(speaker.pcm) == sent)
        speaker.hear()
        await live.idle()

        assert not [n for n in live.notices if "not a valid event" in n or "cannot be shown" in n]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ({"type": "response.cancelled", "response_id": "r"}, "response r cancelled"),
        ({"type": "response.cancelled"}, "response r cancelled"),
        ({"type": "response.failed", "response": {"id": "r", "error": {"message": "no memory"}}}, "no memory"),
        ({"type": "response.failed", "response_id": "r", "error": "no memory"}, "no memory"),
        ({"type": "response.incomplete", "response_id": "r", "status_details": "length"}, "length"),
        (done(status="failed", status_details="no memory"), "failed: no memory"),
        (done(status="failed", status_details={"error": "no memory"}), "failed: no memory"),
        (done(status="incomplete", status_details={"reason": "length"}), "incomplete: length"),
    ],
)
async def test_an_end_of_any_name_and_shape_is_the_end_and_says_why(end: Event, told: str) -> None:
    """Nothing is waited for any longer, and what the server gave as its reason is shown once."""
    async with fake_server(answering(created(), end)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.idle()

        about = [f"{n.what}: {n.why}" for n in live.shown(Notice) if n.what.startswith("response r ")]
        assert len(about) == 1
        assert told in about[0]
        assert about[0].count("length") <= 1


@pytest.mark.parametrize("kind", ["response.error", "session.error"])
async def test_an_error_of_another_name_is_shown(kind: str) -> None:
    """With the server's words; the response that it is about need not begin."""
    said: Event = {"type": kind, "error": "the engine is cold"}
    async with fake_server(answering(said, created(), done())) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.idle()

        assert [n.why for n in live.shown(Notice) if n.level is Level.ERROR] == ["the engine is cold"]


async def test_what_a_message_holds_beside_text_and_audio_is_named() -> None:
    """An answer that cannot be shown is never silent."""
    picture: Event = {"type": "message", "role": "assistant", "content": [{"type": "output_image", "image_url": "x"}]}
    async with fake_server(answering(created(), done(picture))) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.idle()

        told = [n.why for n in live.shown(Notice) if n.what == "an answer came that cannot be shown"]
        assert told == ["unknown event types: response.done with output_image"]


async def test_unknown_events_are_named_when_an_answer_is_given_up() -> None:
    """They may have been the answer."""
    chunk: Event = {"type": "reply.chunk", "body": "x"}
    async with fake_server(answering(chunk, chunk)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.until(lambda: live.session.state.log.last("reply.chunk") is not None)
        live.session.talk.give_up()

        told = [n.why for n in live.shown(Notice) if n.what == "an answer came that cannot be shown"]
        assert told and "reply.chunk" in told[0]


@pytest.mark.parametrize("broken", [b"{broken", "{broken", "[1]", "hello", ""])
async def test_frames_that_are_nothing_are_told_once_and_counted(broken: str | bytes) -> None:
    """One line for the first, one with the number of the others when the answer is complete."""
    frames: tuple[Event | str | bytes, ...] = (
        created(),
        *[broken] * 500,
        event("response.output_text.done", text="Hello"),
        done(),
    )
    async with fake_server(answering(*frames)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.idle()

        told = [n.what for n in live.shown(Notice) if "valid event" in n.what]
        assert len(told) == 2
        assert told[1].startswith("499 more frames")


async def test_what_cannot_be_shown_is_named_once() -> None:
    """Nothing is said in silence: the line names the types, and does so once."""
    frames = (created(), *[event("response.novel.piece", piece="?")] * 3, {"type": "heartbeat"}, done())
    async with fake_server(answering(*frames)) as server, session_on(server.url) as live:
        for _ in range(2):
            live.session.talk.say("hi")
            await live.idle()

        (line,) = [n for n in live.shown(Notice) if "cannot be shown" in n.what]
        assert "response.novel.piece ×3" in line.why
        assert "heartbeat" not in line.why


@pytest.mark.parametrize("delta", [{"text": "Hello"}, 42, None])
async def test_text_that_is_wrapped_in_something_is_named(delta: Any) -> None:
    """It cannot be shown under a name that is known, either."""
    frames = (created(), {**event("response.output_text.delta"), "delta": delta}, done())
    async with fake_server(answering(*frames)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.idle()

        (line,) = [n for n in live.shown(Notice) if "cannot be shown" in n.what]
        assert "response.output_text.delta without text" in line.why


@pytest.mark.parametrize("ending", ["updated", "result"])
async def test_cumulative_transcripts_are_shown_as_they_grow(ending: str) -> None:
    """What is repeated is not shown twice."""
    pieces = [
        {"type": f"{HEARD}.{ending}", "item_id": "u", "transcript": text} for text in ("what", "what is", "what is it")
    ]
    whole = {"type": f"{HEARD}.completed", "item_id": "u", "content_index": 0, "transcript": "what is it"}
    script = answering(*pieces, whole, created(), done(message("Hello")))
    async with fake_server(script) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.until(lambda: texts(live) == ["Hello"])

        shown = [view for view in live.shown(SpeechDone) if view.role == "user"]
        assert [view.text for view in shown] == ["what is it"]
        assert "".join(v.delta for v in live.shown(SpeechDelta) if v.role == "user") == "what is it"


@pytest.mark.parametrize("more", [(), (done(status="cancelled"),)], ids=["alone", "and response.done"])
async def test_response_cancelled_ends_a_response_once(more: tuple[Event, ...]) -> None:
    """The answer is over, whether or not response.done follows."""
    cancelled = {"type": "response.cancelled", "response_id": "r"}
    frames = (created(), event("response.text.delta", delta="Hel"), cancelled)
    async with fake_server(answering(*frames, *more)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.until(lambda: texts(live) == ["Hel"])
        await live.until(lambda: not live.session.transport.responding)

        assert len([n for n in live.shown(Notice) if "cancelled" in n.what]) == 1


@pytest.mark.parametrize(
    "frames",
    [
        (
            {"type": "response.function_call_arguments.done", **AT, "call_id": "c", "name": "f", "arguments": "{}"},
            done(),
        ),
        (done({"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}),),
    ],
    ids=["only arguments", "only response.done"],
)
async def test_a_call_that_only_the_end_tells_of_is_answered(frames: tuple[Event, ...]) -> None:
    """It is called once."""
    async with fake_server(answering(created(), *frames)) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.until(lambda: live.sent().count("response.create") == 2)

        outputs = [e for e in live.events("conversation.item.create") if "call_id" in e["item"]]
        assert [e["item"]["call_id"] for e in outputs] == ["c"]


@pytest.mark.parametrize("way", ["item", "arguments", "end"])
async def test_arguments_that_are_an_object_are_not_lost(way: str) -> None:
    """Where GA has their JSON text."""
    call = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": {"x": 1}}
    ways: dict[str, tuple[Event, ...]] = {
        "item": ({"type": "response.output_item.done", "response_id": "r", "output_index": 0, "item": call}, done()),
        "arguments": ({**call, **AT, "type": "response.function_call_arguments.done"}, done()),
        "end": (done(call),),
    }
    async with fake_server(answering(created(), *ways[way])) as server, session_on(server.url) as live:
        called: list[str] = []
        live.session.transport.on("function_call", lambda made: called.append(made.arguments))
        live.session.talk.say("hi")
        await live.until(lambda: called == ['{"x":1}'])


async def test_the_history_is_filled_by_the_betas_name() -> None:
    """conversation.item.created alone puts an item into it."""

    async def play(talk: Conversation) -> None:
        await talk.send(CREATED, *reply_to(await talk.receive()))
        said = await talk.receive()
        await talk.send({"type": "conversation.item.created", "item": {"id": "u", **said["item"]}})
        await talk.receive_all()

    async with fake_server(play) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        await live.until(lambda: [item.item_id for item in live.session.state.history] == ["u"])


async def test_a_flat_session_is_read() -> None:
    """Where voice and formats stand at the top, as in the beta, they count."""
    flat = {"id": "s", "modalities": ["text", "audio"], "voice": "Ara", "output_audio_format": "g711_ulaw"}

    async def play(talk: Conversation) -> None:
        await talk.send({"type": "session.created", "session": flat})
        await talk.receive()
        await talk.send({"type": "session.updated", "session": flat})
        await talk.receive_all()

    async with fake_server(play) as server, session_on(server.url) as live:
        session = live.session.settings.confirmed
        assert session["audio"]["output"]["voice"] == "Ara"
        assert live.session.state.audio.output_format.rate == 8000
        (raw, *_) = live.events("session.created")
        assert raw["session"] == flat  # what is shown raw is what came


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"type": "error", "error": "out of memory", "code": "engine"}, "engine", "out of memory"),
        ({"type": "error", "message": "no such model"}, "error", "no such model"),
        ({"type": "error", "error": {"detail": "too long", "code": "c"}}, "c", "too long"),
    ],
    ids=["text", "message", "detail"],
)
async def test_errors_in_other_shapes_are_shown(error: Event, code: str, message: str) -> None:
    """The server's own words, wherever they stand."""
    async with fake_server(answering(created(), error, done())) as server, session_on(server.url) as live:
        live.session.talk.say("hi")
        notice = (await live.until(lambda: [n for n in live.shown(Notice) if n.why == message]))[0]

    assert notice.what.startswith(code)
    assert ServerError(error).why == message


def test_ga_events_are_left_as_they_are() -> None:
    """What GA servers say costs no copy."""
    dialect = Dialect()
    for frame in ANSWERS["GA"]:
        assert dialect.read(frame) is None


def test_every_name_leads_to_a_known_event() -> None:
    """No row leads to a name that nothing reads."""
    assert all(is_known(name) for name in (*NAMES, *NAMES.values()))


def test_binary_audio_belongs_to_the_item_that_any_content_named() -> None:
    """Also where no event has announced the item."""
    dialect = Dialect()
    dialect.read(created())
    assert dialect.read(event("response.output_audio_transcript.delta", item_id="spoken", delta="Hel")) is None

    (delta,) = dialect.read_binary(PCM) or ()
    assert (delta["response_id"], delta["item_id"]) == ("r", "spoken")
