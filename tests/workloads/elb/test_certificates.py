"""What who asks by TLS is shown, through a real Envoy."""

from __future__ import annotations

import socket
import ssl

import pytest
from cryptography import x509

from tests.workloads.elb.asking import certificate, eventually, get, ingress, path, secret, until
from tests.workloads.elb.proxies import Proxy

pytestmark = pytest.mark.usefixtures("backends")


def test_each_host_shows_its_own_and_port_80_sends_there(proxy: Proxy, elb: str) -> None:
    secret(proxy, "one", certificate("one.example", serial=11))
    secret(proxy, "two", certificate("two.example", serial=12))
    tls = [{"hosts": [f"{name}.example"], "secretName": name} for name in ("one", "two")]
    ingress(proxy, "tls", ("one.example", [path("a")]), ("two.example", [path("b")]), tls=tls)
    assert (shown(elb, "one.example"), shown(elb, "two.example")) == (11, 12)
    answer = get(elb, 80, "/x", "two.example")
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://two.example/x")


def test_who_asks_for_no_host_is_shown_the_first(proxy: Proxy, elb: str) -> None:
    secret(proxy, "first", certificate("first.example", serial=31))
    tls = [{"hosts": ["first.example"], "secretName": "first"}]
    ingress(proxy, "first", ("first.example", [path("a")]), tls=tls, port=8443)
    assert (shown(elb, "", 8443), shown(elb, "else.example", 8443)) == (31, 31)


def test_a_new_certificate_is_shown_at_once_and_a_broken_one_never(proxy: Proxy, elb: str) -> None:
    secret(proxy, "turns", certificate("turns.example", serial=21))
    tls = [{"hosts": ["turns.example"], "secretName": "turns"}]
    ingress(proxy, "turns", ("turns.example", [path("a")]), tls=tls)
    before = shown(elb, "turns.example")
    secret(proxy, "turns", certificate("turns.example", serial=22))
    after = eventually(lambda: shown(elb, "turns.example"), 22)
    secret(proxy, "turns", (certificate("turns.example", serial=23)[0], certificate("other.example")[1]))
    assert (before, after, shown(elb, "turns.example")) == (21, 22, 22)


def test_the_pod_is_told_that_it_was_https(proxy: Proxy, elb: str) -> None:
    secret(proxy, "proto", certificate("proto.example"))
    tls = [{"hosts": ["proto.example"], "secretName": "proto"}]
    ingress(proxy, "proto", ("proto.example", [path("a")]), tls=tls)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((elb, 443), timeout=5) as line,
        context.wrap_socket(line, server_hostname="proto.example") as secured,
    ):
        secured.sendall(b"GET / HTTP/1.1\r\nHost: proto.example\r\nX-Forwarded-Proto: http\r\n\r\n")
        assert until(secured, b"https\n")


def test_https_speaks_http_2(proxy: Proxy, elb: str) -> None:
    secret(proxy, "h2", certificate("h2.example"))
    ingress(proxy, "h2", ("h2.example", [path("a")]), tls=[{"hosts": ["h2.example"], "secretName": "h2"}])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((elb, 443), timeout=5) as line,
        context.wrap_socket(line, server_hostname="h2.example") as secured,
    ):
        assert secured.selected_alpn_protocol() == "h2"


def shown(address: str, host: str, port: int = 443) -> int:
    """The serial number of the certificate that a client who asks for `host` is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, port), timeout=5) as line,
        context.wrap_socket(line, server_hostname=host or None) as secured,
    ):
        seen = secured.getpeercert(binary_form=True)
    assert seen is not None
    return x509.load_der_x509_certificate(seen).serial_number
