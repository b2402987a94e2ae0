"""TLS for the server, for clients that connect to wss alone: a certificate and its key, as files."""

from __future__ import annotations

import ssl
from pathlib import Path

from rtcli.errors import InputError, UsageError
from rtcli.http.reasons import tls_reason


def tls_context(certificate: Path | str | None, key: Path | str | None) -> ssl.SSLContext | None:
    """What `RealtimeServer(ssl=...)` takes, from PEM files; None without them. The certificate's file may hold the key.

    Raises UsageError for a key without a certificate, and InputError for files that cannot be used.
    """
    if certificate is None:
        if key is not None:
            raise UsageError("a TLS key without its certificate", hint="give the certificate too: --tls-cert FILE")
        return None
    for file in (certificate, key or certificate):  # ssl names neither the file nor the reason
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise InputError(str(file), error.strerror or str(error)) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        why = "it holds no certificate and key that belong together"
        raise InputError(str(certificate), why, hint=f"both are PEM ({tls_reason(error)})") from error
    return context
