"""A real Envoy that is told by a real ADS server what objects mean. Everything listens on loopback addresses of its
own, so that several run at a time."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import itertools
import os
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx

from workloads.elb import ads, envoy
from workloads.elb.sleepers import Sleepers
from workloads.elb.world import World
from workloads.kinds import sleeping
from workloads.meta import patches
from workloads.meta.errors import StatusError
from workloads.meta.keys import Key

JSON = dict[str, Any]

_NUMBERS = itertools.count(1)


class Proxy:
    """`put` and `drop` objects, as the log would; what follows is acknowledged by Envoy when they return."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        self.network = f"127.{90 + int(worker) % 100}.{next(_NUMBERS) % 250}"
        self.world = World()
        self.revision = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.naps = Naps(self)
        self._envoy: subprocess.Popen[bytes] | None = None

    def address(self, number: int) -> str:
        return f"{self.network}.{number}"

    def start(self) -> None:
        self._thread.start()
        self.table: ads.Ads = self._do(self._serve())
        self.put("Network", "net", spec={}, status={"state": "Active", "cidr": f"{self.network}.128/25"})
        self.start_envoy()

    def start_envoy(self) -> None:
        with (self.folder / "envoy.log").open("ab") as log:
            self._envoy = subprocess.Popen(envoy.command(self.folder), stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while self.table.connected != 1 or self.table.reached < self.revision:
            assert time.monotonic() < deadline, (self.folder / "envoy.log").read_text()
            time.sleep(0.01)

    def kill_envoy(self) -> None:
        assert self._envoy is not None
        self._envoy.kill()
        self._envoy.wait()

    def restart_traffic(self, then: Callable[[], None]) -> None:
        """As when the process that tells Envoy is killed and starts again; `then` is done while it has told nothing."""
        self.stop_traffic()
        (self.folder / "ads.sock").unlink(missing_ok=True)
        self.table = self._do(self._serve())
        deadline = time.monotonic() + 20
        while self.table.connected != 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        then()
        self._follow(lambda: None, anew=True)

    def stop_traffic(self) -> None:
        self._loop.call_soon_threadsafe(self._running.cancel)
        self._do(self._server.stop(grace=0))

    def stop(self) -> None:
        self.kill_envoy()
        self._do(self._server.stop(grace=0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def together(self, fill: Callable[[Callable[..., JSON]], None]) -> None:
        """All that `fill` puts, at once."""

        def put(kind: str, name: str, **parts: Any) -> JSON:
            obj = _made(kind, name, "shop", parts)
            self.world.put(_key("acme", kind, obj), obj)
            return obj

        self._follow(lambda: fill(put), seconds=60)

    @property
    def sent(self) -> int:
        """Resources that went to Envoy so far."""
        return self.table.sent

    def put(self, kind: str, name: str, namespace: str = "shop", account: str = "acme", **parts: Any) -> JSON:
        obj = _made(kind, name, namespace, parts)
        self._follow(lambda: self.world.put(_key(account, kind, obj), obj))
        return obj

    def silently(self, kind: str, name: str, **parts: Any) -> JSON:
        """`put` for the loop of the proxy itself; `tell` tells."""
        obj = _made(kind, name, "shop", parts)
        self.world.put(_key("acme", kind, obj), obj)
        return obj

    def drop(self, obj: JSON, account: str = "acme") -> None:
        self._follow(lambda: self.world.drop(_key(account, obj["kind"], obj), obj))

    @property
    def rejected(self) -> dict[tuple[str, str], str]:
        return self.table.rejected

    def admin(self, path: str) -> str:
        transport = httpx.HTTPTransport(uds=str(self.folder / "envoy.sock"))
        with httpx.Client(transport=transport) as client:
            return client.get(f"http://envoy{path}").text

    def _follow(self, change: Callable[[], Any], *, anew: bool = False, seconds: float = 5) -> None:
        async def apply() -> bool:
            change()
            await self.tell(anew=anew)
            revision = self.revision  # those who fall asleep and wake write, too
            return await self.table.wait_for(revision, seconds=seconds) >= revision

        assert self._do(apply())

    async def tell(self, *, anew: bool = False) -> None:
        """What follows from the world as it is now. In its loop."""
        self.revision += 1
        self.sleepers.look()
        if self.world.render() or anew:
            self.table.publish(self.world.resources, self.revision)
        else:
            self.table.pass_by(self.revision)
        await self.sleepers.published()

    async def _serve(self) -> ads.Ads:
        table = ads.Ads()
        admin = self.folder / "envoy.sock"
        self.sleepers = Sleepers(table, self.naps, admin=admin, world=lambda: self.world, turn=self._turn)
        self._server = await ads.serve(table, str(self.folder / "ads.sock"), self.sleepers)
        self._running = asyncio.create_task(self.sleepers.run())
        return table

    def _turn(self) -> None:
        """As the follower does, soon."""
        self._turning = asyncio.create_task(self.tell())

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)


class Pods(Protocol):
    """Of a workload. Both are called in the loop of the proxy."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Naps:
    """Writes Deployments, and is the controllers behind them: tells their `pods` to start and stop."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.slept = self.woke = 0
        self.refusal: StatusError | None = None
        self.pods: dict[Key, Pods] = {}
        self._works: set[asyncio.Task[None]] = set()

    async def put_to_sleep(self, key: Key, deployment: JSON) -> int | None:
        self.slept += 1
        revision = await self._write(key, deployment, sleeping.to_sleep(deployment))
        self._later(self.pods[key].stop())
        return revision

    async def wake(self, key: Key, *, at: str) -> None:
        if self.refusal:
            raise self.refusal
        deployment = self._proxy.world.sleepers[key]
        if sleeping.is_asleep(deployment):
            self.woke += 1
            await self._write(key, deployment, sleeping.to_wake(deployment, at=at))
            self._later(self.pods[key].start())

    async def _write(self, key: Key, deployment: JSON, patch: JSON) -> int:
        new = patches.merge(deployment, patch)
        revision = self._proxy.revision + 1
        new["metadata"]["resourceVersion"] = str(revision)
        self._proxy.world.put(key, new)
        await self._proxy.tell()
        return revision

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)


def _made(kind: str, name: str, namespace: str, parts: JSON) -> JSON:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        **parts.pop("metadata", {}),
    }
    return {"kind": kind, "metadata": metadata, **parts}


def _key(account: str, kind: str, obj: JSON) -> Key:
    namespace = "" if kind == "ELB" else obj["metadata"]["namespace"]
    return Key(account, kind, namespace, obj["metadata"]["name"])


@contextlib.contextmanager
def running() -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="cci-proxy-") as folder:
        proxy = Proxy(Path(folder))
        try:
            proxy.start()
            yield proxy
        finally:
            proxy.stop()


# What pods are, here: servers on loopback addresses


class _Says(http.server.BaseHTTPRequestHandler):
    """Its server's name, and what it was asked with."""

    protocol_version = "HTTP/1.1"
    server: _Pod

    def do_GET(self) -> None:
        body = f"{self.server.name} {self.path} {self.headers.get('X-Forwarded-For')} ".encode()
        body += (self.headers.get("X-Forwarded-Proto") or "").encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        pass


class _Pod(socketserver.ThreadingTCPServer):
    """Not `ThreadingHTTPServer`, which asks DNS for its own name."""

    daemon_threads = True
    allow_reuse_address = True
    name = ""


@contextlib.contextmanager
def pod(name: str, address: str, port: int = 8080) -> Iterator[None]:
    server = _Pod((address, port), _Says)
    server.name = name
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def echo(address: str, port: int, prefix: bytes) -> Iterator[None]:
    """A UDP server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, port))
        server.settimeout(0.1)
        over = threading.Event()

        def answer() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    data, asker = server.recvfrom(2000)
                    server.sendto(prefix + data, asker)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(2)
