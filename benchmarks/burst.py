"""What the bursting add-on needs for many pods: memory, and how soon they all run on both sides.

`python -m benchmarks.burst [pods]`

The cluster and CCI are stand-ins in a process of their own, so that the figures are the add-on's alone. 1,000 pods must
fit into 150 MB.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from burst.api import Api
from burst.node import Place
from burst.pods import Pods
from burst.translate import Cluster
from tests.burst.fakeapi import FakeApi, credentials, serving
from tests.burst.pods import container, pod

CLUSTER_ID = "bench"
MOST_MEGABYTES = 150


def main(count: int = 1000) -> None:
    here, there = multiprocessing.Pipe()
    world = multiprocessing.get_context("spawn").Process(target=_world, args=(there, count), daemon=True)
    world.start()
    try:
        asyncio.run(_measure(here, count))
    finally:
        world.terminate()


async def _measure(world: Connection, count: int) -> None:
    cluster_url, cci_url = world.recv()
    async with Api(credentials(cluster_url)) as cluster, Api(credentials(cci_url)) as cci:
        pods = Pods(cluster, cci, Cluster(CLUSTER_ID), Place("10.0.0.9", 10250))
        empty, running = _megabytes(), asyncio.create_task(pods.run())
        began = time.monotonic()
        world.send("go")
        while sum((one.get("status") or {}).get("phase") == "Running" for one in pods.wanted.objects.values()) < count:
            await asyncio.sleep(0.05)
            if running.done():
                running.result()
        took, full, most = time.monotonic() - began, _megabytes(), _megabytes("VmHWM")
        before = time.process_time()
        await asyncio.sleep(5)
        idle = (time.process_time() - before) / 5
        running.cancel()
    print(f"{count} pods run on both sides after {took:.1f} s ({count / took:.0f} a second)")
    print(
        f"memory: {empty:.0f} MB without pods, {full:.0f} MB with them, {most:.0f} MB at most (limit {MOST_MEGABYTES})"
    )
    print(f"processor while nothing changes: {idle:.2%} of a core")
    if most > MOST_MEGABYTES:
        sys.exit("too much memory")


def _megabytes(which: str = "VmRSS") -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


def _world(pipe: Connection, count: int) -> None:
    asyncio.run(_serve(pipe, count))


async def _serve(pipe: Connection, count: int) -> None:
    """Both sides; what is created in CCI runs at once."""
    cluster, cci = FakeApi(), FakeApi()
    async with serving(cluster) as one, serving(cci) as other:
        pipe.send((one.credentials.server, other.credentials.server))
        await asyncio.to_thread(pipe.recv)
        for number in range(count):
            cluster.put("pods", _pod(number))
        while True:
            for name, there in list(cci.named("pods").items()):
                if there["status"]["phase"] == "Pending":
                    cci.change("pods", f"cce-burst-{CLUSTER_ID}", name, status=_running(number=len(name)))
            await asyncio.sleep(0.1)


def _pod(number: int) -> dict[str, object]:
    """As large as pods are: variables, a probe, a mounted account, what an API server adds to all of that."""
    variables = [{"name": f"VARIABLE_{index}", "value": f"value-{index}"} for index in range(10)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10}
    one = container(env=variables, readinessProbe=probe, livenessProbe=probe, ports=[{"containerPort": 8080}])
    made = pod(f"web-{number:05d}", containers=[one], tolerations=[{"operator": "Exists"}], schedulerName="default")
    made["metadata"]["managedFields"] = [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}}] * 3
    return made


def _running(number: int) -> dict[str, object]:
    state = {"running": {"startedAt": "2026-11-27T07:00:01Z"}}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": "2026-11-27T07:00:01Z"}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    status = {"name": "main", "ready": True, "restartCount": 0, "state": state, "image": "nginx:1.27"}
    ip = f"10.1.0.{number}"
    return {
        "phase": "Running",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": "2026-11-27T07:00:00Z",
        "conditions": conditions,
        "containerStatuses": [status | {"imageID": "docker.io/nginx@sha256:" + "0" * 64}],
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
