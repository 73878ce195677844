"""Images and a registry for tests that need real ones: nothing comes from outside this machine."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.images import BUSYBOX_IMAGE, build_busybox

BUSYBOX = BUSYBOX_IMAGE

_CONFIG = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}"""
_AUTH = "auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"
SIGN_IN = ("alice", "secret")
_HTPASSWD = "alice:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


def busybox() -> str:
    """A shell and all its tools, under the name it has."""
    return build_busybox()


@contextmanager
def local_registry(port: int, *, locked: bool = False) -> Iterator[str]:
    """A real, empty registry while the block runs; gives `127.0.0.1:<port>`, which Docker trusts without TLS. `locked`:
    it asks for `SIGN_IN`."""
    with tempfile.TemporaryDirectory(prefix="cci-registry-") as folder:
        config = Path(folder, "registry.yml")
        Path(folder, "htpasswd").write_text(_HTPASSWD)
        auth = _AUTH.format(folder=folder) if locked else ""
        config.write_text(_CONFIG.format(folder=folder, port=port, auth=auth))
        with subprocess.Popen(["docker-registry", "serve", str(config)], stderr=subprocess.DEVNULL) as server:
            try:
                _wait_until_it_listens(port)
                yield f"127.0.0.1:{port}"
            finally:
                server.terminate()


def push(image: str, *, to: str) -> None:
    """Puts a local image into a registry as `to`, and takes that name away again from this host."""
    for command in (["tag", image, to], ["push", to], ["rmi", to]):
        subprocess.run(["docker", *command], check=True, capture_output=True)


def _wait_until_it_listens(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("docker-registry did not start")
