"""Scenarios: a voice agent is tested like any other program, from a file, offline, with an exit code."""
