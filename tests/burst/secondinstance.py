"""A second instance of the service that plays the cluster (`tests.burst.cluster`), and the add-on as a process beside
it. What a cluster's own controllers and its scheduler do is done here, through the same API."""

from __future__ import annotations

import base64
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from burst import names
from tests.burst.pods import CLUSTER_ID
from tests.stack import ROOT, free_port
from tests.workloads.kubeapi.callers import Api

JSON = dict[str, Any]
T = TypeVar("T")

SYSTEM = ("default", "kube-system", "kube-node-lease")
ADDRESS = "127.0.0.1"
_HURRIED = """
import sys
from burst import leader
leader.HEARTBEAT_SECONDS = 0.5
from burst.__main__ import main
sys.exit(main())
"""
"""`python -m burst`, whose node is heard of more often than every ten seconds."""


def until(seen: Callable[[], T], *, within: float = 40.0, what: str = "") -> T:
    """What `seen` returns as soon as it is something."""
    deadline = time.monotonic() + within
    while not (found := seen()):
        assert time.monotonic() < deadline, f"it does not come about: {what or seen}"
        time.sleep(0.05)
    return found


@dataclass
class Cluster:
    """As its administrator sees it."""

    api: Api
    kubeconfig: Path
    guest: Path
    """The kubeconfig of somebody who has no rights."""

    def namespace(self, name: str) -> str:
        """With what a cluster's controllers put into each: the ServiceAccount, and by what the API is known."""
        self.api.make("/api/v1/namespaces", {"metadata": {"name": name}})
        self.api.make(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
        authority = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": _authority(self.kubeconfig)}}
        self.api.make(f"/api/v1/namespaces/{name}/configmaps", authority)
        return name

    def bind(self, namespace: str, name: str) -> None:
        """As its scheduler."""
        binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": names.NODE}}
        self.api.make(f"/api/v1/namespaces/{namespace}/pods/{name}/binding", binding)

    def find(self, path: str) -> JSON | None:
        return find(self.api, path)

    def pod(self, namespace: str, name: str = "web") -> JSON:
        """{} when it is gone."""
        return self.find(f"/api/v1/namespaces/{namespace}/pods/{name}") or {}

    def status(self, namespace: str, name: str = "web") -> JSON:
        return dict(self.pod(namespace, name).get("status") or {})

    def events(self, namespace: str, name: str = "web") -> set[str]:
        """The reasons of what is told of a pod."""
        found = self.api.read(f"/api/v1/namespaces/{namespace}/events", fieldSelector=f"involvedObject.name={name}")
        return {event["reason"] for event in found["items"]}

    def delete(self, namespace: str, name: str = "web", *, grace: int) -> None:
        address = f"/api/v1/namespaces/{namespace}/pods/{name}"
        self.api.delete(address, params={"gracePeriodSeconds": grace}).raise_for_status()

    def empty(self, namespace: str) -> None:
        """At once, as if all of its pods had never been."""
        address = f"/api/v1/namespaces/{namespace}/pods"
        self.api.delete(address, params={"gracePeriodSeconds": 0}).raise_for_status()


def find(api: Api, path: str) -> JSON | None:
    answer = api.get(path)
    assert answer.status_code in (200, 404), answer.text
    return dict(answer.json()) if answer.status_code == 200 else None


def token(kubeconfig: Path) -> str:
    return str(yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"])


def _authority(kubeconfig: Path) -> str:
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    return base64.b64decode(cluster["certificate-authority-data"]).decode()


@contextmanager
def second_instance() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="cci-cluster-") as text:
        folder, port = Path(text), free_port()
        own = {"CCI_DATA_DIR": text, "CCI_API_PORT": str(port), "CCI_PORT": str(free_port()), "CCI_LOG_LEVEL": "ERROR"}
        own |= {"CCI_HOST": ADDRESS, "CCI_NAMESPACE_QUOTA": "50"}
        inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        command = [sys.executable, "-m", "tests.burst.cluster"]
        with _running(command, folder / "output", inherited | own) as process:
            admin, guest = folder / "admin", folder / "guest"
            until(lambda: _serves(process, port), within=90, what=f"the second instance serves {folder}")
            trust = ssl.create_default_context(cadata=_authority(admin))
            headers = {"Authorization": f"Bearer {token(admin)}"}
            url = f"https://{ADDRESS}:{port}"
            with Api(base_url=url, verify=trust, headers=headers, timeout=20, trust_env=False) as api:
                cluster = Cluster(api, admin, guest)
                for name in SYSTEM:
                    cluster.namespace(name)
                yield cluster


def _serves(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the second instance has ended"
    listeners = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(fields[1].endswith(f":{port:04X}") and fields[3] == "0A" for fields in listeners)


@contextmanager
def _running(command: list[str], output: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """What it said is in the message of a test that fails while it runs."""
    process = _begun(command, output, environment)
    try:
        yield process
    except BaseException as error:
        error.add_note(output.read_text()[-3000:])
        raise
    finally:
        _end(process)


def _begun(command: list[str], output: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with output.open("ab") as said:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said, stdin=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@dataclass
class AddOn:
    """`python -m burst`, which may be killed and begun anew."""

    cluster: Cluster
    cci: Path
    """The kubeconfig of CCI."""
    folder: Path
    kubelet: int = field(default_factory=free_port)
    webhook: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def webhook_url(self) -> str:
        return f"https://{ADDRESS}:{self.webhook}/mutate"

    @property
    def said(self) -> str:
        return (self.folder / "add-on").read_text()

    def start(self) -> None:
        words = ["--cluster-id", CLUSTER_ID, "--kubeconfig", str(self.cluster.kubeconfig)]
        words += ["--cci-kubeconfig", str(self.cci), "--node-address", ADDRESS, "--remove-node"]
        words += ["--kubelet-port", str(self.kubelet), "--webhook-port", str(self.webhook)]
        command = [sys.executable, "-c", _HURRIED, *words, "--webhook-url", self.webhook_url]
        environment = os.environ | {"POD_NAME": "cci-burst-0"}  # as in its pod, also when the container starts anew
        self._process = _begun(command, self.folder / "add-on", environment)

    def kill(self) -> None:
        """Nothing is put in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def leave(self) -> int:
        """Its exit code, when it was told to go."""
        assert self._process is not None
        return _end(self._process)
