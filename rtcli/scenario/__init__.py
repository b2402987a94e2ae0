"""Scenarios: a voice agent is tested like any other program, from a file, offline, with an exit code."""

SUFFIXES = (".scenario.yaml", ".scenario.yml", ".scenario.json")
"""What a scenario's file ends with. pytest's plugin asks for it in every run: nothing is imported here."""
