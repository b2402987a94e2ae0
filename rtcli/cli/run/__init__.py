"""`rtcli run`: the command, what it plays, and what it tells of it."""
