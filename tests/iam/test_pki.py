"""A CA made once, and a server certificate that is renewed before anybody notices."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import time_machine
from cryptography import x509

from iam import pki


def _names(paths: pki.Pki) -> set[str]:
    certificate = x509.load_pem_x509_certificate(paths.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_the_certificate_is_signed_by_the_ca_and_names_every_door(tmp_path):
    paths = pki.ensure(tmp_path, hosts=["192.0.2.7", "cci.example.com"])
    ca = x509.load_pem_x509_certificate(paths.ca.read_bytes())
    x509.load_pem_x509_certificate(paths.certificate.read_bytes()).verify_directly_issued_by(ca)
    inside = {"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
    assert _names(paths) == {"127.0.0.1", "::1", "localhost", "192.0.2.7", "cci.example.com", *inside}


def test_the_name_in_kubeconfigs_is_a_door_too(tmp_path, settings):
    settings.API_URL = "https://api.example.com:16443"
    assert "api.example.com" in _names(pki.ensure(tmp_path))


def test_the_address_that_pods_know_is_a_door_too(tmp_path, settings):
    settings.POD_API = "10.247.0.9"
    assert "10.247.0.9" in _names(pki.ensure(tmp_path))


def test_a_second_start_keeps_what_there_is(tmp_path):
    first = pki.ensure(tmp_path, hosts=[])
    before = first.ca.read_bytes(), first.certificate.read_bytes(), first.key.read_bytes()
    again = pki.ensure(tmp_path, hosts=["0.0.0.0", "*", ""])  # noqa: S104
    assert before == (again.ca.read_bytes(), again.certificate.read_bytes(), again.key.read_bytes())


def test_private_keys_are_readable_by_their_owner_alone(tmp_path):
    pki.ensure(tmp_path / "pki", hosts=[])
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "pki" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_the_certificate_is_renewed_near_its_end_under_the_same_ca(tmp_path):
    first = pki.ensure(tmp_path, hosts=[])
    ca, certificate = first.ca.read_bytes(), first.certificate.read_bytes()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=360)):
        pki.ensure(tmp_path, hosts=[])
    assert first.ca.read_bytes() == ca
    assert first.certificate.read_bytes() != certificate


def test_another_host_name_gives_another_certificate(tmp_path):
    pki.ensure(tmp_path, hosts=[])
    assert str(ip_address("198.51.100.4")) in _names(pki.ensure(tmp_path, hosts=["198.51.100.4"]))
