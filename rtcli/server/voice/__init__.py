"""The engines that hear and speak: Silero's detector, Whisper tiny.en and the hibari voice, each of them optional."""
