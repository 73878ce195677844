"""Certificates that the add-on makes for itself: an authority, and what it signs for the server's names."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=3650)
_BEFORE = timedelta(minutes=5)
"""Clocks differ."""


@dataclass(frozen=True)
class Bundle:
    """PEM texts: a server's certificate and key, and the authority by which it is known."""

    authority: str
    certificate: str
    key: str


def make(*names: str) -> Bundle:
    """For a server that is reached by `names`, which may be addresses."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        _built("cci-burst authority", authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
    )
    issuer = authority.sign(authority_key, hashes.SHA256())
    key = ec.generate_private_key(ec.SECP256R1())
    server = (
        _built(names[0][:64], key.public_key(), issuer=issuer.subject)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    return Bundle(_pem(issuer), _pem(server.sign(authority_key, hashes.SHA256())), _private(key))


def server_context(bundle: Bundle, *, clients: str = "") -> ssl.SSLContext:
    """`clients`: the authority (PEM) of callers that show a certificate; without it, none is asked for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    use(context, bundle)
    if clients:
        trust_clients(context, clients)
    return context


def use(context: ssl.SSLContext, bundle: Bundle) -> None:
    """New connections are served with this certificate."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        key.touch(mode=0o600)
        certificate.write_text(bundle.certificate)
        key.write_text(bundle.key)
        context.load_cert_chain(certificate, key)


def request(name: str, group: str, *hosts: str) -> tuple[str, str]:
    """A request for a server's certificate, and its key (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = builder.add_extension(x509.SubjectAlternativeName([_name(one) for one in hosts]), critical=False)
    return signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode(), _private(key)


def life(certificate: str) -> tuple[datetime, datetime]:
    """From when to when it is good; of a chain, its first one."""
    found = x509.load_pem_x509_certificate(certificate.encode())
    return found.not_valid_before_utc, found.not_valid_after_utc


def trust_clients(context: ssl.SSLContext, authority: str) -> None:
    """New connections may show a certificate of `authority` (PEM)."""
    context.load_verify_locations(cadata=authority)
    context.verify_mode = ssl.CERT_OPTIONAL


def _built(name: str, key: ec.EllipticCurvePublicKey, *, issuer: x509.Name | None = None) -> x509.CertificateBuilder:
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + LIFE)
    )


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
