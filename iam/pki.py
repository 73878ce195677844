"""The installation's own certificate authority and the certificate of its TLS door.

Made at the first run under `data/secrets/pki`, kept afterwards. kubeconfigs carry the CA, so TLS checking stays on. The
CA's key never leaves its file; server certificates are renewed when they near their end or when the door gets another
name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

from iam import keyfiles

_CA_LIFE = timedelta(days=3650)
_SERVER_LIFE = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=60)
_ALWAYS = (
    "127.0.0.1",
    "::1",
    "localhost",
    # what clients inside pods call it
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class Pki:
    """Where the files are; all PEM."""

    ca: Path
    certificate: Path
    key: Path


def ensure(directory: Path | None = None, *, hosts: Sequence[str] | None = None) -> Pki:
    """Makes what is missing or near its end and says where it lies. Several processes may call it at once."""
    directory = directory or Path(settings.DATA_DIR) / "secrets" / "pki"
    names = _names(_configured_hosts() if hosts is None else hosts)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = Pki(ca=directory / "ca.crt", certificate=directory / "server.crt", key=directory / "server.key")
    with keyfiles.alone(directory):
        ca, ca_key = _authority(paths.ca, directory / "ca.key")
        if not _still_good(paths, ca, names):
            _issue_server(paths, ca, ca_key, names)
    return paths


def fingerprint(authority: Path) -> str:
    """SHA-256 of the CA's certificate in hex, as `openssl x509 -fingerprint -sha256` has it without its colons."""
    return x509.load_pem_x509_certificate(authority.read_bytes()).fingerprint(hashes.SHA256()).hex()


def authority() -> Path:
    """The CA's certificate, without looking at anything else."""
    return Path(settings.DATA_DIR) / "secrets" / "pki" / "ca.crt"


def _configured_hosts() -> list[str]:
    reached_by = urlsplit(settings.API_URL).hostname or ""
    return [settings.HOST, reached_by, settings.POD_API, *settings.ALLOWED_HOSTS]


def _names(hosts: Sequence[str]) -> tuple[x509.GeneralName, ...]:
    """Subject alternative names, without what no client can connect to (`0.0.0.0`, `*`)."""
    wanted = dict.fromkeys([*_ALWAYS, *(host.strip().strip("[]").lower() for host in hosts)])
    return tuple(name for host in wanted if (name := _name(host)) is not None)


def _name(host: str) -> x509.GeneralName | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host.startswith("."):
            return x509.DNSName(f"*{host}")
        return x509.DNSName(host) if host and host != "*" else None
    return None if address.is_unspecified else x509.IPAddress(address)


def _authority(certificate: Path, key: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if certificate.exists() and key.exists():
        return x509.load_pem_x509_certificate(certificate.read_bytes()), keyfiles.load(key)
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CCI installation CA")])
    made = (
        _blank(name, issuer=name, public_key=private.public_key(), life=_CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(private, hashes.SHA256())
    )
    keyfiles.write(key, keyfiles.pem(private), mode=0o600)
    keyfiles.write(certificate, made.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return made, private


def _still_good(paths: Pki, ca: x509.Certificate, names: tuple[x509.GeneralName, ...]) -> bool:
    if not (paths.certificate.exists() and paths.key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(paths.certificate.read_bytes())
    if certificate.not_valid_after_utc - datetime.now(UTC) < _RENEW_BEFORE:
        return False
    if certificate.public_key() != keyfiles.load(paths.key).public_key():
        return False
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # every way a signature can fail to match means the same: issue again
        return False
    has = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(has) == set(names)


def _issue_server(
    paths: Pki, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, names: tuple[x509.GeneralName, ...]
) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cci-api")])
    made = (
        _blank(subject, issuer=ca.subject, public_key=private.public_key(), life=_SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    keyfiles.write(paths.key, keyfiles.pem(private), mode=0o600)
    keyfiles.write(paths.certificate, made.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _blank(
    subject: x509.Name, *, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
