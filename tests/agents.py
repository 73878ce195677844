"""The agent's own stream server over a simulated runtime, at the socket where the product looks for it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workloads.meta.keys import Uid
from workloads.node import server
from workloads.node.streams import Application
from workloads.runtimes.base import ContainerSpec, NetworkSpec, Runtime, SandboxSpec
from workloads.runtimes.simulated import Simulated

JSON = dict[str, Any]


@contextmanager
def agent_of(runtime: Runtime, settings: Any) -> Iterator[None]:
    folder, stop = Path(tempfile.mkdtemp(prefix="cci-")), threading.Event()
    settings.AGENT_SOCKET, settings.AGENT_TOKEN = folder / "agent.sock", "a-token"
    application = Application(runtime, token="a-token")
    serving = threading.Thread(target=server.serve, args=(application, settings.AGENT_SOCKET, stop), daemon=True)
    serving.start()
    pause = threading.Event()
    while not settings.AGENT_SOCKET.exists():
        pause.wait(0.005)
    pause.wait(0.1)
    yield
    stop.set()
    serving.join(10)
    shutil.rmtree(folder)


def run_pod(runtime: Simulated, pod: JSON) -> None:
    """Its containers run, under the pod's uid."""
    network = runtime.ensure_network(NetworkSpec(name="n", cidr="10.248.0.0/16"))
    metadata, containers = pod["metadata"], pod["spec"]["containers"]
    specs = [ContainerSpec(one["name"], one["image"], None, None, {}) for one in containers]
    spec = SandboxSpec(
        uid=Uid(metadata["uid"]),
        account="acme",
        namespace=metadata["namespace"],
        name=metadata["name"],
        network=network,
        hostname=metadata["name"],
        containers=tuple(specs),
        cpu_millis=250,
        memory_bytes=1024**3,
    )
    runtime.ensure_sandbox(spec)
    for one in specs:
        runtime.start_container(spec, one.name, attempt=0)
