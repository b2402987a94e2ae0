"""Exporters: the records of a session in, a file of another program out."""
