"""The Realtime protocol as pure data and rules: no loop, no thread, no clock, no file, no printing."""
