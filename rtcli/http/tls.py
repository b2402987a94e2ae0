"""The one SSLContext with which this program dials, over HTTP and WebSocket alike."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from rtcli.errors import UsageError

CERTIFICATE_HINT = "if a CA of your own signed its certificate, name that: SSL_CERT_FILE=ca.pem"
"""What to do about a certificate that is not trusted."""


def ssl_context(environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """Trusts what the system trusts; or, as OpenSSL's own tools do, what SSL_CERT_FILE or SSL_CERT_DIR name instead.

    SSLKEYLOGFILE gets the keys of a session, for Wireshark. Raises UsageError for a variable that names nothing usable.
    """
    environ = os.environ if environ is None else environ
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file or folder:
        return _of_files(file, folder)
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if key_log := environ.get("SSLKEYLOGFILE"):  # Python's own contexts do this by themselves
        context.keylog_filename = key_log
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
        raise UsageError(f"SSL_CERT_DIR={folder} cannot be used", why="there is no such folder")
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:  # ssl.SSLError is one
        why = "it holds no certificate as PEM" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise UsageError(f"SSL_CERT_FILE={file} cannot be used", why=why) from error
