"""The session that a configuration asks for, before there is a connection: of a client secret, a call."""

from __future__ import annotations

from rtcli.protocol.events import WireObject
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.server.ids import new_id
from rtcli.server.session.state import EffectiveSession, realtime_session, transcription_session
from rtcli.server.validation.schema import check_session


def requested_session(requested: WireObject, *, model: str = DEFAULT_MODEL) -> WireObject:
    """The effective session; `model` is for one that names none. Raises ApiError as a session.update would get it."""
    check_session(requested, "session")
    session_id = new_id("sess")
    if requested["type"] == "transcription":
        state = EffectiveSession(transcription_session(session_id))
    else:
        state = EffectiveSession(realtime_session(session_id, requested.get("model") or model))
    state.update(requested)
    return state.config
