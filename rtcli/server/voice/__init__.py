"""What the server hears and speaks with: speech engines where they are installed, and basic ones elsewhere."""
