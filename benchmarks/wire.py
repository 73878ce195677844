"""HTTP over TLS as cheaply as Python has it: what is measured shall be the server, not its client."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """A server on loopback, and the token it knows."""

    port: int
    token: str = ""

    def request(self, method: str, path: str, body: bytes = b"", type: str = "application/json") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.token}"]
        lines += [f"Content-Type: {type}", f"Content-Length: {len(body)}", "Accept: application/json", "", ""]
        return "\r\n".join(lines).encode() + body


class Line:
    """One kept-alive connection."""

    def __init__(self, address: Address) -> None:
        self.address = address
        plain = socket.create_connection(("127.0.0.1", address.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = trusting().wrap_socket(plain)

    def call(self, request: bytes) -> bytes:
        """The body of an answer of known length. Raises AssertionError on a failure."""
        self._socket.sendall(request)
        head, _, body = self._until_head().partition(b"\r\n\r\n")
        assert head[9] == ord("2"), (head + b"\n" + body)[:2000].decode()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        parts, have = [body], len(body)
        while have < length:
            part = self._socket.recv(1 << 18)
            assert part, "the server hung up"
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._socket.close()

    def _until_head(self) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            part = self._socket.recv(1 << 16)
            assert part, "the server hung up"
            got += part
        return got


def trusting() -> ssl.SSLContext:
    """The servers are our own and a minute old."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def rate(address: Address, requests: Callable[[], bytes], *, clients: int, seconds: float) -> float:
    """Answers a second to so many clients that each wait for theirs."""
    lines = [Line(address) for _ in range(clients)]
    done = [0] * clients
    for line in lines:
        line.call(requests())
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        while time.perf_counter() < end:
            lines[number].call(requests())
            done[number] += 1

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        for _ in pool.map(ask, range(clients)):  # raises what one of them raised
            pass
    took = time.perf_counter() - begun
    for line in lines:
        line.close()
    assert all(done), "a client had no answer"
    return sum(done) / took


class Watchers(asyncio.Protocol):
    """Many watches of one process; `heard` counts those that saw the words that are waited for."""

    def __init__(self) -> None:
        self.waited_for = b"\0"
        self.heard = 0
        self.begun = 0
        self.all_heard = asyncio.Event()
        self.transports: list[asyncio.Transport] = []

    async def open(self, address: Address, path: str, *, number: int, ready: Callable[[], object]) -> None:
        """Every watch has been answered; `ready` makes a change, for one that has heard nothing yet may not listen."""
        loop, context = asyncio.get_running_loop(), trusting()
        request = address.request("GET", path)
        for start in range(0, number, 50):
            some = range(start, min(start + 50, number))
            opened = await asyncio.gather(
                *(loop.create_connection(lambda: _Watch(self), "127.0.0.1", address.port, ssl=context) for _ in some)
            )
            for transport, _ in opened:
                transport.write(request)
                self.transports.append(transport)
        while self.begun < number:
            await loop.run_in_executor(None, ready)
            await asyncio.sleep(0.2)

    async def until_all_hear(self, words: bytes, say: Callable[[], object]) -> float:
        """Seconds from the beginning of `say` until the last watcher has heard `words`."""
        self.waited_for, self.heard = words, 0
        self.all_heard.clear()
        begun = time.perf_counter()
        await asyncio.get_running_loop().run_in_executor(None, say)
        async with asyncio.timeout(60):
            await self.all_heard.wait()
        return time.perf_counter() - begun

    def close(self) -> None:
        for transport in self.transports:
            transport.abort()


class _Watch(asyncio.Protocol):
    def __init__(self, watchers: Watchers) -> None:
        self._all = watchers
        self._begun = False

    def data_received(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._all.begun += 1
        if self._all.waited_for in data:
            self._all.heard += 1
            if self._all.heard == len(self._all.transports):
                self._all.all_heard.set()
