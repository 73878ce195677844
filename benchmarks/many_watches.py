"""What thousands of watches of one process cost, what those beyond the limit are told, and what many that never read
do.

    python -m benchmarks.many_watches [watches [0]]

Each is a TLS connection of its own to one web process (no controller acts), of one account. How many it may have says
`workloads/kubeapi/crowds.py`; with 0 nobody goes beyond that.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import uvloop

from benchmarks.kube_api import PODS, Installation, Server, bells, prepare, web
from benchmarks.wire import Line, trusting

IDLE = 500
"""Watches that never read."""
CHANGES = 400
AT_ONCE = 50


class Watch(asyncio.Protocol):
    """Notes what it was answered, and how often each mark was heard."""

    def __init__(self, seen: Counter[bytes], mark: Callable[[], bytes]) -> None:
        self._seen, self._mark = seen, mark
        self._answered = False

    def data_received(self, data: bytes) -> None:
        if not self._answered:
            self._answered = True
            self._seen[data[9:12]] += 1
        if (mark := self._mark()) in data:
            self._seen[mark] += 1


def main(watches: int = 5000, beyond: int = 1) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="cci-bench-") as folder:
        installation = prepare(Path(folder))
        with bells(), web(installation, 1) as server:
            asyncio.run(Run(installation, server).measure(watches, beyond=bool(beyond)))


class Run:
    def __init__(self, installation: Installation, server: Server) -> None:
        self._installation, self._server = installation, server
        self._seen: Counter[bytes] = Counter()
        self._mark = b"\0"
        self._open: list[asyncio.Transport] = []

    async def measure(self, watches: int, *, beyond: bool) -> None:
        from tests import manifests

        body = orjson.dumps(manifests.pod("pod-0"))
        self._call("POST", PODS, body)
        before, had = self._server.resident(), 0
        self._say("at the start")
        for number in (watches // 5, watches):
            await self._grow(number)
            await asyncio.sleep(1)
            now = self._server.resident()
            each = (now - before) / (number - had) / 1024
            self._say(f"with {self._seen[b'200']:,} watches", f"{each:.0f} KB for each of the last {number - had:,}")
            before, had = now, number
            for _ in range(3):
                print(f"   the last of them hears a change after {await self._heard() * 1000:.0f} ms")
        if beyond:
            await self._beyond()
        self._close()
        await asyncio.sleep(5)
        self._say("when they have gone")
        await self._unread()

    async def _grow(self, number: int) -> None:
        begun = time.perf_counter()
        while (have := len(self._open)) < number:
            await self._ask(min(AT_ONCE, number - have))
        while self._seen[b"200"] + self._seen[b"429"] < number:
            await asyncio.sleep(0.1)
        print(f"   opened in {time.perf_counter() - begun:.0f} s: {dict(self._seen)}")

    async def _ask(self, number: int) -> None:
        loop, context = asyncio.get_running_loop(), trusting()
        request = self._server.address.request("GET", f"{PODS}?watch=1&timeoutSeconds=3000&resourceVersion=1")
        opened = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda: Watch(self._seen, lambda: self._mark), "127.0.0.1", self._server.address.port, ssl=context
                )
                for _ in range(number)
            )
        )
        for transport, _ in opened:
            transport.write(request)
            self._open.append(transport)

    async def _heard(self) -> float:
        """Seconds until every watch has heard of a change."""
        self._mark = f"mark-{time.monotonic_ns()}".encode()
        begun = time.perf_counter()
        await asyncio.get_running_loop().run_in_executor(None, self._change, self._mark.decode())
        while self._seen[self._mark] < self._seen[b"200"]:
            await asyncio.sleep(0.001)
        return time.perf_counter() - begun

    def _change(self, mark: str) -> None:
        body = orjson.dumps({"metadata": {"annotations": {"bench.cci.io/turn": mark}}})
        path, merge = f"{PODS}/pod-0", "application/merge-patch+json"
        self._call("PATCH", path, body, type=merge)

    def _call(self, method: str, path: str, body: bytes = b"", *, type: str = "application/json") -> None:
        """On a line of its own: it may be long since the last."""
        line = Line(self._server.address)
        line.call(self._server.address.request(method, path, body, type=type))
        line.close()

    async def _beyond(self) -> None:
        """More, until some are refused; then everything else is still answered."""
        while not self._seen[b"429"] and len(self._open) < 20_000:
            await self._ask(AT_ONCE)
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        self._say(f"with {self._seen[b'200']:,} watches; {self._seen[b'429']} were refused (429)")
        begun = time.perf_counter()
        self._call("GET", f"{PODS}/pod-0")
        print(f"   a GET takes {(time.perf_counter() - begun) * 1000:.1f} ms meanwhile")

    def _close(self) -> None:
        for transport in self._open:
            transport.abort()
        self._open.clear()
        self._seen.clear()

    async def _unread(self) -> None:
        """Many that do not read, and much to tell: 2.5 KB a change for each."""
        await self._ask(IDLE)
        while self._seen[b"200"] < IDLE:
            await asyncio.sleep(0.1)
        for transport in self._open:
            transport.pause_reading()
        before, highest = self._server.resident(), 0
        for turn in range(CHANGES):
            await asyncio.get_running_loop().run_in_executor(None, self._change, f"{turn}-" + "x" * 8000)
            highest = max(highest, self._server.resident())
        print(f"{IDLE} that never read, {CHANGES} changes of 10 KB: {(highest - before) / 2**20:.0f} MiB more at most")
        self._close()

    def _say(self, when: str, more: str = "") -> None:
        print(f"memory {when:48} {self._server.resident() / 2**20:>6.0f} MiB   {more}", flush=True)


if __name__ == "__main__":
    uvloop.install()
    main(*map(int, sys.argv[1:]))
