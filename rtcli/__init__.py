"""rtcli: the terminal, the transport and a local server for the OpenAI Realtime API."""

__version__ = "0.1.0"
