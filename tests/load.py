"""Requests at a steady rate, half of them over connections that stay open and half over new ones, on a thread of its
own. Every answer that is not 200 is a failure, and so is none.

One connection is one small object of asyncio, without streams and tasks: whoever asks must not take the processors away
from whom it asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvloop

PATIENCE_SECONDS = 20.0
MOST_UNDER_WAY = 8000
"""A service that answers nobody is not asked by more than these at a time: the rest is counted, as not asked."""
NOT_ASKED = f"not asked: {MOST_UNDER_WAY} requests were under way"
_LOOK_SECONDS = 0.004


@dataclass
class Tally:
    """Of requests that began while something was done."""

    good: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.good + self.bad.total()

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@dataclass
class Load(Tally):
    """`phase` may be set at any time: `phases` tells requests apart by what was done when they began."""

    address: str = ""
    port: int = 80
    host: str = ""
    secure: ssl.SSLContext | None = None
    phase: str = ""
    phases: dict[str, Tally] = field(default_factory=dict)
    under_way: set[_Line] = field(default_factory=set)
    idle: list[_Line] = field(default_factory=list)

    async def run(self, rate: int, stop: threading.Event) -> None:
        began, sent = time.monotonic(), 0
        while not stop.is_set():
            while sent < (time.monotonic() - began) * rate:
                self._ask(keep=sent % 2 == 0)
                sent += 1
            self._give_up(time.monotonic() - PATIENCE_SECONDS)
            await asyncio.sleep(_LOOK_SECONDS)
        until = time.monotonic() + PATIENCE_SECONDS
        while self.under_way and time.monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
        self._give_up(time.monotonic())
        for line in self.idle:
            line.close()

    def count(self, line: _Line, what: str) -> None:
        """A request is over: "" for one that was answered as it should be."""
        self.under_way.discard(line)
        took = time.monotonic() - line.began
        for tally in (self, self.phases.setdefault(line.phase, Tally())):
            tally.seconds.append(took)
            if what:
                tally.bad[f"{'kept' if line.keep else 'new'} connection: {what}"] += 1
            else:
                tally.good += 1

    def _ask(self, *, keep: bool) -> None:
        line = self.idle.pop() if keep and self.idle else _Line(self, keep=keep)
        line.began, line.phase = time.monotonic(), self.phase
        if len(self.under_way) >= MOST_UNDER_WAY:
            self.count(line, NOT_ASKED)
            return
        self.under_way.add(line)
        line.ask()

    def _give_up(self, since: float) -> None:
        for line in [line for line in self.under_way if line.began < since]:
            self.count(line, f"no answer in {PATIENCE_SECONDS:.0f} s")
            line.close()


class _Line(asyncio.Protocol):
    """A connection, and the request that is under way on it."""

    def __init__(self, load: Load, *, keep: bool) -> None:
        self.load = load
        self.keep = keep
        self.began = 0.0
        self.phase = ""
        self._heard = b""
        self._transport: Any = None
        closing = "" if keep else "Connection: close\r\n"
        self._request = f"GET / HTTP/1.1\r\nHost: {load.host}\r\n{closing}\r\n".encode()

    def ask(self) -> None:
        if self._transport is not None:
            self._transport.write(self._request)
            return
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        named = self.load.host if self.load.secure else None
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: self, self.load.address, self.load.port, ssl=self.load.secure, server_hostname=named
            )
        except OSError as error:
            self._over(f"{type(error).__name__}: {error.strerror or error}")

    def connection_made(self, transport: Any) -> None:
        """uvloop's transports of TLS are none of asyncio's classes."""
        self._transport = transport
        if self in self.load.under_way:
            transport.write(self._request)
        else:
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        if not end or len(body) < length:
            return
        self._heard = b""
        status = head.split(maxsplit=2)[1].decode()
        self._over("" if status == "200" else f"status {status}")
        if self.keep and b"connection: close" not in lines:
            self.load.idle.append(self)
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self.load.idle:
            self.load.idle.remove(self)
        why = "closed without a whole answer" if self._heard else "closed without an answer"
        self._over(f"{why} ({type(exc).__name__})" if exc else why)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _over(self, what: str) -> None:
        if self in self.load.under_way:
            self.load.count(self, what)


@contextlib.contextmanager
def load(
    address: str, port: int = 80, *, host: str = "", rate: int = 100, secure: ssl.SSLContext | None = None
) -> Iterator[Load]:
    """While the block runs; counted to the end when it is over."""
    found, stop = Load(address=address, port=port, host=host or address, secure=secure), threading.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(found.run(rate, stop))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS + 10)
