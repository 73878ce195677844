"""Scale to zero: requests that are lost over many sleeps, and how long the first one waits.

`python -m benchmarks.asleep [sleeps] [wakes]`

First a real Envoy before stand-ins for pods, dozens of workloads that fall asleep all the time, each asked again just
about when it does. Then a product of its own and real pods: a request to one that sleeps, in turns with its peer, the
same Deployment scaled from 0 to 1 by hand until it is Ready. The aim is the peer and 100 ms.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from benchmarks.figures import report
from benchmarks.pod_start import kube_api
from benchmarks.rolled_pods import HOST, NAMESPACE, expose
from tests.stack import running_stack
from tests.workloads.elb.proxies import Proxy, running
from tests.workloads.elb.webs import Web
from workloads.kinds import sleeping
from workloads.meta import conditions

WORKLOADS = 12
WAKE, PEER = "request to one that sleeps", "scaled 0 -> 1 until Ready"
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web"


def main(sleeps: int = 1000, wakes: int = 20) -> None:
    if sleeps:
        _many(sleeps)
    if wakes:
        _real(wakes)


# Stand-ins


def _many(sleeps: int) -> None:
    with running() as proxy:
        webs = [Web(proxy, number=number, name=f"web-{number}", starts_in=0.05) for number in range(WORKLOADS)]
        for web in webs:
            web.begin(after="1s")
        said, took, lock = Counter[str](), list[float](), threading.Lock()
        began = time.monotonic()
        askers = [threading.Thread(target=_ask, args=(web, sleeps, said, took, lock), daemon=True) for web in webs]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        _said(proxy, said, took, time.monotonic() - began)
        for web in webs:
            web.close()


def _ask(web: Web, sleeps: int, said: Counter[str], took: list[float], lock: threading.Lock) -> None:
    """Again and again after a pause in which it falls asleep, or is just about to."""
    pause = random.Random(web.number)
    while web.proxy.naps.slept < sleeps:
        time.sleep(pause.uniform(1.3, 2.1))
        before = time.monotonic()
        try:
            what = str(web.get().status_code)
        except httpx.TransportError as error:
            what = type(error).__name__
        with lock:
            said[what] += 1
            took.append(time.monotonic() - before)


def _said(proxy: Proxy, said: Counter[str], took: list[float], seconds: float) -> None:
    lost = said.total() - said["200"]
    print(
        f"{proxy.naps.slept} sleeps, {proxy.naps.woke} wakes in {seconds:.0f} s: {said.total()} requests, {lost} lost"
    )
    for what, count in said.items():
        if what != "200":
            print(f"    {count} x {what}")
    print(f"waited, with pods that start in 50 ms: median {statistics.median(took) * 1000:.0f} ms")


# Real pods


def _real(wakes: int) -> None:
    os.environ["CCI_SHORTEST_IDLE"] = "1"
    with running_stack() as stack, kube_api(stack) as kube, httpx.Client(timeout=60) as person:
        address = expose(stack, replicas=1)
        _patch(kube, {"metadata": {"annotations": {sleeping.AFTER: "1s"}}})
        took: dict[str, list[float]] = {WAKE: [], PEER: []}
        lost = 0
        for _ in range(wakes):
            _wait(lambda: _is_gone(kube, asleep=True))
            began = time.monotonic()
            answer = person.get(f"http://{address}/", headers={"Host": HOST})
            took[WAKE].append(time.monotonic() - began)
            lost += answer.status_code != 200
            _patch(kube, {"spec": {"replicas": 0}})
            _wait(lambda: _is_gone(kube, asleep=False))
            began = time.monotonic()
            _patch(kube, {"spec": {"replicas": 1}})
            _wait(lambda: any(conditions.is_true(pod["status"], "Ready") for pod in _pods(kube)))
            took[PEER].append(time.monotonic() - began)
    report(took, peers=(PEER,))
    more = (statistics.median(took[WAKE]) - statistics.median(took[PEER])) * 1000
    print(f"{wakes} wakes of real pods, {lost} lost; a request waits {more:+.0f} ms beside its peer")


def _patch(kube: httpx.Client, patch: dict[str, Any]) -> None:
    kube.patch(_DEPLOYMENT, json=patch, headers={"Content-Type": "application/merge-patch+json"}).raise_for_status()


def _pods(kube: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kube.get(f"/api/v1/namespaces/{NAMESPACE}/pods").raise_for_status().json()["items"]
    return found


def _is_gone(kube: httpx.Client, *, asleep: bool) -> bool:
    return not _pods(kube) and sleeping.is_asleep(kube.get(_DEPLOYMENT).raise_for_status().json()) is asleep


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
