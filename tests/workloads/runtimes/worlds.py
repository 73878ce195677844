"""The same small world on every runtime: an image that is here, and hands for what containers do by themselves."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests import images
from workloads.meta.keys import Uid
from workloads.runtimes.archive import Archive
from workloads.runtimes.base import ContainerSpec, NetworkSpec, Runtime, SandboxSpec
from workloads.runtimes.docker import Docker
from workloads.runtimes.simulated import Simulated
from workloads.runtimes.simulatedsessions import Inside

# Runs until told to exit, and goes at once on SIGTERM.
_PATIENT = "trap 'exit 143' TERM; while [ ! -s /tmp/exit ]; do sleep 0.02; done; exit $(cat /tmp/exit)"


class World(Protocol):
    @property
    def runtime(self) -> Runtime: ...

    archive: Archive
    """Of the runtime."""
    image: str
    network: NetworkSpec

    def exit(self, uid: Uid, container: str, code: int) -> None:
        """The container's process ends; returns when the runtime knows."""

    def print(self, uid: Uid, container: str, line: str) -> None: ...

    def work(self, uid: Uid, container: str) -> None:
        """The container uses the CPU for at least a few milliseconds, and some memory."""

    def leave_message(self, uid: Uid, container: str, text: str) -> None:
        """The container writes into its message file."""

    def lose_sandbox(self, uid: Uid) -> None:
        """The sandbox and all in it die."""

    def read(self, uid: Uid, volume: str, path: str) -> str | None:
        """What `app` finds in a volume that it sees at /<volume>; None when there is no such file."""

    def write(self, uid: Uid, volume: str, path: str, text: str) -> None:
        """`app` writes into a volume that it sees at /<volume>."""

    def serve(self, uid: Uid, port: int) -> None:
        """An HTTP server without any page listens on the pod's loopback alone."""

    def runs(self, uid: Uid, command: str) -> bool:
        """Whether a command of that name runs in `app`, beside its own process."""


def spec(world: World, *containers: str, **changes: object) -> SandboxSpec:
    """A pod of patient containers, one called `app` unless others are named."""
    facts: dict[str, object] = {
        "uid": Uid(str(uuid.uuid4())),
        "account": "acme",
        "namespace": "shop",
        "name": "web-1",
        "network": world.network,
        "hostname": "web-1",
        "names": ("web-1",),
        "containers": tuple(container(world.image, name) for name in containers or ("app",)),
        "cpu_millis": 1000,
        "memory_bytes": 256 * 1024**2,
    }
    return SandboxSpec(**{**facts, **changes})  # type: ignore[arg-type]


def container(image: str, name: str = "app", *command: str, **changes: object) -> ContainerSpec:
    facts: dict[str, object] = {
        "name": name,
        "image": image,
        "command": command or ("sh", "-c", _PATIENT),
        "args": None,
        "environment": {},
        "cpu_millis": 250,
        "memory_bytes": 64 * 1024**2,
        "message_path": "/dev/termination-log",
    }
    return ContainerSpec(**{**facts, **changes})  # type: ignore[arg-type]


def _network(cidr: str) -> NetworkSpec:
    labels = {"cci.io/account": "acme", "cci.io/namespace": "shop"}
    return NetworkSpec(name=f"cci-test-{uuid.uuid4().hex[:12]}", cidr=cidr, labels=labels)


@dataclass
class SimulatedWorld:
    runtime: Simulated
    archive: Archive
    image: str = images.BUSYBOX
    network: NetworkSpec = field(default_factory=lambda: _network("10.249.0.0/24"))

    def exit(self, uid: Uid, container: str, code: int) -> None:
        self.runtime.exit(uid, container, code)

    def print(self, uid: Uid, container: str, line: str) -> None:
        self.runtime.print(uid, container, line.encode())

    def work(self, uid: Uid, container: str) -> None:
        self.runtime.load(uid, container, cpu_millis=1000, memory_bytes=1024**2)
        time.sleep(0.005)

    def leave_message(self, uid: Uid, container: str, text: str) -> None:
        self.runtime.leave_message(uid, container, text)

    def lose_sandbox(self, uid: Uid) -> None:
        self.runtime.lose_sandbox(uid)

    def read(self, uid: Uid, volume: str, path: str) -> str | None:
        data = self.runtime.file(uid, volume, path)
        return None if data is None else data.decode()

    def write(self, uid: Uid, volume: str, path: str, text: str) -> None:
        self.runtime.write(uid, volume, path, text.encode())

    def serve(self, uid: Uid, port: int) -> None:
        self.runtime.on_connect(port, _answer_http)

    def runs(self, uid: Uid, command: str) -> bool:
        return any(one.inside.spec.command[0] == command for one in self.runtime.sessions(uid, "app"))


@dataclass
class DockerWorld:
    runtime: Docker
    archive: Archive
    image: str
    network: NetworkSpec = field(default_factory=lambda: _network("10.249.0.0/24"))

    def exit(self, uid: Uid, container: str, code: int) -> None:
        id = self.id(uid, container)
        later = f"(sleep 0.05; echo {code} > /tmp/exit) &"  # when this command is over: the end would take it along
        docker("exec", id, "sh", "-c", later)
        docker("wait", id)

    def print(self, uid: Uid, container: str, line: str) -> None:
        docker("exec", self.id(uid, container), "sh", "-c", f"echo {line} > /proc/1/fd/1")

    def work(self, uid: Uid, container: str) -> None:
        docker("exec", self.id(uid, container), "sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done")

    def leave_message(self, uid: Uid, container: str, text: str) -> None:
        self.run(uid, f"echo -n {text} > /dev/termination-log", container)

    def lose_sandbox(self, uid: Uid) -> None:
        docker("kill", *docker("ps", "-q", "--filter", f"name=^/cci-{uid}").split())

    def read(self, uid: Uid, volume: str, path: str) -> str | None:
        try:
            return self.run(uid, f"cat /{volume}/{path}")
        except subprocess.CalledProcessError:
            return None

    def write(self, uid: Uid, volume: str, path: str, text: str) -> None:
        self.run(uid, f"echo -n {text} > /{volume}/{path}")

    def serve(self, uid: Uid, port: int) -> None:
        self.run(uid, f"mkdir -p /empty; httpd -p 127.0.0.1:{port} -h /empty")

    def runs(self, uid: Uid, command: str) -> bool:
        return command in self.run(uid, "ps")

    def run(self, uid: Uid, script: str, container: str = "app") -> str:
        """A shell in the container; raises CalledProcessError."""
        return docker("exec", self.id(uid, container), "sh", "-c", script)

    def id(self, uid: Uid, container: str) -> str:
        status = self.runtime.observe(uid)
        assert status is not None
        return status.containers[container].id


def busybox(inside: Inside) -> int:
    """What the simulated world knows of it: the commands of these tests."""
    command = inside.spec.command
    if command[0] == "cat":
        while data := inside.read():
            inside.write(data)
        return 0
    if command[0] == "sleep" or command[-1].endswith("sleep 1000"):
        if "echo ready" in command[-1]:
            inside.write(b"ready\n")
        while inside.read():
            pass
        return 0
    if command[0] == "sh" and len(command) == 1:
        columns, rows = inside.sizes[-1] if inside.read() else (0, 0)
        inside.write(f"{rows} {columns}\r\n".encode())
        return 0
    if command[0] == "sh":
        inside.write(b"out\n")
        inside.complain(b"err\n")
        return 3
    inside.write(b'OCI runtime exec failed: exec: "nope": executable file not found in $PATH')
    return 127


def _answer_http(line: socket.socket) -> None:
    line.recv(1000)
    line.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def simulated_world() -> Iterator[SimulatedWorld]:
    with tempfile.TemporaryDirectory(prefix="cci-logs-") as logs:
        archive = Archive(Path(logs))
        runtime = Simulated(archive=archive)
        runtime.add_image(images.BUSYBOX)
        runtime.on_session("app", busybox)
        yield SimulatedWorld(runtime, archive)


@contextmanager
def docker_world() -> Iterator[DockerWorld]:
    """An install of its own on the daemon, of which nothing is left afterwards."""
    instance = f"test-{uuid.uuid4().hex[:12]}"
    volumes = Path(tempfile.mkdtemp(prefix="cci-pods-"))
    logs = Path(tempfile.mkdtemp(prefix="cci-logs-"))
    archive = Archive(logs)
    runtime = Docker(instance=instance, volumes=volumes, archive=archive)
    try:
        yield DockerWorld(runtime, archive, images.busybox())
    finally:
        for sandbox in runtime.sandboxes():
            runtime.remove_sandbox(sandbox.uid)
        label = f"label=cci.io/instance={instance}"
        if containers := docker("ps", "-aq", "--filter", label).split():
            docker("rm", "-fv", *containers)
        if networks := docker("network", "ls", "-q", "--filter", label).split():
            docker("network", "rm", *networks)
        for uid in runtime.volume_owners():
            runtime.remove_sandbox(uid)
        shutil.rmtree(volumes.with_name(f"{volumes.name}-claims"), ignore_errors=True)
        volumes.rmdir()
        shutil.rmtree(logs)
