"""What a call says: played from here, and cut where it was heard. In a plain session the client has all this."""

from __future__ import annotations

from rtcli.protocol.events import WireObject
from rtcli.rtc.playout import Happened, Played, Playout
from rtcli.server.ids import random_hex
from rtcli.server.session.conversation import DefaultConversation
from rtcli.server.session.events import event
from rtcli.server.validation.api_errors import ApiError


class OutputAudio:
    """The output audio buffer of one call, and the items whose audio is in it."""

    def __init__(self, playout: Playout, conversation: DefaultConversation) -> None:
        self.playout = playout
        self._conversation = conversation

    def played(self) -> tuple[Played, list[WireObject]]:
        """The next 20 ms: 24 kHz PCM16, and the events that tell of it."""
        frame = self.playout.frame()
        return frame, [_buffer_event(happened) for happened in frame.happened]

    def clear(self) -> list[WireObject]:
        """What waits is not played any more; its items end where they were heard to end."""
        cleared = self.playout.clear()
        events = [_buffer_event(happened) for happened in cleared.happened]
        for cut in cleared.cuts:
            try:
                self._conversation.truncate(cut.item_id, cut.content_index, cut.heard_ms)
            except ApiError:
                continue  # it was deleted, its audio is not kept any more, or it is beside the conversation
            where = {"item_id": cut.item_id, "content_index": cut.content_index, "audio_end_ms": cut.heard_ms}
            events.append(event("conversation.item.truncated", **where))
        return events


def _buffer_event(happened: Happened) -> WireObject:
    # its event_id is of another form than those of the model's events, as recorded
    event_id = f"event_{random_hex(16)}"
    return {"type": happened.event.value, "event_id": event_id, "response_id": happened.response_id}
