"""The prompt, and the one writer while it is up."""
