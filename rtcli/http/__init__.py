"""HTTP: requests to others, TLS for them and for WebSockets, and the front that answers requests beside a WebSocket."""
