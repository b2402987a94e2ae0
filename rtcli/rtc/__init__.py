"""WebRTC: one peer behind an interface, and what surrounds it as arithmetic that needs no library."""
