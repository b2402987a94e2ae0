"""Notices answers that ought to be heard and are not: silence, no sound at all, sound that stops half way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from rtcli.dsp.codec import to_pcm16
from rtcli.protocol.audio_formats import AudioFormat
from rtcli.protocol.ids import short_id
from rtcli.protocol.payloads import TransportAudio
from rtcli.views import Level, Notice

_QUIET_PEAK = 32
"""-60 dBFS: an answer without a louder sample is heard by nobody."""

_SHORTEST_MS = 200
_STALL_SECONDS = 2.0


class AudioWatch:
    """Watches the sound of each answer. `wire_format` tells in which format it arrives."""

    def __init__(self, show: Callable[[Notice], None], wire_format: Callable[[], AudioFormat]) -> None:
        self._show = show
        self._format = wire_format
        self._quiet_bytes: dict[str, int] = {}  # by item, in that format; gone once something loud has come
        self._came: dict[str, str] = {}  # items with sound, and their responses
        self._open = ""
        self._stalled = False
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def arrived(self, audio: TransportAudio) -> None:
        """A piece of sound came."""
        item_id = audio.item_id
        if audio.interrupted:
            return
        if item_id not in self._came:
            self._came[item_id] = audio.response_id
            self._quiet_bytes[item_id] = 0
        if item_id in self._quiet_bytes:
            self._measure(item_id, audio.data)
        self._goes_on(item_id)

    def saw(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the server."""
        act = _TABLE.get(str(event.get("type")))
        if act:
            act(self, event)

    def forget(self) -> None:
        """Nothing more of this answer is expected: it was interrupted, or the connection is gone."""
        self._open = ""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _measure(self, item_id: str, data: bytes) -> None:
        pcm = to_pcm16(data, self._format())
        samples = memoryview(pcm[: len(pcm) // 2 * 2]).cast("h")
        if samples and (max(samples) > _QUIET_PEAK or min(samples) < -_QUIET_PEAK):
            del self._quiet_bytes[item_id]
        else:
            self._quiet_bytes[item_id] += len(data)

    # -- half way ----------------------------------------------------------------------------------

    def _goes_on(self, item_id: str) -> None:
        loop = asyncio.get_running_loop()
        if self._stalled and item_id == self._open:
            self._show(Notice(f"the sound goes on after {loop.time() - self._last:.1f} s"))
        self._open, self._last, self._stalled = item_id, loop.time(), False
        if self._timer is None:
            self._timer = loop.call_later(_STALL_SECONDS, self._look)

    def _look(self) -> None:
        """One timer for a whole answer: it looks again when the last piece has had its time."""
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._last
        self._timer = None
        if silent < _STALL_SECONDS:
            self._timer = loop.call_later(_STALL_SECONDS - silent, self._look)
        elif self._open:
            self._stalled = True
            what = f"the answer stalls: no sound of {short_id(self._open)} for {_STALL_SECONDS:.0f} s"
            self._show(Notice(what, "the server or the network is slow", "/interrupt gives it up", Level.WARNING))

    # -- at its end ----------------------------------------------------------------------------------

    def _sound_done(self, event: Mapping[str, Any]) -> None:
        item_id = str(event.get("item_id"))
        self.forget()
        quiet = self._quiet_bytes.pop(item_id, 0)
        if self._format().milliseconds(quiet) >= _SHORTEST_MS:
            what = f"the sound of {short_id(item_id)} is silence"
            hint = "look at the voice and the output format: /session get audio.output"
            self._show(Notice(what, "nothing in it is louder than -60 dBFS", hint, Level.WARNING))

    def _response_done(self, event: Mapping[str, Any]) -> None:
        response = event.get("response")
        if not isinstance(response, Mapping):
            return
        if response.get("status") == "completed":
            for item_id in _spoken_items(response):
                if item_id not in self._came:
                    what = f"no sound came for {short_id(item_id)}, which says that it is spoken"
                    self._show(Notice(what, hint="/modalities text asks for text instead", level=Level.WARNING))
        for item_id in [item for item, of in self._came.items() if of == response.get("id")]:
            del self._came[item_id]
            self._quiet_bytes.pop(item_id, None)
            if item_id == self._open:
                self.forget()


def _spoken_items(response: Mapping[str, Any]) -> list[str]:
    output = response.get("output")
    items = [item for item in (output if isinstance(output, list) else ()) if isinstance(item, Mapping)]
    return [str(item.get("id")) for item in items if _is_spoken(item.get("content"))]


def _is_spoken(content: object) -> bool:
    parts = content if isinstance(content, list) else ()
    return any(isinstance(part, Mapping) and part.get("type") in ("output_audio", "audio") for part in parts)


_TABLE: Mapping[str, Callable[[AudioWatch, Mapping[str, Any]], None]] = {
    "response.output_audio.done": AudioWatch._sound_done,
    "response.done": AudioWatch._response_done,
}
