"""The report page: one session as one HTML file, with its timeline, its audio, its turns and its events."""
