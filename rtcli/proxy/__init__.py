"""The relay between an app and a Realtime endpoint: it passes what comes, and can look, hold, change and break."""
