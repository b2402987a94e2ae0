"""What docs/architecture.md says of the seams is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rtcli.audio.microphone import Microphone
from rtcli.audio.speaker import Speaker
from rtcli.config.endpoints import Endpoint
from rtcli.session.session import RealtimeSession
from rtcli.session.state import SessionState
from rtcli.transports import OpenAIRealtimeWebSocket

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
_NAMED = re.compile(r"^(t|state|session|speaker|microphone)((?:\.\w+)+)", re.MULTILINE)
_MODULES = re.compile(r"`((?:protocol|session|audio)/\w+\.py)`")


async def test_every_name_of_a_seam_exists() -> None:
    """A reader who builds on the page finds what it names."""
    t = OpenAIRealtimeWebSocket(api_key="sk-x")
    session = RealtimeSession(t, endpoint=Endpoint("ws://nowhere", None, "nowhere"))
    # Of devices the classes are asked: an instance opens PortAudio on some machines.
    seams: dict[str, Any] = {
        "t": t,
        "state": SessionState(),
        "session": session,
        "speaker": Speaker,
        "microphone": Microphone,
    }
    blocks = "\n".join(PAGE.read_text(encoding="utf-8").split("```")[1::2])
    named = {(match[1], match[2].lstrip(".")) for match in _NAMED.finditer(blocks)}
    missing = []
    for seam, path in named:
        found = seams[seam]
        for name in path.split("."):
            if not hasattr(found, name):
                missing.append(f"{seam}.{path}")
                break
            found = getattr(found, name)

    assert {seam for seam, _ in named} == set(seams)
    assert missing == []


def test_every_module_that_owns_a_state_exists() -> None:
    """The table of owners names files."""
    names = set(_MODULES.findall(PAGE.read_text(encoding="utf-8")))
    assert len(names) >= 8
    assert [name for name in names if not (PAGE.parents[1] / "rtcli" / name).is_file()] == []
