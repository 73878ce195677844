"""From a pod's Ready to its first answer through the ELB: p95 below 200 ms is the aim.

`python -m benchmarks.ready_to_serving [pods]`

A Deployment behind an Ingress is scaled from 0 to 1 again and again. One thread watches its pods, as any program would,
and notes when one is Ready; another asks the ELB every few milliseconds and notes the first 200. Starts a product of
its own. Needs nginx (`apt-get install nginx-light`).
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from typing import Any

import httpx
import orjson

from benchmarks.pod_start import kube_api
from benchmarks.rolled_pods import HOST, NAMESPACE, expose
from tests.stack import running_stack
from workloads.meta import conditions

AIM_MS = 200
_PAUSE = 0.003
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web"
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def main(pods: int = 40) -> None:
    with running_stack() as stack, kube_api(stack) as kube:
        address = expose(stack, replicas=1)
        took = []
        for _ in range(pods):
            _scale(kube, 0)
            stack.wait(lambda: not kube.get(_PODS).raise_for_status().json()["items"], what="the pod to go")
            took.append(_once(kube, address))
        ordered = sorted(took)
        median, p95 = statistics.median(ordered) * 1000, ordered[max(0, round(pods * 0.95) - 1)] * 1000
        print(f"{pods} pods: serving {median:.0f} ms after Ready (median), p95 {p95:.0f} ms; the aim is {AIM_MS}")
        print(f"fastest {ordered[0] * 1000:.0f} ms, slowest {ordered[-1] * 1000:.0f} ms; load {os.getloadavg()[0]:.1f}")


def _once(kube: httpx.Client, address: str) -> float:
    seen: dict[str, float] = {}
    watching = threading.Event()
    watch = threading.Thread(target=_watch, args=(kube, seen, watching), daemon=True)
    watch.start()
    assert watching.wait(10)
    _scale(kube, 1)
    with httpx.Client(headers={"Host": HOST}, timeout=10) as person:
        while person.get(f"http://{address}/").status_code != 200:
            time.sleep(_PAUSE)
        served = time.monotonic()
    watch.join(10)
    return served - seen["ready"]


def _watch(kube: httpx.Client, seen: dict[str, float], watching: threading.Event) -> None:
    """Until a pod is Ready."""
    known = kube.get(_PODS).raise_for_status().json()["metadata"]["resourceVersion"]
    asked: dict[str, Any] = {"watch": "true", "resourceVersion": known, "timeoutSeconds": "60"}
    with kube.stream("GET", _PODS, params=asked) as answer:
        watching.set()
        for line in answer.iter_lines():
            pod = orjson.loads(line)["object"]
            if conditions.is_true(pod.get("status") or {}, "Ready"):
                seen["ready"] = time.monotonic()
                return


def _scale(kube: httpx.Client, replicas: int) -> None:
    patch = {"spec": {"replicas": replicas}}
    headers = {"Content-Type": "application/merge-patch+json"}
    kube.patch(_DEPLOYMENT, json=patch, headers=headers).raise_for_status()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
