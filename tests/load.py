"""Requests at a steady rate, half of them over connections that stay open and half over new ones, on a thread of its
own. Every answer that is not 200 is a failure, and so is none."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

PATIENCE_SECONDS = 20.0
_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Load:
    address: str
    port: int
    host: str
    good: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _open: list[_Line] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.good + self.bad.total()

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    async def run(self, rate: int, stop: threading.Event) -> None:
        began, sent, under_way = time.monotonic(), 0, set[asyncio.Task[None]]()
        while not stop.is_set():
            while sent < (time.monotonic() - began) * rate:
                task = asyncio.create_task(self._ask(keep=sent % 2 == 0))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                sent += 1
            await asyncio.sleep(0.004)
        await asyncio.gather(*under_way)
        for _, writer in self._open:
            writer.close()

    async def _ask(self, *, keep: bool) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status = await self._answer(keep=keep)
        except Exception as error:
            self.bad[f"{type(error).__name__}: {error}"] += 1
            return
        self.seconds.append(time.monotonic() - began)
        if status == 200:
            self.good += 1
        else:
            self.bad[str(status)] += 1

    async def _answer(self, *, keep: bool) -> int:
        line = self._open.pop() if keep and self._open else await asyncio.open_connection(self.address, self.port)
        reader, writer = line
        closing = "" if keep else "Connection: close\r\n"
        writer.write(f"GET / HTTP/1.1\r\nHost: {self.host}\r\n{closing}\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-len")), 0)
        await reader.readexactly(length)
        if keep and b"connection: close" not in head:
            self._open.append(line)
        else:
            writer.close()
        return int(head.split()[1])


@contextlib.contextmanager
def load(address: str, port: int = 80, *, host: str = "", rate: int = 100) -> Iterator[Load]:
    """While the block runs; counted to the end when it is over."""
    found, stop = Load(address, port, host or address), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(found.run(rate, stop)), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS + 10)
