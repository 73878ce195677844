"""How fast a pod starts below the control plane: the runtime alone, against `docker run -d` and the bare API.

`python -m benchmarks.sandbox_start [rounds]`
"""

from __future__ import annotations

import secrets
import sys
import time
import uuid

from benchmarks import raw_docker
from benchmarks.figures import RAW, RUN, RUN_RETURNS, report, take_turns
from scripts.images import build_busybox
from workloads.meta.keys import Uid
from workloads.runtimes import names
from workloads.runtimes.base import ContainerSpec, NetworkSpec, SandboxSpec
from workloads.runtimes.docker import Docker


def main(rounds: int = 20) -> None:
    image = build_busybox()
    runtime = Docker(instance=f"bench-{secrets.token_hex(4)}")
    try:
        network = runtime.ensure_network(NetworkSpec(name=f"cci-bench-{secrets.token_hex(4)}", cidr="10.250.0.0/24"))
        runtime.warm(network, size=1)
        raw = raw_docker.RawApi(pause=raw_docker.pause_image(), image=image, network=network.name)

        def from_the_pool() -> float:
            runtime.warm(network, size=1)
            return _pod(runtime, network, image=image)

        run = raw_docker.DockerRun(image)
        contenders = {
            RUN: run.once,
            RAW: raw.pod,
            "runtime, warm pool": from_the_pool,
            "runtime, no pool": lambda: _pod(runtime, network, image=image),
        }
        took = take_turns(contenders, rounds=rounds, between=raw_docker.sweep)
    finally:
        raw_docker.sweep()
        raw_docker.sweep(f"{names.INSTANCE}={runtime.instance}")
    report({RUN_RETURNS: run.until_return, **took}, peers=(RUN_RETURNS, RUN, RAW))


def _pod(runtime: Docker, network: NetworkSpec, *, image: str) -> float:
    pod = specification(network, image=image)
    before = time.time()
    runtime.ensure_sandbox(pod)
    status = runtime.start_container(pod, "app", attempt=0)
    assert status.started_at is not None
    took = status.started_at.timestamp() - before
    runtime.remove_sandbox(pod.uid)
    return took


def specification(network: NetworkSpec, *, image: str) -> SandboxSpec:
    app = ContainerSpec(
        name="app",
        image=image,
        command=None,
        args=("sleep", "1000"),
        environment={},
        cpu_millis=250,
        memory_bytes=1024**3,
    )
    return SandboxSpec(
        uid=Uid(str(uuid.uuid4())),
        account="bench",
        namespace="bench",
        name="one",
        network=network,
        hostname="one",
        containers=(app,),
        cpu_millis=250,
        memory_bytes=1024**3,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
