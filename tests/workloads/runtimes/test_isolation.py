"""What a pod can reach on a real daemon: its own namespace, no other one, and nothing of the host's own."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import ip_network

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, container, docker, spec

pytestmark = pytest.mark.docker

LISTENING = ("httpd", "-f", "-p", "8080")


def started(world: DockerWorld, **changes: object) -> tuple[str, str]:
    """The container of a pod that listens, and the pod's address."""
    pod = spec(world, containers=(container(world.image, "app", *LISTENING),), **changes)
    address = world.runtime.ensure_sandbox(pod).ip
    return world.runtime.start_container(pod, "app", attempt=0).id, address


def reaches(id: str, address: str, port: int) -> bool:
    said = docker("exec", id, "sh", "-c", f"nc -w 1 {address} {port} </dev/null >/dev/null 2>&1 && echo yes || echo no")
    return said == "yes"


def test_a_pod_reaches_its_own_namespace_and_no_other(dockers: DockerWorld) -> None:
    elsewhere = dockers.runtime.ensure_network(replace(dockers.network, name=f"{dockers.network.name}-b"))
    one, _ = started(dockers)
    _, beside = started(dockers, name="web-2")
    _, far = started(dockers, network=elsewhere, namespace="test")
    assert reaches(one, beside, 8080)
    assert not reaches(one, far, 8080)


def test_a_pod_does_not_reach_what_listens_on_the_hosts_loopback(dockers: DockerWorld) -> None:
    """As the console and the Kubernetes API do unless they are told otherwise."""
    one, _ = started(dockers)
    gateway = str(next(ip_network(dockers.network.cidr).hosts()))
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        for address in (gateway, "127.0.0.1", "172.17.0.1"):
            assert not reaches(one, address, port)


def test_a_container_gets_no_more_than_its_own_environment(dockers: DockerWorld) -> None:
    one, _ = started(dockers)
    names = {line.partition("=")[0] for line in docker("exec", one, "env").splitlines()}
    assert names <= {"PATH", "HOME", "HOSTNAME", "PWD", "SHLVL"}
