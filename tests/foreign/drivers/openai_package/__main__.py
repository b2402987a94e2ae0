"""Runs the checks of every module here."""

from __future__ import annotations

from tests.foreign.drivers.harness import main
from tests.foreign.drivers.openai_package import items, responses, sessions, tools, turns

MODULES = (sessions, turns, items, responses, tools)

if __name__ == "__main__":
    main()
