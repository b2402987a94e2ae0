"""Edits of a conversation's history, by themselves and one after the other."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.differential.events import event
from tests.differential.values import (
    TEXT,
    UNDEFINED,
    Values,
    few,
    mapping,
    one,
    rarely,
)

_STATUS = one("completed", "in_progress", "incomplete")
_CONTENT = {
    "user": st.one_of(
        mapping({"type": one("input_text"), "text": TEXT}),
        mapping({"type": one("input_audio"), "transcript": one("so", None)}, {"audio": one(None, "AAAA")}),
        mapping(
            {"type": one("input_image")}, {"image": one("data:x"), "image_url": one("data:y"), "detail": one("low")}
        ),
    ),
    "assistant": rarely(
        mapping({"type": one("output_audio"), "transcript": one("so", None)}, {"audio": one(None)}),
        mapping({"type": one("output_text"), "text": TEXT}),
        12,
    ),
    "system": mapping({"type": one("input_text"), "text": TEXT}),
}


def _history_message(item_id: str, role: str) -> Values:
    status = rarely(one(UNDEFINED, None, "", "odd"), _STATUS)
    content = few(_CONTENT[role], 2)
    if role != "assistant":
        content = rarely(one(UNDEFINED, None), content, 20)
    fields = {"itemId": st.just(item_id), "type": one("message"), "role": one(role), "content": content}
    return mapping(
        fields | ({} if role == "system" else {"status": status}),
        {"extra": one(1)} if role == "user" else {},
    )


@cache
def _history_item(item_id: str) -> Values:
    kind = item_id[0]
    if kind == "f":
        return mapping(
            {
                "itemId": st.just(item_id),
                "type": one("function_call"),
                "status": _STATUS,
                "name": TEXT,
                "arguments": one("{}"),
            },
            {"output": one(None, "done")},
        )
    if kind == "m":
        return mapping(
            {
                "itemId": st.just(item_id),
                "type": one("mcp_call", "mcp_tool_call", "mcp_approval_request"),
                "status": one("completed"),
                "name": TEXT,
                "arguments": one("{}"),
                "output": one(None, "x"),
            }
        )
    if kind == "o":
        return mapping({"itemId": st.just(item_id), "type": one("other", "function_call_output", UNDEFINED)})
    return _history_message(item_id, {"u": "user", "a": "assistant", "s": "system"}[kind])


_NAMELESS = mapping({"type": one("message"), "content": few(_CONTENT["user"], 1)}, {"role": one("user", "system")})
_IDS = ["u1", "u2", "u3", "a1", "a2", "s1"]


def _edit(draw: st.DrawFn, old: list[Any], ids: list[str]) -> list[Any]:
    """Another history made of one: items left out, changed, moved, added."""
    new = [item for item in old if draw(st.integers(0, 5))]
    for index, item in enumerate(new):
        if draw(st.integers(0, 4)) == 0 and "itemId" in item:
            new[index] = draw(_history_item(item["itemId"]))
    known = {item.get("itemId") for item in old}
    for item_id in ids:
        if item_id not in known and draw(st.integers(0, 3)) == 0:
            new.insert(draw(st.integers(0, len(new))), draw(_history_item(item_id)))
    if new and draw(st.integers(0, 11)) == 0:
        new[0] = {**new[0], "previousItemId": draw(one("u1", None))}
    if draw(st.integers(0, 11)) == 0:
        new.reverse()
    if draw(st.integers(0, 15)) == 0:
        new.insert(draw(st.integers(0, len(new))), draw(_NAMELESS))
    return new


def _reset(old: list[Any], new: list[Any]) -> dict[str, Any]:
    # The reference compares items as JSON text, in which the order of the keys counts.
    return {"call": "resetHistory", "args": json.loads(json.dumps([old, new], sort_keys=True))}


def _first(draw: st.DrawFn, ids: list[str]) -> list[Any]:
    return [draw(_history_item(item_id)) for item_id in draw(st.lists(st.sampled_from(ids), unique=True, max_size=5))]


@st.composite
def _edited(draw: st.DrawFn) -> dict[str, Any]:
    """One edit of any history."""
    ids = [*_IDS, *(("f1", "m1", "o1") if draw(st.integers(0, 4)) == 0 else ())]
    old = _first(draw, ids)
    return _reset(old, _edit(draw, old, ids))


@st.composite
def _edits(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Edit after edit of one history, which moves on, or does not; the server confirms, refuses, or is late."""
    old = _first(draw, _IDS)
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(2, 4))):
        new = _edit(draw, old, _IDS)
        steps.append(_reset(old, new))
        for item in [item for item in (*old, *new) if draw(st.integers(0, 4)) == 0]:
            item_id = st.just(item.get("itemId", "u1"))
            steps.append({"server": draw(st.one_of(_gone(item_id), _there(item_id)))})
        if draw(st.integers(0, 2)) == 0:
            steps.append({"server": draw(REFUSED)})
        if draw(st.booleans()):
            old = [item for item in new if "itemId" in item]  # the server has named the others
    return steps


def _gone(item_id: Values) -> Values:
    return event("conversation.item.deleted", item_id=item_id)


def _there(item_id: Values) -> Values:
    message = mapping({"id": item_id, "type": one("message"), "role": one("user"), "content": one([])})
    return event("conversation.item.added", item=message)


_EDIT_IDS = [f"agents_{kind}_{number}" for kind in ("create", "delete") for number in range(1, 9)]
REFUSED = event("error", error=mapping({"event_id": one(*_EDIT_IDS)}))
RESET = _edited()
EDITS = _edits()
