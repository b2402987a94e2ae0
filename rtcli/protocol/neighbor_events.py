"""The events of the protocols beside the Realtime API's own, as tables that `catalog` reads; a name may mean something
else there."""

from __future__ import annotations

TRANSCRIPTION: frozenset[str] = frozenset(
    {
        "session.update",
        "session.close",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "error",
        "session.created",
        "session.updated",
        "session.closed",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.input_audio_transcription.failed",
    }
)
"""The events of the Realtime API that a transcription session has."""

TRANSLATION_CLIENT = """
session.update | session | session.updated | change audio.input or audio.output.language; the model is fixed
session.input_audio_buffer.append | audio | | add base64 audio, 24 kHz PCM16; silence has to be sent too
session.close | | session.closed | end the session, when what was said has been translated
"""

TRANSLATION_SERVER = """
error | error | something the client sent was refused, or the server failed
session.created | session | the session exists; the first event of a connection
session.updated | session | a session.update was taken
session.closed | | the session ended in order
session.input_transcript.delta | delta elapsed_ms? | words heard, where audio.input.transcription asks for them
session.output_transcript.delta | delta elapsed_ms? | words spoken in the other language
session.output_audio.delta | delta sample_rate? channels? format? elapsed_ms? | audio spoken in the other language
"""

LIVE_CLIENT = """
session.start | session | session.started | begin: the first event, once; never on an attached connection
session.update | session | session.updated | change delegation or triggers
session.close | | session.closed | end the session in order
session.input_audio.append | audio | | add base64 audio; it is the session's clock, so silence has to be sent too
session.input_audio.mute | | session.input_audio.muted | hear nothing of what is sent
session.input_audio.unmute | | session.input_audio.unmuted | hear it again
session.output_audio.fixture.play | audio | session.output_audio.fixture.playing | play 24 kHz PCM16, at most 30 s
session.instructions.append | content delegation_id | | add instructions, at most 500 tokens
session.thinking.append | content delegation_id | | add context that is not spoken, at most 500 tokens
session.commentary.append | content delegation_id | | add what is to be said in the model's own words
response.item.create | item | | give the backend an item: a tool's output, a message
response.create | | | let the backend work; it speaks when it has something to say
decision.create | | | ask for a decision (its event_id is required)
decision.item.create | item | decision.item.created | give decisions an item
decision.item.delete | item_id | decision.item.deleted | take an item from decisions
transport.dtmf.send | event | transport.dtmf.sent | press a telephone key (SIP calls)
"""

LIVE_SERVER = """
error | error | something the client sent was refused, or the session failed: error.client_event_id names the event
info | code message | a notice
session.started | session client_event_id? | the session stands
session.updated | session client_event_id? | a session.update was taken
session.closed | reason session? usage? client_event_id? | the session ended: the last event
session.paused | client_event_id? | nobody has spoken for a while (WebRTC)
session.resumed | client_event_id? | somebody speaks again (WebRTC)
session.usage.updated | usage context_window? client_event_id? | seconds so far, about every 15 s
session.input_audio.muted | client_event_id? | nothing is heard from now on
session.input_audio.unmuted | client_event_id? | what is sent is heard again
session.input_audio.append | audio | the caller's audio, as an attached connection sees it
session.output_audio.delta | delta start_ms? end_ms? | audio of the assistant: endless, silence too
session.output_audio.fixture.playing | client_event_id? | a fixture was accepted
session.output_audio.fixture.played | client_event_id? | a fixture has left the server
session.input_transcript.delta | delta start_ms end_ms client_event_id? | words of the user
session.output_transcript.delta | delta start_ms end_ms client_event_id? | words of the assistant
session.instructions.appended | start_ms end_ms client_event_id? | instructions were taken in
session.thinking.appended | start_ms end_ms client_event_id? | context was taken in
session.commentary.appended | start_ms end_ms client_event_id? | commentary was taken in
session.delegation.created | offset_ms delegation client_event_id? | the model hands work over
response.event | event delegation_id? client_event_id? | an event of the backend's response
decision.event | event delegation_id? trigger_id? source_event_id? source_event_type? client_event_id? | a decision
decision.item.created | item client_event_id? | decisions have an item
decision.item.deleted | item_id client_event_id? | decisions have lost an item
transport.dtmf.received | event client_event_id? | the caller pressed a telephone key
transport.dtmf.send | event client_event_id? | a key was sent (in saved logs)
transport.dtmf.sent | event client_event_id? | a key was sent
transport.ringing | session_id client_event_id? | an outbound call rings
transport.answered | session_id client_event_id? | an outbound call was answered
transport.failed | session_id error? client_event_id? | an outbound call failed
"""
