"""Calls: what WebRTC and the telephone add to a session, from the offer or the ring to the end."""
