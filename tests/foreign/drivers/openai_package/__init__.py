"""The official `openai` package, unmodified, through everything that it offers for the Realtime API."""
