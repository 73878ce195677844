"""port-forward's tunnel: several connections in one WebSocket, as kubectl and as who counts windows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from workloads.client import Ending, Output, Session
from workloads.kubeapi.streaming import spdy
from workloads.kubeapi.streaming.spdy import Data, Granted, Ping, Reset, Writer
from workloads.kubeapi.streaming.tunnels import MOST_STREAMS, MOST_WAITING, Tunnel
from workloads.meta.errors import BadRequest


class Port:
    """What listens in the pod: says what `says` holds, hears what is written; `deaf` reads nothing."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.heard = bytearray()
        self.ended = False
        self.closed = False
        self.hears = asyncio.Event()
        self.hears.set()
        self.ending: Ending | None = Ending()

    async def read(self) -> Output | None:
        data = await self.says.get()
        return None if data is None else Output("stdout", data)

    async def write(self, data: bytes) -> None:
        await self.hears.wait()
        self.heard += data

    async def end_input(self) -> None:
        self.ended = True

    async def close(self) -> None:
        self.closed = True


class Caller:
    """kubectl's end of the WebSocket."""

    def __init__(self) -> None:
        self.ports: dict[int, Port] = {}
        self.frames = Writer()
        self._to_server: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._wire = b""
        self.taken = 0
        self._running = asyncio.create_task(Tunnel(self, self._connect).run())

    async def _connect(self, port: int) -> Session:
        if port == 99:
            raise BadRequest("error forwarding port 99 to pod one: connection refused")
        return cast(Session, self.ports.setdefault(port, Port()))

    async def receive(self) -> bytes | None:
        message = await self._to_server.get()
        self.taken += len(message or b"")
        return message

    async def send(self, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self._wire += data

    async def close(self) -> None: ...

    def say(self, *frames: bytes) -> None:
        for frame in frames:
            self._to_server.put_nowait(frame)

    def open(self, port: int, *, error: int = 1, data: int = 3, request: str = "0") -> None:
        headers = {"port": str(port), "requestID": request}
        self.say(
            self.frames.opening(error, {**headers, "streamType": "error"}),
            self.frames.data(error, b"", ends=True),
            self.frames.opening(data, {**headers, "streamType": "data"}),
        )

    @property
    def told(self) -> list[spdy.Event]:
        """All that the server has sent, but for its replies to openings (the reader knows only a server's side)."""
        return list(spdy.Reader().receive(self._wire))

    def got(self, stream: int) -> bytes:
        return b"".join(one.data for one in self.told if isinstance(one, Data) and one.stream == stream)

    def has_ended(self, stream: int) -> bool:
        return any(isinstance(one, Data) and one.stream == stream and one.ends for one in self.told)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0)

    async def leave(self) -> None:
        self._to_server.put_nowait(None)
        await asyncio.wait_for(self._running, 5)


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_connection_begins_when_both_streams_are_there_and_carries_both_ways() -> None:
    caller = Caller()
    caller.open(80)
    caller.say(caller.frames.data(3, b"hello"))
    await caller.until(lambda: 80 in caller.ports and caller.ports[80].heard == b"hello")
    caller.ports[80].says.put_nowait(b"answer")
    await caller.until(lambda: caller.got(3) == b"answer")
    caller.ports[80].says.put_nowait(None)
    await caller.until(lambda: caller.has_ended(3) and caller.has_ended(1))
    assert caller.ports[80].closed
    await caller.leave()


async def test_several_connections_do_not_mix() -> None:
    caller = Caller()
    for number in range(5):
        caller.open(80 + number, error=4 * number + 1, data=4 * number + 3, request=str(number))
        caller.say(caller.frames.data(4 * number + 3, b"%d" % number))
    heard = {80 + number: b"%d" % number for number in range(5)}
    await caller.until(lambda: {port: bytes(one.heard) for port, one in caller.ports.items()} == heard)
    for number in range(5):
        caller.ports[80 + number].says.put_nowait(b"answer %d" % number)
    await caller.until(lambda: all(caller.got(4 * n + 3) == b"answer %d" % n for n in range(5)))
    await caller.leave()
    assert all(port.closed for port in caller.ports.values())


async def test_a_half_close_reaches_the_pod_and_the_answer_still_comes() -> None:
    caller = Caller()
    caller.open(80)
    caller.say(caller.frames.data(3, b"all", ends=True))
    await caller.until(lambda: 80 in caller.ports and caller.ports[80].ended)
    caller.ports[80].says.put_nowait(b"answer")
    await caller.until(lambda: caller.got(3) == b"answer")
    await caller.leave()


async def test_what_goes_wrong_is_told_on_the_error_stream_and_ends_both() -> None:
    caller = Caller()
    caller.open(99)
    await caller.until(lambda: caller.has_ended(1) and caller.has_ended(3))
    assert caller.got(1) == b"error forwarding port 99 to pod one: connection refused"
    await caller.leave()


async def test_a_reset_closes_the_connection() -> None:
    caller = Caller()
    caller.open(80)
    await caller.until(lambda: 80 in caller.ports)
    caller.say(caller.frames.reset(3, 5))
    await caller.until(lambda: caller.ports[80].closed)
    await caller.leave()


async def test_pings_are_answered_and_the_servers_own_are_not() -> None:
    caller = Caller()
    caller.say(caller.frames.ping(1), caller.frames.ping(2))
    await caller.until(lambda: Ping(1) in caller.told)
    await settle()
    assert Ping(2) not in caller.told
    await caller.leave()


async def test_what_the_pod_has_taken_may_be_sent_again() -> None:
    caller = Caller()
    caller.open(80)
    caller.say(caller.frames.data(3, bytes(1000)))
    await caller.until(lambda: Granted(3, 1000) in caller.told and Granted(0, 1000) in caller.told)
    await caller.leave()


async def test_a_pod_that_does_not_read_stops_its_caller_in_bounded_memory() -> None:
    caller = Caller()
    deaf = caller.ports[80] = Port()
    deaf.hears.clear()
    caller.open(80)
    caller.say(*[caller.frames.data(3, bytes(64 * 1024)) for _ in range(100)])
    await settle()
    assert caller.taken < MOST_WAITING + 200 * 1024
    deaf.hears.set()
    await caller.until(lambda: len(deaf.heard) == 6400 * 1024)
    await caller.leave()


async def test_who_counts_windows_is_heeded() -> None:
    caller = Caller()
    caller.open(80)
    caller.say(caller.frames.grant(3, 1000))
    await caller.until(lambda: 80 in caller.ports)
    await settle()
    caller.ports[80].says.put_nowait(bytes(200 * 1024))
    await settle()
    assert len(caller.got(3)) == spdy.FIRST_WINDOW + 1000
    caller.say(caller.frames.grant(3, 10**6))
    await caller.until(lambda: len(caller.got(3)) == 200 * 1024)
    await caller.leave()


@pytest.mark.parametrize("headers", [{"streamType": "data"}, {"port": "80"}, {"streamType": "data", "port": "70000"}])
async def test_a_stream_that_makes_no_sense_is_reset(headers: dict[str, str]) -> None:
    caller = Caller()
    caller.say(caller.frames.opening(1, headers))
    await caller.until(lambda: Reset(1) in caller.told)
    await caller.leave()


async def test_streams_beyond_measure_are_refused() -> None:
    caller = Caller()
    opening = {"port": "80", "streamType": "error"}
    caller.say(*[caller.frames.opening(2 * n + 1, {**opening, "requestID": str(n)}) for n in range(MOST_STREAMS + 1)])
    await caller.until(lambda: Reset(2 * MOST_STREAMS + 1) in caller.told)
    await caller.leave()


async def test_nonsense_ends_the_tunnel() -> None:
    caller = Caller()
    caller.say(b"\x80\x02\0\0\0\0\0\0")
    await asyncio.wait_for(caller._running, 5)
    assert any(isinstance(one, spdy.GoneAway) for one in caller.told)


async def test_a_connection_that_is_cut_twice_is_still_closed() -> None:
    caller = Caller()
    caller.open(80)
    await caller.until(lambda: 80 in caller.ports)
    caller.say(caller.frames.reset(3, 5))
    await caller.leave()
    assert caller.ports[80].closed
