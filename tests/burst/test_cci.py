"""The add-on and the service's own API: what it writes is taken, and read as it was meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from burst import names
from burst.api import Api
from burst.credentials import load
from burst.heartbeat import Heartbeat
from burst.leader import Leader
from burst.translate import Cluster
from iam import kubeconfig, pki, tokens
from iam.models import User
from tests.burst.fakeapi import FakeApi, serving
from tests.burst.pods import CLUSTER_ID, container, pod
from tests.burst.worlds import CCI_NAMESPACE, PLACE, World
from tests.workloads.kubeapi.conftest import (  # noqa: F401
    alice_user,
    certificates,
    cheap_passwords,
    data_dir,
    running_server,
    server,
)


@asynccontextmanager
async def against(config: Path) -> AsyncIterator[tuple[World, Leader]]:
    cluster = FakeApi()
    async with serving(cluster) as cluster_api, Api(load(str(config))) as cci:
        made = World(cluster, FakeApi(), cluster_api, cci)
        leader = Leader(cluster_api, cci, Cluster(CLUSTER_ID), PLACE, Heartbeat(cci, CLUSTER_ID))
        await leader._prepare()
        try:
            yield made, leader
        finally:
            await made.kill()


@pytest.fixture
def cci_config(
    server: str,  # noqa: F811
    certificates: pki.Pki,  # noqa: F811
    alice_user: User,  # noqa: F811
    tmp_path: Path,
) -> Path:
    """A kubeconfig of alice's."""
    text = yaml.safe_load(kubeconfig.build(alice_user, tokens.issue(alice_user).token, server))
    text["clusters"][0]["cluster"] = {"server": server, "certificate-authority": str(certificates.ca)}
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(text))
    return path


async def test_a_pod_with_all_that_is_carried_over_is_taken_by_the_service(cci_config: Path) -> None:
    async with against(cci_config) as (burst, leader):
        await leader.beat()
        burst.start()
        burst.cluster.put("configmaps", {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"a": "1"}})
        burst.cluster.put("pods", everything())
        there: dict[str, Any] = await burst.until(lambda: burst.pods.of(("shop", "web")), within=10)
        assert there["metadata"]["annotations"][names.SIZE_ANNOTATION] == "0.50_3.0"
        await burst.until(lambda: burst.status().get("startTime"))
        lease = await burst.cci_api.get("leases", CCI_NAMESPACE, names.HEARTBEAT_LEASE)
        assert lease["spec"]["holderIdentity"] == CLUSTER_ID
        burst.cluster.change("configmaps", "shop", "settings", data={"a": "2"})
        burst.cluster.change("pods", "shop", "web", metadata={"labels": {"tier": "front"}})
        label = {"labelSelector": "tier=front"}
        await burst.until(lambda: burst.pods.there.objects and "tier" in labels(burst), within=10)
        assert (await burst.cci_api.listed("pods", CCI_NAMESPACE, **label))[0]


def labels(burst: World) -> dict[str, str]:
    return dict((burst.pods.of(("shop", "web")) or {"metadata": {}})["metadata"].get("labels") or {})


def everything() -> dict[str, Any]:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "settings"}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    environment = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
    ]
    resources = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "240m", "memory": "3Gi"}}
    return pod(
        containers=[container(env=environment, resources=resources, volumeMounts=[{"name": "v", "mountPath": "/v"}])],
        volumes=[{"name": "v", "projected": {"sources": sources, "defaultMode": 420}}],
        tolerations=[{"operator": "Exists"}],
        serviceAccountName="default",
        schedulerName="default-scheduler",
        priority=0,
        preemptionPolicy="PreemptLowerPriority",
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        securityContext={},
    )
