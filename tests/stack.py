"""The running product: every process, real Docker, real Redis, as `make run` starts it, in a directory of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests import images
from workloads.runtimes import mounts

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct-horse-battery"


@dataclass
class Stack:
    """A running installation. `kubectl("get", "pods")` is the real one, signed in as demo/admin."""

    data: Path
    port: int
    api_port: int
    pod_cidr: str
    docker_host: str = ""
    database_url: str = ""
    redis_url: str = ""
    process: subprocess.Popen[bytes] | None = None
    output: Path = field(init=False)

    def __post_init__(self) -> None:
        self.output = self.data / "serve.out"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def run_dir(self) -> Path:
        return self.data / "run"

    @property
    def pod_api(self) -> str:
        return f"10.247.{self._own}"

    @property
    def _own(self) -> str:
        """Of addresses: several installations may run on this machine at a time."""
        return f"{self.api_port // 256}.{self.api_port % 256}"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "CCI_DATA_DIR": str(self.data),
            "CCI_PORT": str(self.port),
            "CCI_API_PORT": str(self.api_port),
            "CCI_ADMIN_PASSWORD": PASSWORD,
            "CCI_OVERCOMMIT": "50",
            "CCI_POD_CIDR": self.pod_cidr,
            "CCI_POD_API": self.pod_api,
            "CCI_DNS": f"10.246.{self._own}",
            "CCI_SHORTEST_IDLE": "1",
            "CCI_ELB_POOL": f"127.{self._own}.0/24",
            "CCI_NAMESPACE_QUOTA": "50",
            "CCI_API_PROCESSES": "1",
        }
        if self.docker_host:
            own["DOCKER_HOST"] = self.docker_host
        if self.database_url:
            own["DATABASE_URL"] = self.database_url
        if self.redis_url:
            own["REDIS_URL"] = self.redis_url
        return {**os.environ, **own}

    def start(self) -> None:
        with self.output.open("ab") as output:
            begun = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        self.wait(lambda: b"CCI serves" in self.output.read_bytes()[begun:], seconds=120, what="the product to serve")

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def pid(self, program: str) -> int:
        return int((self.run_dir / f"{program}.pid").read_text())

    def kill(self, program: str) -> None:
        """`kill -9` of one process; the supervisor starts it again."""
        os.kill(self.pid(program), signal.SIGKILL)

    @contextlib.contextmanager
    def another(self, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """One more process of this installation, beside the supervisor's: `another("manage.py", "worker")`."""
        name = command[-1]
        with (self.data / "logs" / f"another-{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def kubeconfig(self) -> Path:
        path = self.data / "kubeconfig"
        if not path.exists():
            self.manage("kubeconfig", "--token", "--output", str(path))
        return path

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl_command(self, *arguments: str, version: str = "1.33") -> list[str]:
        binary = ROOT / ".build" / "kubectl" / f"kubectl-{version}"
        assert binary.exists(), f"{binary} is missing: `make test` fetches it (scripts/setup.py test)"
        cache = self.data / "kube-cache" / version
        return [str(binary), "--kubeconfig", str(self.kubeconfig()), "--cache-dir", str(cache), *arguments]

    def kubectl(self, *arguments: str, version: str = "1.33", stdin: str = "", check: bool = True) -> str:
        """Standard output; a non-zero exit fails the test with kubectl's own words (unless `check=False`)."""
        done = subprocess.run(
            self.kubectl_command(*arguments, version=version), input=stdin, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout + ("" if done.returncode == 0 else done.stderr)

    def get(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get ... -o json` as a dict."""
        answer: dict[str, Any] = orjson.loads(self.kubectl("get", *arguments, "-o", "json"))
        return answer

    def first_pod(self, namespace: str) -> str:
        """Its name."""
        return str(self.get("pods", "-n", namespace)["items"][0]["metadata"]["name"])

    def apply(self, *manifests: dict[str, Any]) -> str:
        text = "\n---\n".join(orjson.dumps(manifest).decode() for manifest in manifests)
        return self.kubectl("apply", "-f", "-", stdin=text)

    def wait(self, condition: Callable[[], object], *, seconds: float = 30, what: str = "") -> None:
        """Waits for the world, not for a time: looks every 100 ms, fails with what was waited for."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {what or condition}\n{self.tail()}")

    def tail(self) -> str:
        """The end of every process's log, for a failure's message."""
        logs = [self.output, *sorted((self.data / "logs").glob("*.log"))]
        return "\n".join(f"--- {log.name}\n{log.read_text()[-1500:]}" for log in logs if log.exists())

    def instance(self) -> str:
        return (self.data / "secrets" / "instance-id").read_text()[:16]

    def docker(self, *arguments: str) -> str:
        return subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=True, env=self.environment
        ).stdout

    def containers(self, *filters: str) -> list[str]:
        """Ids of this installation's containers, ended ones too."""
        extra = [word for text in filters for word in ("--filter", text)]
        return self.docker("ps", "-aq", "--filter", f"label=cci.io/instance={self.instance()}", *extra).split()

    def pods_with_containers(self) -> set[str]:
        """The uids of pods of which Docker has any container, ended ones too."""
        label = f"label=cci.io/instance={self.instance()}"
        uids = self.docker("ps", "-a", "--filter", label, "--format", '{{.Label "cci.io/pod-uid"}}')
        return set(uids.split())

    def sweep(self) -> None:
        """Takes every container, mount and network of this installation away."""
        label = f"label=cci.io/instance={self.instance()}"
        if ids := self.docker("ps", "-aq", "--filter", label).split():
            self.docker("rm", "-f", *ids)
        for place in mounts.below(self.data):
            mounts.unmount(place)
        for address in (self.pod_api, self.environment["CCI_DNS"]):
            subprocess.run(["ip", "route", "del", "local", f"{address}/32"], capture_output=True, check=False)
        if ids := self.docker("network", "ls", "-q", "--filter", label).split():
            self.docker("network", "rm", *ids)

    def http(self) -> httpx.Client:
        """A signed-in browser's HTTP, without the browser."""
        client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=30)
        page = client.get("/sign-in/")
        assert page.status_code == 200, page.text
        form = {"account": "demo", "user": "admin", "password": PASSWORD}
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": self.url}
        answer = client.post("/sign-in/", data=form, headers=headers)
        assert answer.status_code == 200, answer.text
        return client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_stack(*, docker_host: str = "", database_url: str = "", redis_url: str = "") -> Iterator[Stack]:
    """A fresh installation that serves, and leaves nothing behind. The tests' image is on this host. SQLite and a Redis
    of its own, unless the URLs say where an empty PostgreSQL and somebody else's Redis are."""
    images.busybox()
    data = Path(tempfile.mkdtemp(prefix="cci-"))
    with pod_network() as pod_cidr:
        stack = Stack(
            data=data,
            port=free_port(),
            api_port=free_port(),
            pod_cidr=pod_cidr,
            docker_host=docker_host,
            database_url=database_url,
            redis_url=redis_url,
        )
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
            with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
                stack.sweep()
            shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def pod_network() -> Iterator[str]:
    """A range of addresses that no other stack on this host has: one host cannot have a network twice."""
    with socket.socket(socket.AF_UNIX) as claim:
        ranges = (128 + (os.getpid() + one) % 112 for one in range(112))
        yield f"10.{next(second for second in ranges if _claims(claim, second))}.0.0/16"


def _claims(claim: socket.socket, second: int) -> bool:
    """Whoever has the name has the range. A name of Linux, without a file: it goes with the process."""
    try:
        claim.bind(f"\0cci-test-pods-{second}")
    except OSError:
        return False
    return True
