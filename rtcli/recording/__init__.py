"""Sessions as files: written while they happen, and read again."""
