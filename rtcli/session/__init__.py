"""One realtime session of a person: it owns transport, sound, history, log and tools, and tells what happens."""
