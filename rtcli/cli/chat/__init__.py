"""`rtcli chat`: at a prompt in a terminal, line by line in a pipe."""
