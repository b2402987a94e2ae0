"""The reference's WebRTC traces, played against ours; tests/golden/webrtc/README.md says what differs on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtcli.transports import webrtc
from tests.kit.fake_peer import CallPlace
from tests.kit.webrtc_scenes import SCENES, Stage

TRACES = Path(__file__).parents[1] / "golden" / "webrtc" / "traces.txt"

NOT_PLAYED = {
    "regular key in a browser": "any key",
    "peer: disconnected for 5 s": "a peer of ours is lost or is not",
    "channel error while connected": "a broken channel",
}

_BROWSER = ("new RTC", "createDataChannel", "createElement", "getUserMedia", "addTrack", "setLocal", "changePeer")
_CLOSED = ("channel.close()", "track.stop()", "pc.close()", "close")
_NOT_OURS = (*_BROWSER, "track.enabled", "Timed out waiting")


def recorded() -> dict[str, list[str]]:
    scenes: dict[str, list[str]] = {}
    for part in TRACES.read_text(encoding="utf-8").split("\n## ")[1:]:
        name, _, body = part.partition("\n")
        scenes[name] = [line for line in body.splitlines() if line]
    return scenes


def plain(lines: list[str]) -> list[str]:
    """What both sides do, in the same words."""
    return list(_plain(lines))


def _plain(lines: list[str]) -> Iterator[str]:
    for text in lines:
        line = re.sub(r"^(emit turn_\w+) .*", r"\1", text).replace("UserError ", "").strip()
        if line.startswith((*_NOT_OURS, *_CLOSED, "fetch")):
            continue  # asked for and compared below
        if line.startswith("channel.send"):
            yield f"channel.send {sent(line.removeprefix('channel.send '))}"
        elif line.startswith("setRemoteDescription"):
            yield f"answer {json.loads(line.partition(' ')[2])['sdp']}"
        elif line == "createOffer":
            yield "offer"
        elif line.startswith("THROWN"):
            yield "THROWN"
        else:
            yield line


def sent(text: str) -> str:
    """The whole event; only its type and the names it begins with where the trace cuts it off."""
    try:
        event = json.loads(text)
    except ValueError:
        return str(re.findall(r'"type":"([^"]+)"', text)[0])
    return "session.update" if "audio" in event.get("session", ()) else json.dumps(event, sort_keys=True)


_ENDED = """emit connection_change "disconnected"
emit disconnected
emit error Error: the call ended: the other side closed the data channel
status disconnected"""
_NO_CHANNEL = "WebRTC data channel is not connected. Make sure you call `connect()` before sending events."

DIFFERENT = {
    "bad answer": [("Failed to parse", "the server's answer to the call cannot be used: Failed to parse")],
    "close() while connecting": [
        ("Connection closed before setup completed", "the connection was closed before it was set up")
    ],
    "channel closes before the ack": [("was acknowledged", "was acknowledged: the other side closed the data channel")],
    "interrupt idle, ongoing, twice, after audio.done": [
        ("-- after audio.done", '-- after audio.done\nchannel.send {"type": "response.cancel"}')
    ],
    "peer: disconnected then connected; failed": [
        ("now disconnected", "emit error Error: the call ended: the other side was lost\nnow disconnected")
    ],
    "channel closes while connected": [("status connected", _ENDED), (f"sendEvent throws {_NO_CHANNEL}", "")],
    "sendAudio, sendMessage": [("agents_js_", "rtcli_")],
}
"""Texts of the trace and what ours has in their place."""


def expected(name: str) -> list[str]:
    text = "\n".join(plain(recorded()[name]))
    for theirs, ours in DIFFERENT.get(name, ()):
        assert theirs in text
        text = text.replace(theirs, ours)
    return [line for line in text.splitlines() if line]


def test_every_scene_is_played_or_named() -> None:
    """None is forgotten."""
    assert set(recorded()) == SCENES.keys() | NOT_PLAYED.keys()


@pytest.mark.parametrize("name", SCENES)
async def test_ours_does_what_the_reference_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent, asked for and emitted, in this order; and what is closed."""
    monkeypatch.setattr(webrtc, "_SETTLE_SECONDS", 0.2 if name == "no ack: 5 s" else 60)
    async with CallPlace().running() as place:
        stage = Stage(place)
        await SCENES[name](stage)
        lines = list(stage.lines)
        stage.t.close()
        await stage.t.wait_closed()

    assert plain(lines) == expected(name)
    assert all(peer.closed for peer in stage.peers.made)
    assert len(fetches(name)) <= len(place.requests) <= 1  # a scene may begin when the call stands
    for asked, (line, headers, body) in zip(fetches(name), place.requests, strict=False):
        assert line == "POST /v1/realtime/calls HTTP/1.1"
        assert f'"Authorization":"{headers["authorization"]}"' in asked
        assert f'"Content-Type":"{headers["content-type"]}"' in asked
        assert asked.endswith(f"body={body}")


def fetches(name: str) -> list[str]:
    return [line for line in recorded()[name] if line.startswith("fetch")]
