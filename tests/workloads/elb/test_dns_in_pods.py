"""Real pods ask the real server: by glibc's resolver (busybox' ping) and by questions of their own (its nslookup)."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.workloads.routing.directories import API, LAB, SHOP, Known, known
from tests.workloads.runtimes.worlds import DockerWorld, docker_world, spec
from workloads.elb import dns
from workloads.routing.zone import Home
from workloads.runtimes import routes
from workloads.runtimes.base import DnsSpec, SandboxSpec

SERVER = "10.246.250.53"
SERVICES = "svc.cluster.local"


@contextmanager
def answering(directory: Known) -> Iterator[None]:
    assert routes.make_local(SERVER) == ""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    serving = dns.serve(directory, address=SERVER, stop=stop, api=lambda: API)
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
        subprocess.run(["ip", "route", "del", "local", f"{SERVER}/32"], check=False)


def start(world: DockerWorld, directory: Known, home: Home) -> SandboxSpec:
    dns = DnsSpec(cluster=SERVER, domains=(f"{home[1]}.{SERVICES}", SERVICES, "cluster.local"))
    pod = spec(world, dns=dns)
    status = world.runtime.ensure_sandbox(pod)
    world.runtime.start_container(pod, "app", attempt=0)
    directory.subnets[status.ip.rpartition(".")[0]] = home
    return pod


def said(world: DockerWorld, pod: SandboxSpec, command: str) -> str:
    ran = world.runtime.exec(pod.uid, "app", ["sh", "-c", f"{command} 2>&1"], seconds=20)
    return ran.output.decode()


def address(world: DockerWorld, pod: SandboxSpec, name: str) -> str:
    """What glibc finds."""
    text = said(world, pod, f"ping -c1 -W1 {name}")
    return text.partition("(")[2].partition(")")[0] if "bad address" not in text else "none"


@pytest.mark.docker
def test_pods_find_the_names_of_their_own_namespace() -> None:
    directory = known()
    with answering(directory), docker_world() as dockers, docker_world() as second:
        for world in (dockers, second):
            world.network = world.runtime.ensure_network(world.network)
            world.runtime.warm(world.network, size=1)
        shop, lab = start(dockers, directory, SHOP), start(second, directory, LAB)
        assert said(dockers, shop, "cat /etc/resolv.conf").endswith(f"nameserver {SERVER}\noptions ndots:5\n")
        for name in ("web", "web.shop", "web.shop.svc", f"web.shop.{SERVICES}", f"web.shop.{SERVICES}."):
            assert address(dockers, shop, name) == "10.247.1.1"
        assert address(dockers, shop, "db-0.db") == "10.248.0.5"
        assert address(dockers, shop, "kubernetes.default") == API
        assert address(dockers, shop, "web.lab") == address(dockers, shop, "gone") == "none"
        headless = said(dockers, shop, f"nslookup -type=a db.shop.{SERVICES}")
        assert "10.248.0.5" in headless and "10.248.0.6" in headless and "10.248.0.7" not in headless
        place = said(dockers, shop, f"nslookup -type=srv _http._tcp.web.shop.{SERVICES}")
        assert f"service = 0 100 80 web.shop.{SERVICES}" in place
        assert (address(second, lab, "web"), address(second, lab, "db.shop")) == ("10.247.2.1", "none")
        assert "NXDOMAIN" in said(second, lab, f"nslookup -type=a web.shop.{SERVICES}")
