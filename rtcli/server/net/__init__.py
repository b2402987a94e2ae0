"""What listens and who may connect: the WebSocket listener, the handshake, client secrets, TLS."""
