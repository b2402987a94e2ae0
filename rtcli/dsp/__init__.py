"""Audio without devices: formats, resampling, levels, WAV files, an energy voice detector."""
