"""Slash commands: each a function whose typed parameters are its parser and its completion, and which returns views."""
