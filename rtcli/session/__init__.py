"""One realtime session: what can be known of it by looking at its records, and what can be done in it."""
