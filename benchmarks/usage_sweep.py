"""What it takes to measure every pod of a host once: the agent's sweep, against `docker stats --no-stream`.

`python -m benchmarks.usage_sweep [pods] [rounds]`

Both look at the same containers, in turns. `docker stats` waits for two readings a second apart to tell a rate; the
agent keeps the reading before. Both figures are for all pods together. Takes about a second a pod, and bounded time.
"""

from __future__ import annotations

import secrets
import sys
import time

from benchmarks import raw_docker
from benchmarks.figures import report, take_turns
from benchmarks.sandbox_start import specification
from scripts.images import build_busybox
from workloads.runtimes import names
from workloads.runtimes.base import NetworkSpec
from workloads.runtimes.docker import Docker

STATS = "docker stats --no-stream"
LONGEST_SECONDS = 240
"""Of making pods: what is there by then is measured."""


def main(pods: int = 40, rounds: int = 5) -> None:
    runtime = Docker(instance=f"bench-{secrets.token_hex(4)}")
    label = f"{names.INSTANCE}={runtime.instance}"
    try:
        _make(runtime, pods, image=build_busybox())
        containers = raw_docker.docker("ps", "-q", "--filter", f"label={names.CONTAINER}", "--filter", f"label={label}")
        ids = containers.split()

        processor: list[float] = []

        def sweep() -> float:
            before, before_us = time.perf_counter(), time.thread_time()
            found = runtime.usage()
            took = time.perf_counter() - before
            processor.append(time.thread_time() - before_us)
            assert len(found) == len(ids), f"{len(found)} of {len(ids)} were measured"
            return took

        def stats() -> float:
            before = time.perf_counter()
            raw_docker.docker("stats", "--no-stream", *ids)
            return time.perf_counter() - before

        sweep()  # asks Docker once whose groups these are
        processor.clear()
        name = f"sweep over {len(ids)} pods"
        took = take_turns({STATS: stats, name: sweep}, rounds=rounds, between=lambda: None)
    finally:
        raw_docker.sweep(label)
    report({**took, "the sweep's processor time": processor}, peers=(STATS,))


def _make(runtime: Docker, pods: int, *, image: str) -> None:
    network = runtime.ensure_network(NetworkSpec(name=f"cci-bench-{secrets.token_hex(4)}", cidr="10.250.0.0/24"))
    end = time.monotonic() + LONGEST_SECONDS
    for _ in range(pods):
        pod = specification(network, image=image)
        runtime.ensure_sandbox(pod)
        runtime.start_container(pod, "app", attempt=0)
        if time.monotonic() > end:
            return


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
