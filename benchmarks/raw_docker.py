"""The peers of the pod start benchmarks: what anybody could do with the same daemon and the same image.

Every figure ends at the moment Docker notes as the container's start, so that all are measured with the same clock to
the same event.
"""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from workloads.meta import times

LABEL = "cci.io/benchmark"
RUN_ID = secrets.token_hex(4)
"""Two benchmarks at the same time on one daemon leave each other's containers alone."""


@dataclass
class DockerRun:
    """`docker run -d`, as typed."""

    image: str
    until_return: list[float] = field(default_factory=list)
    """The same runs, measured until the command was back."""

    def once(self) -> float:
        """Seconds from the command to the started container."""
        before = time.time()
        id = docker("run", "-d", "--label", f"{LABEL}={RUN_ID}", self.image, "sleep", "1000")
        self.until_return.append(time.time() - before)
        return started_at(id) - before


class RawApi:
    """Create and start of pause and app by the bare HTTP API, over one kept connection: nothing can be cheaper."""

    def __init__(self, *, pause: str, image: str, network: str) -> None:
        self._pause, self._image, self._network = pause, image, network
        self._line = _UnixConnection("/var/run/docker.sock")

    def pod(self) -> float:
        """Seconds from nothing to the started container."""
        before = time.time()
        pause = self._run(self._pause, NetworkMode=self._network, IpcMode="shareable", LogConfig={"Type": "none"})
        app = self._run(self._image, "sleep", "1000", NetworkMode=f"container:{pause}", IpcMode=f"container:{pause}")
        return started_at(app) - before

    def _run(self, image: str, *command: str, **host: Any) -> str:
        body: dict[str, Any] = {"Image": image, "HostConfig": host, "Labels": {LABEL: RUN_ID}}
        if command:
            body["Cmd"] = list(command)
        id: str = self._post("/containers/create", body)["Id"]
        self._post(f"/containers/{id}/start", None)
        return id

    def _post(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"}
        self._line.request("POST", f"/v1.41{path}", json.dumps(body) if body else None, headers)
        answer = self._line.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content or b"null")


def started_at(container: str) -> float:
    """Docker's own note, in seconds since the epoch."""
    return times.parse(docker("inspect", "-f", "{{.State.StartedAt}}", container)).timestamp()


def pause_image() -> str:
    """The product's, which the product has made by the time anybody asks."""
    return docker("images", "--format", "{{.Repository}}:{{.Tag}}", "cci/pause").splitlines()[0]


def sweep(label: str = f"{LABEL}={RUN_ID}") -> None:
    """Takes away the containers with a label, then the networks."""
    for find, remove in ((("ps", "-aq"), ("rm", "-f")), (("network", "ls", "-q"), ("network", "rm"))):
        if ids := docker(*find, "--filter", f"label={label}").split():
            docker(*remove, *ids)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)
