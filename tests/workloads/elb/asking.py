"""Objects as tests of the proxy put them, and what is asked of those who serve them."""

from __future__ import annotations

import base64
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.workloads.elb.proxies import Proxy

JSON = dict[str, Any]


class Puts(Protocol):
    def put(self, kind: str, name: str, **parts: Any) -> JSON: ...


def service(proxy: Proxy, name: str, number: int, *places: str, protocol: str = "TCP", **spec: Any) -> JSON:
    """A Service with the ClusterIP of that number, and an endpoint that is ready at each place."""
    made = proxy.put(
        "Service",
        name,
        spec={
            "type": "ClusterIP",
            "clusterIP": proxy.address(number),
            "ports": [{"name": "main", "port": 80, "protocol": protocol}],
            **spec,
        },
    )
    endpoints(proxy, name, *places, protocol=protocol)
    return made


def endpoints(proxy: Puts, name: str, *places: str, protocol: str = "TCP", **conditions: bool) -> JSON:
    found = [
        {
            "addresses": [place],
            "conditions": {"ready": True, "serving": True, "terminating": False, **conditions},
            "targetRef": {"kind": "Pod", "uid": f"pod-{place}"},
        }
        for place in places
    ]
    return proxy.put(
        "EndpointSlice",
        f"{name}-1",
        metadata={"labels": {"kubernetes.io/service-name": name}},
        ports=[{"name": "main", "port": 8080, "protocol": protocol}],
        endpoints=found,
        addressType="IPv4",
    )


def path(to: str, where: str = "/", type: str = "Prefix") -> JSON:
    return {"path": where, "pathType": type, "backend": {"service": {"name": to, "port": {"number": 80}}}}


def ingress(proxy: Proxy, name: str, *rules: tuple[str, list[JSON]], **more: Any) -> JSON:
    annotations = {f"elb.cci.io/{key}": value for key, value in more.pop("annotations", {}).items()}
    port = more.pop("port", None)
    if port:
        annotations["kubernetes.io/elb.port"] = str(port)
    told = [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in rules]
    return proxy.put("Ingress", name, metadata={"annotations": annotations}, spec={"rules": told, **more})


def get(address: str, port: int = 80, where: str = "/", host: str = "", **more: Any) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=more.pop("source", None))) as client:
        return client.get(f"http://{address}:{port}{where}", headers={"Host": host} if host else {}, **more)


def certificate(*hosts: str, serial: int = 1) -> tuple[str, str]:
    """PEM of a certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *form).decode()
    return made.public_bytes(serialization.Encoding.PEM).decode(), private


def secret(proxy: Proxy, name: str, pair: tuple[str, str]) -> None:
    data = {
        part: base64.b64encode(text.encode()).decode() for part, text in zip(("tls.crt", "tls.key"), pair, strict=True)
    }
    proxy.put("Secret", name, type="kubernetes.io/tls", data=data)


def until(client: socket.socket, end: bytes) -> bool:
    client.settimeout(5)
    found = b""
    while not found.endswith(end):
        some = client.recv(4096)
        if not some:
            return False
        found += some
    return True


def eventually(ask: Any, wanted: Any, *, seconds: float = 3) -> Any:
    """Envoy has acknowledged; its workers take a moment more."""
    deadline = time.monotonic() + seconds
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
