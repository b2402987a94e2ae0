"""The one SSLContext with which this program dials, over HTTP and WebSocket alike."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from rtcli.errors import ConnectError

CERTIFICATE_HINT = "if a CA of your own signed its certificate, name that: SSL_CERT_FILE=ca.pem"
"""What to do about a certificate that is not trusted."""

_CA_HINT = "name a PEM file of CAs, or unset it: the system's are trusted then"


def ssl_context(environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """Trusts what the system trusts; or, as OpenSSL's own tools do, what SSL_CERT_FILE or SSL_CERT_DIR name instead.

    SSLKEYLOGFILE gets the keys of a session, for Wireshark. Raises ConnectError for a variable of no use.
    """
    environ = os.environ if environ is None else environ
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file or folder:
        context = _of_files(file, folder)
    else:
        import truststore

        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if key_log := environ.get("SSLKEYLOGFILE"):
        try:
            context.keylog_filename = key_log
        except OSError as error:
            raise ConnectError(f"SSLKEYLOGFILE={key_log} cannot be written", why=error.strerror or "") from error
    return context


def is_untrusted_certificate(error: BaseException | None) -> bool:
    """Whether a certificate that could not be verified is at the bottom of `error`."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _of_files(file: str | None, folder: str | None) -> ssl.SSLContext:
    if folder and not Path(folder).is_dir():  # OpenSSL takes a folder that is none, and trusts nobody
        raise ConnectError(f"SSL_CERT_DIR={folder} cannot be used", why="there is no such folder", hint=_CA_HINT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file, folder)
    except OSError as error:  # ssl.SSLError is one
        why = "it holds no certificate as PEM" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise ConnectError(f"SSL_CERT_FILE={file} cannot be used", why=why, hint=_CA_HINT) from error
    return context
