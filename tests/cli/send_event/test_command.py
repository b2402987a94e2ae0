"""`rtcli send-event`, the whole program against real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.kit.events import CREATED, Event, error, text_response
from tests.kit.fake_server import Conversation, Step, answers, fake_server, greets, reply_to, steps
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE

ITEM = {
    "type": "conversation.item.create",
    "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
}
CREATE = {"type": "response.create"}


def ndjson(*events: object) -> str:
    return "".join(f"{json.dumps(event)}\n" for event in events)


async def test_exactly_the_events_are_sent_and_nothing_else() -> None:
    """No session.update of ours, no event_id added, in the order of the file."""
    async with fake_server(answers) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=ndjson(ITEM, CREATE))

    assert ended.code == 0, ended.err
    assert server.received == [ITEM, CREATE]


ODD_EVENTS = [
    '{"type":"my.event","dup":1,"dup":2}',
    '{"type": "my.event", "f": 0.12345678901234567890, "exp": 1E3, "neg": -0, "i": 12345678901234567890123}',
    '{"z" : 1,\t"type":"my.event","esc":"\\u00e9\\/ \u00e9 \\ud800"}',
]


async def test_the_text_of_an_event_is_on_the_wire_as_it_stands() -> None:
    """Duplicate keys, digits, white space, order and escapes; and what --both wrote of it can be sent again."""
    text = "".join(f"{event}\n" for event in ODD_EVENTS)
    for _ in range(2):
        ended = await rtcli("send-event", "-", "--local", "--both", text=text)
        sent = [line.partition(',"event":')[2][:-1] for line in ended.out.splitlines() if '"dir":">"' in line]
        assert sent == ODD_EVENTS
        text = ended.out


async def test_output_is_the_servers_events_one_a_line_until_the_last_answer() -> None:
    """The first line is session.created, the last one the answer to what was sent last."""
    async with fake_server(answers) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=ndjson(ITEM, CREATE))

    assert ended.events[0] == CREATED
    assert ended.types[1:3] == ["conversation.item.added", "conversation.item.done"]
    assert ended.types[-1] == "response.done"
    assert ended.err == ""


@pytest.mark.parametrize("command", [("send-event", "-", "--until", "conversation.item.done"), ("chat", "--json")])
async def test_a_line_is_the_servers_own_text(command: tuple[str, ...]) -> None:
    """Byte by byte: white space, order and escapes are the server's, in a pipe even characters of control."""
    frame = '{"type": "odd.one",  "b": 1.50, "a": "\\u00e4 ä \u009b"}'

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED, frame)
        while True:
            await talk.send(*reply_to(await talk.receive()))

    async with fake_server(script) as server:
        text = "hi\n" if command[0] == "chat" else ndjson(ITEM)
        ended = await rtcli(*command, "--url", server.url, text=text)

    assert ended.code == 0, ended.err
    assert frame in ended.out.split("\n")


async def test_a_file_in_any_of_its_forms(tmp_path: Path) -> None:
    """An array in a file."""
    (tmp_path / "events.json").write_text(json.dumps([ITEM, CREATE], indent=2))
    async with fake_server(answers) as server:
        ended = await rtcli("send-event", str(tmp_path / "events.json"), "--url", server.url)

    assert (ended.code, server.received) == (0, [ITEM, CREATE])


async def test_against_the_built_in_server() -> None:
    """No key, no network: a user message is answered."""
    ended = await rtcli("send-event", "-", "--local", text=ndjson(ITEM, {**CREATE, "response": TEXT}))

    assert ended.code == 0, ended.err
    assert ended.events[-1]["response"]["status"] == "completed"


TEXT = {"output_modalities": ["text"]}


async def test_an_unknown_type_is_warned_about_and_sent() -> None:
    """The server has the last word; its error with the event's id is the answer, and code 4."""

    def refusal(event: Event) -> list[Event]:
        return [error("invalid_value", "Invalid value", event["event_id"])]

    async with fake_server(steps(Step("response.crate", refusal))) as server:
        ended = await rtcli(
            "send-event", "-", "--url", server.url, text=ndjson({"type": "response.crate", "event_id": "e1"})
        )

    assert "did you mean 'response.create'?" in ended.err
    assert "Invalid value" in ended.err
    assert server.types == ["response.crate"]
    assert ended.code == 4


@pytest.mark.parametrize(
    ("text", "place"),
    [("{", "-:1:"), ('{"type": "a"}\n{"typ": "b"}\n', "-:2:1"), ("", "-"), ("[1]", "-:1:2"), (b"\xff", "-:1")],
)
async def test_everything_is_checked_before_anything_is_dialled(text: str | bytes, place: str) -> None:
    """Exit 2 with file, line and column, and no connection."""
    async with fake_server(answers) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=text)

    one_clear_line(ended, 2, place)
    assert server.paths == []


async def test_an_error_without_event_id_ends_the_wait_too() -> None:
    """The server names the event only if it had an id."""
    refusal = error("missing_required_parameter", "Missing required parameter: 'session.type'.")
    async with fake_server(steps(Step("session.update", [refusal]))) as server:
        ended = await rtcli(
            "send-event", "-", "--url", server.url, text=ndjson({"type": "session.update", "session": {}})
        )

    one_clear_line(ended, 4, "missing_required_parameter", "session.type")


async def test_an_error_that_comes_again_and_again_is_told_once_and_counted() -> None:
    """One about nothing that was sent; the events themselves are all printed."""
    busy = error("busy", "Try later.")
    script = steps(Step("response.create", [busy, busy, busy, *text_response("r", "x")]))
    async with fake_server(script) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--until", "response.done", text=ndjson(CREATE))

    assert ended.err.splitlines() == ["rtcli: busy: Try later.", "rtcli: busy: 2 more times"]


@pytest.mark.parametrize(
    ("status", "details", "code"),
    [
        ("failed", {"type": "failed", "error": {"code": "insufficient_quota", "message": "No credit"}}, 5),
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}, 5),
        ("cancelled", {"type": "cancelled", "reason": "client_cancelled"}, 0),
    ],
)
async def test_how_a_response_ends_is_the_exit_code(status: str, details: dict[str, object], code: int) -> None:
    """Failed and incomplete are 5 and say why; cancelled is not a failure."""
    async with fake_server(steps(Step("response.create", text_response("r", "x", status, details)))) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=ndjson(CREATE))

    if code:
        one_clear_line(ended, code, status)
    assert ended.code == code


async def test_no_answer_within_the_time_limit_is_6_and_says_what_was_waited_for() -> None:
    """--timeout."""
    async with fake_server(greets) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--timeout", "0.2", text=ndjson(CREATE))

    one_clear_line(ended, 6, "response.create", "--timeout")
    assert ended.types == ["session.created"]


async def test_a_time_to_listen_is_success_whatever_comes() -> None:
    """--for."""
    async with fake_server(greets) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--for", "0.2", text=ndjson(CREATE))

    assert ended.code == 0, ended.err


async def test_until_ends_at_the_event_and_unmet_is_6() -> None:
    """--until with a glob; --for bounds it."""
    async with fake_server(answers) as server:
        met = await rtcli("send-event", "-", "--url", server.url, "--until", "*.delta", text=ndjson(CREATE))
        unmet = await rtcli(
            "send-event", "-", "--url", server.url, "--until", "no.such", "--for", "0.2", text=ndjson(CREATE)
        )

    assert met.code == 0, met.err
    assert "response.output_text.delta" in met.types
    one_clear_line(unmet, 6, "expected 1 of no.such, got 0")


async def test_count_ends_after_so_many_events() -> None:
    """--count 3."""
    async with fake_server(answers) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--count", "3", text=ndjson(CREATE))

    assert ended.code == 0, ended.err
    assert len(ended.events) == 3


async def test_both_directions_are_wrapped_with_their_time() -> None:
    """--both: dir, t, event; in the order on the wire."""
    async with fake_server(answers) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--both", text=ndjson(ITEM))

    assert [(row["dir"], row["event"]["type"]) for row in ended.events] == [
        ("<", "session.created"),
        (">", "conversation.item.create"),
        ("<", "conversation.item.added"),
        ("<", "conversation.item.done"),
    ]
    times = [row["t"] for row in ended.events]
    assert times == sorted(times)


async def test_sound_is_whole_for_programs_and_a_few_words_for_people() -> None:
    """Full in NDJSON, elided in --pretty; --audio overrides both."""
    sound = "QUJD" * 400

    async def speak(talk: Conversation) -> None:
        await talk.send(CREATED, {"type": "response.output_audio.delta", "delta": sound})
        await talk.receive_all()

    async def run(*more: str) -> str:
        return (await rtcli("send-event", "-", "--url", server.url, "--count", "2", *more, text=ndjson(CREATE))).out

    async with fake_server(speak) as server:
        assert sound in await run()
        assert sound not in await run("--pretty")
        assert sound not in await run("--audio", "elide")
        assert sound in await run("--pretty", "--audio", "full")


async def test_a_frame_that_is_no_json_is_reported_and_survived() -> None:
    """It is no line of NDJSON, so it is said on stderr; the answer still comes."""
    stumble = Step("response.create", lambda event: ["{not json", "7", *reply_to(event)])
    async with fake_server(steps(stumble)) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=ndjson(CREATE))

    assert ended.code == 0, ended.err
    assert ended.types[-1] == "response.done"
    assert "not JSON" in ended.err
    assert "Traceback" not in ended.err


async def test_a_server_that_ends_the_connection_too_early_is_3() -> None:
    """With close code and reason, and what waited for an answer."""
    leave = Step("response.create", text_response("r", "x")[:4], close=(1011, "overloaded"))
    async with fake_server(steps(leave)) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=ndjson(CREATE))

    one_clear_line(ended, 3, "1011", "overloaded", "response.create")


async def test_stream_sends_each_line_as_it_comes() -> None:
    """The second line is written only after the answer to the first has been read."""
    async with fake_server(answers) as server:
        process = await start("send-event", "-", "--stream", "--url", server.url)
        assert process.stdin is not None
        assert process.stdout is not None
        seen = []
        for _ in range(2):
            process.stdin.write(ndjson(CREATE).encode())
            await process.stdin.drain()
            while True:
                line = await asyncio.wait_for(process.stdout.readline(), DEADLINE)
                seen.append(json.loads(line)["type"])
                if seen[-1] == "response.done":
                    break
        process.stdin.close()
        code = await asyncio.wait_for(process.wait(), DEADLINE)

    assert code == 0
    assert server.types == ["response.create"] * 2


async def test_a_bad_line_of_a_stream_is_named_and_ends_it() -> None:
    """What came before it was sent, nothing after it."""
    async with fake_server(answers) as server:
        ended = await rtcli(
            "send-event", "-", "--stream", "--url", server.url, text=ndjson(ITEM) + "{oops\n" + ndjson(CREATE)
        )

    one_clear_line(ended, 2, "-:2:2", "not JSON")
    assert "response.create" not in server.types


async def test_a_reader_that_leaves_ends_the_program_quietly() -> None:
    """As `| head -1` does."""

    async def talkative(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            await talk.send({"type": "response.output_text.delta", "delta": "x" * 1000})

    async with fake_server(talkative) as server:
        ours, theirs = os.pipe()
        process = await start("send-event", "-", "--for", "20", "--url", server.url, stdout=theirs)
        os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(ndjson(CREATE).encode())
        process.stdin.write_eof()
        await asyncio.to_thread(os.read, ours, 100)
        os.close(ours)
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
async def test_a_signal_ends_it_with_its_own_code(name: str, code: int) -> None:
    """And without a word."""
    import signal

    async with fake_server(greets) as server:
        process = await start("send-event", "-", "--url", server.url)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(ndjson(CREATE).encode())
        process.stdin.write_eof()
        await asyncio.wait_for(process.stdout.readline(), DEADLINE)
        process.send_signal(getattr(signal, f"SIG{name}"))
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE)

    assert (process.returncode, err) == (code, b"")


@pytest.mark.parametrize(
    "arguments",
    [("--audio", "some"), ("--for", "0"), ("--count", "-1"), ("--for", "soon"), ("--nope",), ("--header", "x")],
)
async def test_an_option_that_makes_no_sense_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    """Exit 2, one line."""
    one_clear_line(await rtcli("send-event", "-", "--local", *arguments, text=ndjson(CREATE)), 2)


async def test_without_an_endpoint_the_choices_are_named() -> None:
    """Nothing is guessed for a script."""
    one_clear_line(
        await rtcli("send-event", "-", text=ndjson(CREATE)), 2, "--url", "--local", "--profile", "OPENAI_API_KEY"
    )


@pytest.mark.parametrize(
    ("auth", "header"), [("bearer", ("Authorization", "Bearer k-1")), ("api-key", ("api-key", "k-1"))]
)
async def test_a_named_key_is_sent_as_asked(auth: str, header: tuple[str, str]) -> None:
    """In one header and in no other; OpenAI's own key stays at home."""
    environ = {"MY_KEY": "k-1", "OPENAI_API_KEY": "sk-openai"}
    async with fake_server(answers) as server:
        ended = await rtcli(
            *("send-event", "-", "--url", server.url, "--api-key-env", "MY_KEY", "--auth", auth),
            *("--header", "X-Extra: 1", "--model", "m 1"),
            text=ndjson(CREATE),
            environ=environ,
        )
        keyless = await rtcli("send-event", "-", "--url", server.url, text=ndjson(CREATE), environ=environ)

    sent, later = server.headers
    assert (ended.code, keyless.code) == (0, 0)
    assert sent[header[0]] == header[1]
    assert sent["X-Extra"] == "1"
    assert server.paths[0] == "/v1/realtime?model=m%201"
    assert str(sent).count("k-1") == 1
    assert "sk-openai" not in str(server.headers)
    assert not {"authorization", "api-key"} & {name.lower() for name in later}
