"""Which engine `--reply` names, and the one that echoes."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.server.replies.base import Play, ReplyRequest, Say
from rtcli.server.replies.choice import reply_engine
from rtcli.server.session.items import committed_audio, from_client
from tests.server.playbook import user, voice


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("rules", "built-in rules"),
        ("echo", "echo"),
        ("openai:http://127.0.0.1:1/v1", "default at http://127.0.0.1:1/v1"),
        ("openai:http://127.0.0.1:1/v1,tiny", "tiny at http://127.0.0.1:1/v1"),
    ],
)
def test_an_engine_has_a_name_for_a_person(choice: str, name: str) -> None:
    """What the server says at its start."""
    assert reply_engine(choice).name == name


@pytest.mark.parametrize("choice", ["", "magic", "openai:", "openai:nowhere"])
def test_what_is_no_choice_is_refused(choice: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError) as caught:
        reply_engine(choice)

    assert "openai:" in caught.value.hint


async def test_an_echo_gives_back_words_and_audio() -> None:
    """Text as text, audio as the same audio."""
    spoken = committed_audio("item_1", voice(0.2))
    spoken.recognized_text = "hello"
    request = ReplyRequest((from_client(user("one two")), spoken), "")

    assert [piece async for piece in reply_engine("echo").reply(request)] == [
        Say("one "),
        Say("two"),
        Play(voice(0.2), "hello"),
    ]
