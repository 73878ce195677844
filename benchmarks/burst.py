"""What the bursting add-on needs for many pods: memory, how soon they all run on both sides, and how late news are.

`python -m benchmarks.burst [pods]`

The cluster and CCI are stand-ins in a process of their own, so that the figures are the add-on's alone. 1,000 pods must
fit into 150 MB. Once they run, pods change one after the other on both sides, and the stand-ins' process notes when the
other side was told: 95 of 100 within a second.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from burst.api import Api
from burst.node import Place
from burst.pods import Pods
from burst.translate import Cluster
from tests.burst.fakeapi import FakeApi, Where, credentials, serving
from tests.burst.pods import container, pod

JSON = dict[str, Any]

CLUSTER_ID = "bench"
NAMESPACE = f"cce-burst-{CLUSTER_ID}"
MOST_MEGABYTES, MOST_SECONDS = 150, 1.0
CHANGES, PAUSE = 200, 0.05
"""News of each kind, one after the other, and seconds between two of them."""
NEW, GONE, TOLD = "a new pod is made in CCI", "a deletion is told to CCI", "a status is told to the cluster"


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
        world.send("news")
        late = await asyncio.to_thread(world.recv)
        running.cancel()
    print(f"{count} pods run on both sides after {took:.1f} s ({count / took:.0f} a second)")
    print(
        f"memory: {empty:.0f} MB without pods, {full:.0f} MB with them, {most:.0f} MB at most (limit {MOST_MEGABYTES})"
    )
    print(f"processor while nothing changes: {idle:.2%} of a core")
    for what, seconds in late.items():
        p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{what}: {p50 * 1000:.0f} ms at the median, {p95 * 1000:.0f} p95, {max(seconds) * 1000:.0f} at most")
    if most > MOST_MEGABYTES:
        sys.exit("too much memory")
    if any(statistics.quantiles(seconds, n=20)[-1] > MOST_SECONDS for seconds in late.values()):
        sys.exit("too late")


def _megabytes(which: str = "VmRSS") -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


def _world(pipe: Connection, count: int) -> None:
    asyncio.run(_serve(pipe, count))


class _Timed(FakeApi):
    """Notes when each pod was first seen as `said` puts it."""

    def __init__(self, said: Callable[[JSON], str]) -> None:
        super().__init__()
        self.at: dict[tuple[str, str], float] = {}
        self._said = said

    def _write(self, where: Where, obj: JSON) -> JSON:
        if where[0] == "pods":
            self.at.setdefault((where[2], self._said(obj)), time.perf_counter())
        return super()._write(where, obj)


async def _serve(pipe: Connection, count: int) -> None:
    """Both sides; what is created in CCI runs at once."""
    cluster, cci = _Timed(_address), _Timed(_stage)
    async with serving(cluster) as one, serving(cci) as other:
        pipe.send((one.credentials.server, other.credentials.server))
        await asyncio.to_thread(pipe.recv)
        for number in range(count):
            cluster.put("pods", _pod(number))
        starting = asyncio.create_task(_start(cci))
        await asyncio.to_thread(pipe.recv)
        pipe.send(await _news(cluster, cci, count))
        await starting


async def _start(cci: FakeApi) -> None:
    while True:
        for name, there in list(cci.named("pods").items()):
            if there["status"]["phase"] == "Pending":
                cci.change("pods", NAMESPACE, name, status=_running(number=len(name)))
        await asyncio.sleep(0.1)


async def _news(cluster: _Timed, cci: _Timed, count: int) -> dict[str, list[float]]:
    """How long each took to reach the other side."""
    begun: dict[str, dict[tuple[str, str], float]] = {NEW: {}, TOLD: {}, GONE: {}}
    changes = min(CHANGES, count)
    for number in range(changes):
        old, fresh, address = f"web-{number:05d}", f"web-{count + number:05d}", f"10.9.{number}.7"
        begun[NEW][f"shop-{fresh}", "there"] = time.perf_counter()
        cluster.put("pods", _pod(count + number))
        begun[TOLD][old, address] = time.perf_counter()
        cci.change("pods", NAMESPACE, f"shop-{old}", status={"podIP": address, "podIPs": [{"ip": address}]})
        await asyncio.sleep(PAUSE)
    for number in range(changes):
        old = f"web-{number:05d}"
        begun[GONE][f"shop-{old}", "going"] = time.perf_counter()
        end = {"deletionTimestamp": "2026-11-27T08:00:00Z", "deletionGracePeriodSeconds": 30}
        cluster.change("pods", "shop", old, metadata=end)
        await asyncio.sleep(PAUSE)
    seen = {NEW: cci, TOLD: cluster, GONE: cci}
    deadline = time.perf_counter() + 30
    while missing := [key for what, keys in begun.items() for key in keys if key not in seen[what].at]:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"some news never came: {missing[:5]}, {len(missing)} in all")
        await asyncio.sleep(0.05)
    return {what: [seen[what].at[key] - at for key, at in keys.items()] for what, keys in begun.items()}


def _address(pod: JSON) -> str:
    return str((pod.get("status") or {}).get("podIP") or "")


def _stage(pod: JSON) -> str:
    return "going" if pod["metadata"].get("deletionTimestamp") else "there"


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
