"""Transports: the Python counterpart of the transport layer of OpenAI's JavaScript agents SDK."""
