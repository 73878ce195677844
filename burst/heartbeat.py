"""By what CCI knows that the cluster is still there: a Lease in the cluster's namespace in CCI.

It is renewed by who has just reached the cluster, and by nobody else: an add-on that goes on while its cluster is gone
keeps no pod alive. When it has not been renewed for the grace time, CCI ends the pods and their bill.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from burst import names, times
from burst.api import Api, ApiError

JSON = dict[str, Any]

RENEW_SECONDS = 30.0
GRACE_SECONDS = 900
"""Longer than a partition of ten minutes and what is needed to come back from it."""

log = logging.getLogger(__name__)


@dataclass
class Heartbeat:
    cci: Api
    cluster_id: str
    grace: int = GRACE_SECONDS

    @property
    def namespace(self) -> str:
        return names.namespace_of(self.cluster_id)

    async def prepare(self) -> None:
        """The namespace is there. Raises ApiError."""
        known = await self.cci.find("namespaces", name=self.namespace)
        if known is None:
            namespace = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": self.namespace,
                    "labels": {names.CLUSTER_LABEL: self.cluster_id},
                    "annotations": {
                        "namespace.kubernetes.io/flavor": "general-computing",
                        names.ROUND_ANNOTATION: "true",
                    },
                },
            }
            try:
                await self.cci.create("namespaces", namespace)
            except ApiError as error:
                if not error.conflict:
                    raise

    async def beat(self, *, local: int | None = None) -> None:
        """`local` pods run on the cluster's own nodes; None where that is not known. Raises ApiError."""
        spec = {
            "holderIdentity": self.cluster_id,
            "leaseDurationSeconds": self.grace,
            "renewTime": times.micro(times.now()),
        }
        annotations = {names.GRACE_ANNOTATION: str(self.grace)}
        if local is not None:
            annotations[names.LOCAL_ANNOTATION] = str(local)
        try:
            await self.cci.patch(
                "leases",
                {"metadata": {"annotations": annotations}, "spec": spec},
                namespace=self.namespace,
                name=names.HEARTBEAT_LEASE,
            )
            return
        except ApiError as error:
            if not error.not_found:
                raise
        await self.prepare()
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": names.HEARTBEAT_LEASE,
                "namespace": self.namespace,
                "labels": {names.CLUSTER_LABEL: self.cluster_id},
                "annotations": annotations,
            },
            "spec": spec,
        }
        await self.cci.create("leases", lease, namespace=self.namespace)
