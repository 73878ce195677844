"""A second Docker daemon for tests that stop it: its own socket, data, bridge; it leaves iptables alone."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import manifests


@dataclass
class Daemon:
    home: Path
    bridge: str
    """Of its own, so that two such daemons on one machine do not take each other's away."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.home}/docker.sock"

    @property
    def stopped(self) -> bool:
        return self.process is None

    def start(self) -> None:
        """A containerd of its own comes with it (dockerd starts one under its exec-root)."""
        command = [
            "dockerd",
            "--host",
            self.host,
            "--data-root",
            f"{self.home}/data",
            "--exec-root",
            f"{self.home}/exec",
        ]
        command += [
            "--pidfile",
            f"{self.home}/pid",
            "--bridge",
            self.bridge,
            "--iptables=false",
            "--userland-proxy=false",
        ]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while self.docker("version", check=False) != 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"the test's dockerd does not answer\n{(self.home / 'log').read_text()[-3000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """As an operator's restart does: SIGTERM, containers die with it (no live-restore)."""
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def docker(self, *arguments: str, check: bool = True) -> int:
        command = ["docker", "--host", self.host, *arguments]
        return subprocess.run(command, capture_output=True, check=check).returncode


@contextlib.contextmanager
def private_daemon() -> Iterator[Daemon]:
    """Runs with the tests' image loaded; afterwards daemon, data and bridge are gone."""
    home = Path(tempfile.mkdtemp(prefix="cci-docker-"))
    daemon = Daemon(home, bridge=f"ccitest{secrets.token_hex(3)}")
    third = secrets.randbelow(256)
    subprocess.run(["ip", "link", "add", daemon.bridge, "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", f"172.31.{third}.1/24", "dev", daemon.bridge], check=True)
    subprocess.run(["ip", "link", "set", daemon.bridge, "up"], check=True)
    try:
        daemon.start()
        image = subprocess.run(["docker", "save", manifests.IMAGE], capture_output=True, check=True).stdout
        subprocess.run(["docker", "--host", daemon.host, "load"], input=image, check=True, capture_output=True)
        yield daemon
    finally:
        daemon.stop()
        subprocess.run(["ip", "link", "delete", daemon.bridge], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)
