"""Scripts: what fits, what is said, and what is said of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rtcli.dsp.wav import write_wav
from rtcli.errors import InputError
from rtcli.server import RealtimeServer
from rtcli.server.replies import scripts
from rtcli.server.replies.base import Call, Fail, InjectFault, OfferedTool, Pause, Piece, Play, ReplyRequest, Say
from rtcli.server.replies.echo import EchoReply
from rtcli.server.replies.scripts import ScriptReply, load_script
from rtcli.server.session.items import ConversationItem, committed_audio, from_client, function_call
from tests.server.client import said, session
from tests.server.playbook import user, voice

EXAMPLES = Path(scripts.__file__).parent / "examples"
ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((EXAMPLES / "script.schema.json").read_text())


def script(rules: Any, folder: Path = Path()) -> ScriptReply:
    jsonschema.validate(rules, SCHEMA)
    return ScriptReply(rules, folder, EchoReply())


async def pieces(reply: ScriptReply, *context: ConversationItem, tools: tuple[OfferedTool, ...] = ()) -> list[Piece]:
    return [piece async for piece in reply.reply(ReplyRequest(context, "", tools=tools))]


async def text(reply: ScriptReply, *context: ConversationItem) -> str:
    return "".join(piece.text for piece in await pieces(reply, *context) if isinstance(piece, Say))


def typed(words: str) -> ConversationItem:
    return from_client(user(words))


def answered(words: str) -> ConversationItem:
    content = [{"type": "output_text", "text": words}]
    return from_client({"type": "message", "role": "assistant", "content": content})


async def test_the_first_rule_that_fits_answers() -> None:
    """In the order of the file; where none fits, the other engine does."""
    reply = script(
        [{"when": {"text": "/^hi/"}, "reply": [{"text": "A"}]}, {"when": {"text": "hi"}, "reply": [{"text": "B"}]}]
    )

    assert await text(reply, typed("Hi there")) == "A"
    assert await text(reply, typed("oh, hi")) == "B"
    assert await text(reply, typed("bye")) == "bye"


async def test_what_was_typed_and_what_was_said_are_logged_apart() -> None:
    """`text` is typed, `transcript` is heard."""
    spoken = committed_audio("item_1", voice(0.1))
    spoken.recognized_text = "open the door"
    reply = script(
        [
            {"when": {"text": "door"}, "reply": [{"text": "T"}]},
            {"when": {"transcript": "door"}, "reply": [{"text": "S"}]},
        ]
    )

    assert [await text(reply, spoken), await text(reply, typed("the door"))] == ["S", "T"]


async def test_turns_are_counted_by_answers() -> None:
    """The first answer is turn 1."""
    reply = script([{"when": {"turn": 2}, "reply": [{"text": "two"}]}, {"reply": [{"text": "other"}]}])

    assert await text(reply, typed("a")) == "other"
    assert await text(reply, typed("a"), answered("other"), typed("b")) == "two"


async def test_a_rule_may_wait_for_a_tool() -> None:
    """Its result is the last thing in the conversation."""
    call = ConversationItem(function_call("f", "call_1", "{}", status="completed"))
    output = from_client({"type": "function_call_output", "call_id": "call_1", "output": "1"})
    reply = script([{"when": {"tool": "f"}, "reply": [{"text": "got it"}]}])

    assert await text(reply, typed("go"), call, output) == "got it"
    assert await text(reply, typed("go"), call, output, answered("x"), typed("again")) == "again"


async def test_a_pattern_that_takes_too_long_fails_the_response() -> None:
    """The server goes on, and whoever tests with the script reads what is wrong with it."""
    reply = script([{"when": {"text": "/(a|a)*$/"}, "reply": [{"text": "never"}]}])

    (failed,) = await pieces(reply, typed("a" * 5000 + "!"))

    assert isinstance(failed, Fail)
    assert "'(a|a)*$' was given up" in failed.error["message"]


async def test_matchers_are_those_of_events() -> None:
    """A comparison of the turn, a glob of the tool, words in any case."""
    reply = script(
        [
            {"when": {"turn": ">=2"}, "reply": [{"text": "later"}]},
            {"when": {"text": "ROOM"}, "reply": [{"text": "room"}]},
            {"when": {"tool": "get_*"}, "reply": [{"text": "got it"}]},
        ]
    )
    call = ConversationItem(function_call("get_x", "call_1", "{}", status="completed"))
    output = from_client({"type": "function_call_output", "call_id": "call_1", "output": "1"})

    assert await text(reply, typed("a room?")) == "room"
    assert await text(reply, typed("go"), call, output) == "got it"
    assert await text(reply, typed("a"), answered("b"), typed("room")) == "later"


CREATE = "conversation.item.create"


def created(words: str) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"content": [{"type": "input_text", "text": words}]}}


@pytest.mark.parametrize(
    ("expected", "ordered", "difference"),
    [
        ([{"type": "response.create"}, {"text": "hello"}], False, ""),
        ([{"event": {"type": "response.create", "response.tool_choice": "none"}}], False, ""),
        ([{"no": {"type": "response.cancel"}}, {"no": {"text": "bye"}}], True, ""),
        (
            [{"type": "response.create", "response": {"tool_choice": "auto"}}],
            False,
            '  response.create response.tool_choice\n    - "auto"\n    + "none"',
        ),
        (
            [{"type": "response.cancel"}],
            False,
            '  response.cancel\n    - {"type":"response.cancel"}\n    + "conversation.item.create, response.create"',
        ),
        ([{"type": "response.create"}, {"text": "hello"}], True, "  the text 'hello'\n    - \"hello\""),
        ([{"no": {"text": "/h.*o/"}}], False, "  no the text '/h.*o/'"),
        ([{"no": {"event": {"type": "response.*"}}}], False, "  no response.*"),
    ],
)
async def test_expect_judges_what_was_sent_since_the_rule_before(
    expected: list[Any], ordered: bool, difference: str
) -> None:
    """Any order, unless it says otherwise; the difference names the rule."""
    rules = [{"reply": [{"text": "a"}], "when": {"turn": 2}}, {"expect": expected, "ordered": ordered, "reply": []}]
    reply, told = script(rules), []
    reply.on_mismatch = lambda mismatch: told.append(str(mismatch))
    odd: list[Any] = [{"type": CREATE, **fields} for fields in ({}, {"item": 7}, {"item": {"content": 7}})]
    odd.append({"type": CREATE, "item": {"content": [7, {"text": None}]}})
    sent: list[Any] = [created("oh, hello"), {"type": "response.create", "response": {"tool_choice": "none"}}]
    sent[:0] = odd if ordered else []
    request = ReplyRequest((typed("hello"),), "", sent=sent)
    assert reply.left() is not None

    assert [piece async for piece in reply.reply(request)] == []
    assert (bool(told), sent, reply.left()) == (bool(difference), [], None)
    if difference:
        assert told[0].startswith(f"the client has not sent what the script expects, in rule 2 of script\n{difference}")


async def test_a_server_tells_what_a_script_misses(tmp_path: Path) -> None:
    """What a rule expects and the client has not sent, and at the end the rules that never answered."""
    path = tmp_path / "judge.yaml"
    path.write_text(
        "- when: {turn: 1}\n  expect: [{text: hello}, {no: {type: input_audio_buffer.commit}}]\n  reply: [{text: A}]\n"
        "- when: {turn: 2}\n  expect: [{type: response.create, response.tool_choice: none}]\n  reply: [{text: B}]\n"
        "- when: {turn: 3}\n  expect: []\n  reply: []\n"
    )
    async with RealtimeServer(pace=0, voice="tone", script=path) as server, session(server) as client:
        await client.ask("oh, hello")
        assert server.mismatches == []
        await client.ask("hello again")
        server.judge_end()
    judged, left = map(str, server.mismatches)
    assert judged == (
        "the client has not sent what the script expects, in rule 2 of judge.yaml\n"
        '  response.create response.tool_choice\n    - "none"'
    )
    assert left == "rules that expect something never answered\n  rule 3 of judge.yaml"


async def test_every_step_becomes_a_piece(tmp_path: Path) -> None:
    """In order."""
    write_wav(tmp_path / "hello.wav", voice(0.1))
    steps = [
        {"text": "Hi. "},
        {"audio": "hello.wav", "transcript": "Hello."},
        {"delay": 0.5},
        {"call": {"name": "f", "arguments": {"a": 1}}},
        {"call": {"name": "g", "arguments": "{broken"}},
        {"fault": "drop"},
        {"fail": {"code": "boom"}},
    ]
    tool = OfferedTool("f", "known", {})

    assert await pieces(script([{"reply": steps}], tmp_path), typed("x"), tools=(tool,)) == [
        Say("Hi. "),
        Play(voice(0.1), "Hello."),
        Pause(0.5),
        Call(tool, '{"a": 1}'),
        Call(OfferedTool("g", "", {}), "{broken"),
        InjectFault("drop"),
        Fail({"type": "server_error", "code": "boom", "message": "The script says so."}),
    ]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{}", "expected an array of rules"),
        ("- when: {}", "'script[0].reply'"),
        ("- reply: [{shout: x}]", "script[0].reply[0].shout"),
        ("- reply: [{text: a, delay: 1}]", "does one thing"),
        ("- reply: [{transcript: a}]", "does one thing"),
        ("- reply: [{}]", "does one thing"),
        ("- {when: {text: '/(/'}, reply: []}", "text: '(' is not a valid regular expression"),
        (
            "- {when: {text: 'room|suite'}, reply: []}",
            "text: 'room|suite' is looked for as it stands, and has '|' in it",
        ),
        ("- {when: {transcript: '^bye'}, reply: []}", "transcript: '^bye' is looked for as it stands"),
        ("- {expect: [{call: x}], reply: []}", "{'call': 'x'} cannot be expected: an expectation is an event"),
        ("- {expect: [{no: {text: 'a|b'}}], reply: []}", "'a|b' is looked for as it stands"),
        ("- {expect: [{type: 7}], reply: []}", "cannot be expected"),
        ("- {expect: [{no: {type: response.cansel}}], reply: []}", "'response.cansel' is not an event"),
        ("- reply: [{fault: explode}]", "explode"),
        ("- reply: [{fault: http=503}]", "at connect alone"),
        ("- reply: [{audio: ../secret.wav}]", "outside of the script's folder"),
        ("- reply: [{audio: /etc/passwd}]", "outside of the script's folder"),
        ("- reply: [{audio: none.wav}]", "No such file"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, source: str, why: str) -> None:
    """Before the server runs."""
    path = tmp_path / "script.yaml"
    path.write_text(source)

    with pytest.raises(InputError) as caught:
        load_script(path, EchoReply())
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("name", "source", "line", "column"), [("a.yaml", "- a\n- [b", 2, 5), ("a.json", '[\n {"reply" 1}]', 2, 11)]
)
def test_bad_syntax_is_placed(tmp_path: Path, name: str, source: str, line: int, column: int) -> None:
    """By line and column of the file."""
    path = tmp_path / name
    path.write_text(source)

    with pytest.raises(InputError) as caught:
        load_script(path, EchoReply())
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_script_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a folder, or no text."""
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "binary.yaml"):
        with pytest.raises(InputError, match=path.name):
            load_script(path, EchoReply())


@pytest.mark.parametrize(
    "path", (*sorted(EXAMPLES.glob("*.yaml")), ROOT / "examples" / "front_desk.script.yaml"), ids=lambda p: p.name
)
def test_the_examples_fit_the_schema_and_load(path: Path) -> None:
    """What the documentation shows works, and names its schema, so that an editor checks what is made of it."""
    named = path.read_text().partition("\n")[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).samefile(EXAMPLES / "script.schema.json")
    jsonschema.validate(yaml.safe_load(path.read_text()), SCHEMA)
    load_script(path, EchoReply())


async def test_a_script_runs_in_a_server() -> None:
    """Words, a call, the answer to its output; and a failure of each kind."""
    text_only: dict[str, Any] = {"output_modalities": ["text"]}
    async with (
        RealtimeServer(pace=0, voice="tone", script=EXAMPLES / "weather.yaml") as server,
        session(server, **text_only) as client,
    ):
        message, call = (await client.ask("How is the weather?"))["output"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "21"}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        answer = (await client.until("response.done"))["response"]
    async with (
        RealtimeServer(pace=0, voice="tone", script=EXAMPLES / "failures.yaml") as server,
        session(server, **text_only) as client,
    ):
        failed, cut = await client.ask("quota"), await client.ask("filter")
        await client.say("hang up")
        code, _ = await client.closed()

    assert message["content"][0]["text"] == "Let me look. "
    assert said(answer) == "It is 21 degrees and sunny."
    assert (failed["status"], failed["status_details"]["error"]["code"]) == ("failed", "insufficient_quota")
    assert cut["status_details"] == {"type": "incomplete", "reason": "content_filter"}
    assert code == 1011
