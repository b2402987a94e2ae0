"""Whom this program trusts: the system, or what two variables name."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import truststore

from rtcli.errors import ConnectError
from rtcli.http.tls import is_untrusted_certificate, ssl_context

CERTIFICATE = Path(__file__).parents[1] / "server" / "net" / "certificate" / "certificate.pem"


def test_the_system_decides_whom_to_trust() -> None:
    """And certificates and names are checked."""
    context = ssl_context({})

    assert isinstance(context, truststore.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_ca_of_ones_own_is_trusted_alone() -> None:
    """SSL_CERT_FILE names it, as for OpenSSL's own tools."""
    context = ssl_context({"SSL_CERT_FILE": str(CERTIFICATE)})

    assert len(context.get_ca_certs()) == 1
    assert context.check_hostname


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("SSL_CERT_FILE", None, "No such file"),
        ("SSL_CERT_FILE", "", "no certificate"),
        ("SSL_CERT_DIR", None, "folder"),
    ],
)
def test_a_variable_that_names_nothing_usable_is_named(
    name: str, content: str | None, why: str, tmp_path: Path
) -> None:
    """Instead of a handshake that fails for no visible reason."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConnectError, match=f"{name}=.*{why}"):
        ssl_context({name: str(path)})


def test_the_keys_of_a_session_can_be_logged(tmp_path: Path) -> None:
    """SSLKEYLOGFILE, as in browsers: for Wireshark."""
    assert ssl_context({"SSLKEYLOGFILE": str(tmp_path / "keys")}).keylog_filename == str(tmp_path / "keys")


def test_an_untrusted_certificate_is_found_under_other_errors() -> None:
    """Libraries wrap it."""
    outer = OSError("all attempts failed")
    outer.__cause__ = ssl.SSLCertVerificationError("self-signed")

    assert is_untrusted_certificate(outer)
    assert not is_untrusted_certificate(ssl.SSLError("wrong version number"))
    assert not is_untrusted_certificate(None)
