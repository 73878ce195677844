"""The kubelet's serving certificate: asked of the cluster, approved by somebody, or its own where nobody signs."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from burst import certificates, csr
from burst.csr import ServingCertificate
from tests.burst.worlds import World, world

JSON = dict[str, Any]


@pytest.fixture
async def idle() -> AsyncIterator[World]:
    async with world() as made:
        yield made


@pytest.fixture
def context() -> ssl.SSLContext:
    return certificates.server_context(certificates.make("10.0.0.9"))


def signed(request: JSON, days: int = 365) -> str:
    """As the cluster's controller signs it."""
    asked = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(asked.subject).public_key(asked.public_key())
    built = built.issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")]))
    built = built.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=days))
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(pem).decode()


async def asked(made: World) -> JSON:
    found = await made.until(lambda: made.cluster.named("certificatesigningrequests"))
    return dict(next(iter(found.values())))


async def test_a_kubelets_request_is_made_and_what_the_cluster_signs_is_served(
    idle: World, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[certificates.Bundle] = []
    monkeypatch.setattr(certificates, "use", lambda _, bundle: used.append(bundle))
    running = asyncio.create_task(ServingCertificate(idle.cluster_api, "10.0.0.9", context).run())
    request = await asked(idle)
    parsed = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
    assert parsed.subject.rfc4514_string() == "CN=system:node:virtual-kubelet,O=system:nodes"
    assert request["spec"]["signerName"] == csr.SIGNER
    status = {"certificate": signed(request)}
    idle.cluster.change("certificatesigningrequests", "", request["metadata"]["name"], status=status)
    await idle.until(lambda: used)
    running.cancel()
    assert base64.b64encode(used[0].certificate.encode()).decode() == status["certificate"]


async def test_the_key_fits_the_certificate_and_new_connections_are_served_with_it(
    idle: World, context: ssl.SSLContext
) -> None:
    serving = ServingCertificate(idle.cluster_api, "10.0.0.9", context)
    asking = asyncio.create_task(serving._asked())
    request = await asked(idle)
    idle.cluster.change(
        "certificatesigningrequests", "", request["metadata"]["name"], status={"certificate": signed(request)}
    )
    bundle = await asking
    assert bundle is not None
    certificates.use(context, bundle)
    assert 365 * 0.6 < serving.seconds_left(bundle.certificate) / 86400 < 365 * 0.91


@pytest.mark.parametrize("status", [403, 404])
async def test_a_cluster_that_signs_none_is_left_alone(idle: World, context: ssl.SSLContext, status: int) -> None:
    idle.cluster.refuse[("POST", "certificatesigningrequests")] = (status, "NotFound", "no such thing here")

    await asyncio.wait_for(ServingCertificate(idle.cluster_api, "10.0.0.9", context).run(), 5)


async def test_a_request_that_is_denied_changes_nothing(idle: World, context: ssl.SSLContext) -> None:
    asking = asyncio.create_task(ServingCertificate(idle.cluster_api, "10.0.0.9", context)._asked())
    name = (await asked(idle))["metadata"]["name"]
    denied = {"conditions": [{"type": "Denied", "status": "True", "message": "who are you"}]}
    idle.cluster.change("certificatesigningrequests", "", name, status=denied)

    assert await asking is None
