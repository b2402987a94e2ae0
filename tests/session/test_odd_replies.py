"""No server, however oddly it replies, holds up the end of a turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from tests.kit.events import CREATED, Event
from tests.kit.fake_server import Conversation, Script, fake_server, reply_to
from tests.kit.sessions import session_on

Change: TypeAlias = Callable[[Event], Event | None]


def odd(change: Change) -> Script:
    """A server that confirms and answers everything, each event changed (None: left out)."""
    more: Mapping[str, Callable[[Event], Event]] = {
        "conversation.item.delete": lambda e: {"type": "conversation.item.deleted", "item_id": e["item_id"]},
        "input_audio_buffer.clear": lambda e: {"type": "input_audio_buffer.cleared"},
    }

    async def play(talk: Conversation) -> None:
        numbers = itertools.count(1)
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            said = [more[event["type"]](event)] if event["type"] in more else reply_to(event, next(numbers))
            await talk.send(*(changed for one in said if (changed := change(one)) is not None))

    return play


def is_users(event: Event) -> bool:
    item = event.get("item")
    return isinstance(item, dict) and item.get("role") == "user"


def users(**fields: Any) -> Change:
    """Other fields in the user's items; `...` leaves one out."""

    def change(event: Event) -> Event:
        if not is_users(event):
            return event
        item = {**event["item"], **fields}
        return {**event, "item": {key: value for key, value in item.items() if value is not ...}}

    return change


def one_id(event: Event) -> Event:
    """All items have one id."""
    changed = {**event, "item_id": "same"} if "item_id" in event else dict(event)
    if isinstance(event.get("item"), dict):
        changed["item"] = {**event["item"], "id": "same"}
    return changed


def ended(response: Any) -> Change:
    """Another `response` in response.done."""
    return lambda event: {**event, "response": response} if event["type"] == "response.done" else event


def without(*types: str, mine: bool = False) -> Change:
    """Without these events; `mine`: where they are about the user's items."""
    return lambda event: None if event["type"] in types and (not mine or is_users(event)) else event


def deleted(**fields: Any) -> Change:
    """Another `deleted`."""

    def change(event: Event) -> Event:
        return {"type": event["type"], **fields} if event["type"] == "conversation.item.deleted" else event

    return change


ADDED, DONE = "conversation.item.added", "conversation.item.done"
ODD: Mapping[str, Change] = {
    "as it should be": lambda event: event,
    "the user's items have one id": users(id="same"),
    "all items have one id": one_id,
    "the user's item has the id of an answer": users(id="item_resp_2"),
    "items without an id": users(id=...),
    "an id that is a number": users(id=5),
    "items of another role": users(role="system"),
    "items without a role or a type": users(role=..., type=...),
    "no item in its events": lambda event: {**event, "item": None} if is_users(event) else event,
    "items that are never done": without(DONE, mine=True),
    "items that are never added": without(ADDED, mine=True),
    "no word about items": without(ADDED, DONE, mine=True),
    "a response that ends under another id": ended({"id": "other", "status": "completed"}),
    "a response that ends without an id": ended({"status": "completed"}),
    "a response.done without a response": ended(None),
    "a response that is never announced": without("response.created"),
    "a deleted without an id": deleted(),
    "a deleted about another item": deleted(item_id="other"),
    "a deleted about a number": deleted(item_id=7),
}


@pytest.mark.parametrize("how", ODD)
async def test_a_turn_ends_whatever_the_server_replies(how: str) -> None:
    """Each line is followed by the next one, as in a pipe; what was answered is shown."""
    lines = ("one", '{"type":"conversation.item.delete","item_id":"item_x"}', "two", "/respond", "three")
    async with fake_server(odd(ODD[how])) as server, session_on(server.url) as live:
        for line in lines:
            await live.run(line)
            await live.idle()

        assert server.types.count("response.create") == 4
        assert len(live.records("response.done")) == 4


@pytest.mark.parametrize("value", [7, "x", True, [3, None], {"a": 1}])
async def test_settings_of_an_odd_kind_leave_a_status(value: object) -> None:
    """What cannot be read is left out of the toolbar and of /status."""
    fields = dict.fromkeys(("id", "output_modalities", "audio", "tools", "expires_at"), value)
    created = {**CREATED, "session": {**CREATED["session"], **fields}}

    async def play(talk: Conversation) -> None:
        await talk.send(created)
        assert (await talk.receive())["type"] == "session.update"
        await talk.send({**created, "type": "session.updated"})
        await talk.receive_all()

    async with fake_server(play) as server, session_on(server.url) as live:
        await live.until(lambda: live.records("session.updated"))

        assert live.session.status.modalities == ()
        assert await live.run("/status")
