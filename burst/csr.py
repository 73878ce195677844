"""The kubelet's certificate from the cluster's own authority, where the cluster signs such requests and somebody (or an
approver) approves them: then `--kubelet-certificate-authority` of its API server, and metrics-server without
`--kubelet-insecure-tls`, take the virtual node for what it is.

The request is a kubelet's (signer `kubernetes.io/kubelet-serving`). Until it is answered, the certificate that the
add-on made for itself serves, and it goes on to where the cluster has no such requests. The key never leaves the
process: another life asks anew, as a kubelet on a new address does.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import random
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from burst import certificates, names
from burst.api import Api, ApiError, Unreachable
from burst.certificates import Bundle
from burst.mirrors import Mirror

JSON = dict[str, Any]

SIGNER = "kubernetes.io/kubelet-serving"
USAGES = ["digital signature", "server auth"]
RETRY_SECONDS = 60.0
"""Before a request that was collected, or refused, is made anew."""
_NOT_SERVED = (403, 404)

log = logging.getLogger(__name__)


class ServingCertificate:
    def __init__(
        self, cluster: Api, address: str, context: ssl.SSLContext, *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._cluster, self._address, self._context = cluster, address, context
        self._now = now or (lambda: datetime.now(UTC))

    async def run(self) -> None:
        """Until the cluster says that it signs none; each certificate is asked for anew before it runs out."""
        while True:
            try:
                bundle = await self._asked()
            except ApiError as error:
                if error.status in _NOT_SERVED:
                    log.info("the cluster signs no certificate for the kubelet (%s): its own one goes on", error)
                    return
                log.warning("no certificate was asked for: %s", error)
                bundle = None
            except Unreachable as error:
                log.info("no certificate was asked for: %s", error or type(error).__name__)
                bundle = None
            if bundle is None:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            certificates.use(self._context, bundle)
            log.info("the kubelet has a certificate of the cluster's")
            await asyncio.sleep(self.seconds_left(bundle.certificate))

    def seconds_left(self, certificate: str) -> float:
        """Until seven to nine tenths of its life are over, as kubelets wait."""
        begins, ends = certificates.life(certificate)
        renewed = begins + (ends - begins) * random.uniform(0.7, 0.9)  # noqa: S311
        return max(RETRY_SECONDS, (renewed - self._now()).total_seconds())

    async def _asked(self) -> Bundle | None:
        """None when the request went, or was denied. Raises ApiError."""
        request, key = certificates.request(f"system:node:{names.NODE}", "system:nodes", self._address, names.NODE)
        name = f"cci-burst-{hashlib.sha256(request.encode()).hexdigest()[:20]}"
        spec = {"request": base64.b64encode(request.encode()).decode(), "signerName": SIGNER, "usages": USAGES}
        body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name}}
        await self._cluster.create("certificatesigningrequests", body | {"spec": spec})
        log.info("the kubelet's certificate waits for: kubectl certificate approve %s", name)
        certificate = await self._answer(name)
        return Bundle("", certificate, key) if certificate else None

    async def _answer(self, name: str) -> str:
        """The certificate (PEM); "" where there will be none."""
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def changed(before: JSON | None, now: JSON | None) -> None:
            if not answered.done() and (text := _verdict(now)) is not None:
                answered.set_result(text)

        mirror = Mirror(self._cluster, "certificatesigningrequests", changed=changed, field=f"metadata.name={name}")
        following = asyncio.create_task(mirror.run())
        try:
            await mirror.listed.wait()
            if not mirror.objects and not answered.done():
                return ""
            return await answered
        finally:
            following.cancel()


def _verdict(request: JSON | None) -> str | None:
    """None while it is open."""
    if request is None:
        return ""
    status = request.get("status") or {}
    if text := status.get("certificate"):
        return base64.b64decode(text).decode()
    for one in status.get("conditions") or []:
        if one.get("type") in ("Denied", "Failed"):
            log.warning("the kubelet's certificate was refused: %s %s", one["type"], one.get("message", ""))
            return ""
    return None
