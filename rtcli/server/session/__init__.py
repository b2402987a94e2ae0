"""The server's side of one session, without a socket or a clock: client events in, effects out."""
