"""`rtcli send-event`: send exactly these events, and show exactly what comes back."""
