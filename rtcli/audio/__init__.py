"""Audio devices: which there are, the speaker that counts what it really played, the microphone, the echo guard."""
