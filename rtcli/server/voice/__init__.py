"""Speech engines: those of the voice extra where they are installed, and basic ones elsewhere."""
