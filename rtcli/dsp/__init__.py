"""Sound without devices: G.711, resampling, levels, WAV files, an energy voice detector."""
