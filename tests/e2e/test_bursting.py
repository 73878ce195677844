"""A pod of a cluster runs in the running product, and the kubectl of the cluster reads and enters it until it goes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from burst import serving
from burst.api import Api
from burst.authorization import Authorization
from burst.credentials import load
from burst.heartbeat import Heartbeat
from burst.kubelet import Kubelet
from burst.leader import Leader
from burst.node import Place
from burst.translate import Cluster
from tests.burst.fakeapi import FakeApi
from tests.burst.fakeapi import serving as cluster_serving
from tests.burst.fronts import front, kubectl
from tests.burst.pods import container, pod
from tests.images import BUSYBOX
from tests.stack import Stack

SAYS = "echo I am $NAME; hostname; trap 'exit 0' TERM; while true; do sleep 0.2; done"


@asynccontextmanager
async def bursting(stack: Stack, cluster_id: str) -> AsyncIterator[tuple[FakeApi, str]]:
    """The cluster, and its API's address for kubectl."""
    config = await asyncio.to_thread(stack.kubeconfig)
    fake = FakeApi()
    async with cluster_serving(fake) as cluster, Api(load(str(config))) as cci:
        heartbeat = Heartbeat(cci, cluster_id)
        leader = Leader(cluster, cci, Cluster(cluster_id), Place("127.0.0.1", 10250), heartbeat)
        kubelet = Kubelet(
            cci,
            heartbeat.namespace,
            Authorization(cluster),
            wanted=leader.pods.wanted.objects.values,
            there=leader.pods.there.objects.values,
        )
        server = await serving.serve(kubelet.handle, host="127.0.0.1", port=0, context=None)
        port = server.sockets[0].getsockname()[1]
        running = asyncio.create_task(leader.run())
        async with front(port, lambda: fake.objects[("pods", "shop", "web")]) as address:
            yield fake, address
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        server.close()
        await cci.delete("namespaces", name=heartbeat.namespace)


async def test_a_pod_of_a_cluster_runs_here_and_answers_its_kubectl(stack: Stack, tmp_path: Path) -> None:
    cluster_id = f"t-{secrets.token_hex(4)}"
    async with bursting(stack, cluster_id) as (cluster, address):
        cluster.put("configmaps", {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"colour": "blue"}})
        cluster.put("pods", shop_web())
        await _until(lambda: _status(cluster).get("phase") == "Running")
        await _until(lambda: all(one["ready"] for one in _status(cluster)["containerStatuses"]))
        code, logs, _ = await kubectl(address, tmp_path, "logs", "web")
        assert (code, logs) == (0, "I am web\nweb\n")
        code, output, _ = await kubectl(address, tmp_path, "exec", "-i", "web", "--", "sh", stdin=b"cat /v/*; exit 7\n")
        assert (code, output) == (7, "bluetoken-1")
        reasons = {event["reason"] for event in cluster.named("events").values()}
        assert {"Scheduled", "Created", "Started"} <= reasons
        cluster.change("pods", "shop", "web", metadata=_deleted())
        await _until(lambda: ("pods", "shop", "web") not in cluster.objects)
        there = await asyncio.to_thread(stack.kubectl, "-n", f"cce-burst-{cluster_id}", "get", "pods", "-o", "name")
        assert there == ""


def shop_web() -> dict[str, Any]:
    name = {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    sources = [{"configMap": {"name": "settings"}}, {"serviceAccountToken": {"path": "token"}}]
    mount = {"name": "v", "mountPath": "/v"}
    app = container(image=BUSYBOX, command=["sh", "-c", SAYS], env=[name], volumeMounts=[mount])
    return pod(containers=[app], volumes=[{"name": "v", "projected": {"sources": sources}}])


def _status(cluster: FakeApi) -> dict[str, Any]:
    return cluster.objects[("pods", "shop", "web")].get("status") or {}


def _deleted() -> dict[str, Any]:
    return {"deletionTimestamp": "2026-01-01T12:00:00Z", "deletionGracePeriodSeconds": 5}


async def _until(seen: Any) -> None:
    async with asyncio.timeout(60):
        while not seen():
            await asyncio.sleep(0.02)
