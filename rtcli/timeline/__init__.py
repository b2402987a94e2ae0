"""Where the time of a session went, from its records alone: turns, their spans, and every figure that is shown."""
