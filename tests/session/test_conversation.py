"""The server's items: none that the conversation does not hold."""

from __future__ import annotations

from tests.kit.sessions import live_session


async def test_an_answer_beside_the_conversation_is_not_part_of_it() -> None:
    """The server has no such item: it could be neither cut, nor deleted, nor fetched."""
    async with live_session() as live:
        live.session.talk.respond({"conversation": "none"})
        live.session.talk.say("hello")
        await live.idle()

        assert len(live.records("response.done")) == 2
        assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]
