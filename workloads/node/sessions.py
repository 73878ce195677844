"""Commands, attachments and connections into pods, over the agent's second socket: see the contract in
`workloads.node`.

The streams of all sessions wait in one event loop; only what is asked of the runtime takes a thread, of a few. A caller
that goes takes its command along: it is hung up on, and killed when that was not enough.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import orjson

from workloads.meta.errors import BadRequest, NotFound, StatusError, Unauthorized, Unavailable
from workloads.meta.keys import Uid
from workloads.runtimes.base import ExecSpec, NoConnection, Runtime, RuntimeFault, Session
from workloads.runtimes.outputframes import STDERR, OutputFrames
from workloads.verbs.links import CHUNK_BYTES, Gone, Kind, Link

logger = logging.getLogger(__name__)

T = TypeVar("T")
JSON = dict[str, Any]
Call = Callable[[Callable[[], Any]], Awaitable[Any]]

MOST_SESSIONS, MOST_OF_ACCOUNT = 500, 200
CALLS_AT_ONCE = 8
CONNECTS_AT_ONCE = 32
"""A server that accepts nobody holds up those that connect to it, and no command."""
ORDER_SECONDS = 10.0
GRACE_SECONDS = 5.0
"""Between a hang-up and a kill."""
_LITTLE_GRACE_SECONDS = 0.5
"""When the agent stops."""
IDLE_SECONDS = 4 * 60 * 60.0
"""As long as a kubelet keeps a silent stream."""

_LARGEST = 0xFFFF
"""Columns or rows of a terminal."""


class Sessions:
    def __init__(
        self,
        runtime: Runtime,
        *,
        token: str,
        most: int = MOST_SESSIONS,
        most_of_account: int = MOST_OF_ACCOUNT,
        idle_seconds: float = IDLE_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._runtime = runtime
        self._token = token.encode()
        self._most, self._most_of_account = most, most_of_account
        self._idle, self._grace = idle_seconds, grace_seconds
        self._open: Counter[str] = Counter()
        self._calls = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="session")
        self._connects = ThreadPoolExecutor(CONNECTS_AT_ONCE, thread_name_prefix="connect")
        self._tasks: set[asyncio.Task[None]] = set()
        self._hangups: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line, from its order to its end."""
        link = Link(reader, writer)
        task = asyncio.ensure_future(self._answer(link))
        self._tasks.add(task)
        try:
            await task
        except (Gone, TimeoutError, asyncio.CancelledError):
            pass
        except StatusError as error:
            with suppress(Gone, TimeoutError):
                async with asyncio.timeout(ORDER_SECONDS):
                    await link.finish(Kind.REFUSED, orjson.dumps(error.body()))
        except Exception:
            logger.exception("a session failed")
        finally:
            self._tasks.discard(task)
            await link.close()

    async def close(self) -> None:
        """Hangs up on all, with little patience."""
        self._closing.set()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._hangups, return_exceptions=True)
        for threads in (self._calls, self._connects):
            threads.shutdown(wait=False)

    async def _answer(self, link: Link) -> None:
        """Raises StatusError until the session is open."""
        order = await _ordered(link)
        if not hmac.compare_digest(str(order.get("token", "")).encode(), self._token):
            raise Unauthorized("the agent's token is missing or wrong")
        with self._counted(_text(order, "account")):
            threads = self._connects if order.get("do") == "connect" else self._calls
            opened = await asyncio.get_running_loop().run_in_executor(threads, self._opened, order)
            streams = _Streams(link, opened, call=self._call, idle_seconds=self._idle)
            ended = False
            try:
                await link.send(Kind.READY)
                ended = await streams.run()
                if ended:
                    ending = orjson.dumps(await self._ending(opened))
                    async with asyncio.timeout(self._idle):
                        await link.finish(Kind.END, ending)
            finally:
                opened.close()
                if not ended:
                    hangup = asyncio.create_task(self._hang_up(opened))
                    self._hangups.add(hangup)
                    hangup.add_done_callback(self._hangups.discard)

    async def _ending(self, opened: Session) -> JSON:
        try:
            return {"exitCode": await self._call(opened.exit_code)}
        except RuntimeFault as fault:
            return {"error": str(fault)}

    async def _hang_up(self, opened: Session) -> None:
        with suppress(RuntimeFault):
            await self._call(opened.hang_up)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._grace):
                    await self._closing.wait()
                    await asyncio.sleep(_LITTLE_GRACE_SECONDS)
            await self._call(opened.kill)

    @contextmanager
    def _counted(self, account: str) -> Iterator[None]:
        if self._open.total() >= self._most or self._open[account] >= self._most_of_account:
            most = self._most if self._open.total() >= self._most else self._most_of_account
            raise Unavailable(f"{most} sessions are open already: close one, or come back soon", retry_after=5)
        self._open[account] += 1
        try:
            yield
        finally:
            self._open[account] -= 1

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._calls, function)

    def _opened(self, order: JSON) -> Session:
        """Raises NotFound, BadRequest, Unavailable."""
        uid, container = Uid(_text(order, "uid")), str(order.get("container", ""))
        try:
            return self._open_as_ordered(uid, container, order)
        except KeyError:
            raise NotFound(f'container not found ("{container}")' if container else "the pod is not running") from None
        except NoConnection as refusal:
            raise BadRequest(str(refusal)) from refusal
        except RuntimeFault as fault:
            raise Unavailable(str(fault)) from fault

    def _open_as_ordered(self, uid: Uid, container: str, order: JSON) -> Session:
        account = _text(order, "account")
        match order.get("do"):
            case "exec":
                return self._runtime.open_exec(uid, container, _spec(order), account=account)
            case "attach":
                return self._runtime.attach(uid, container, stdin=bool(order.get("stdin")), account=account)
            case "connect":
                return _Connection(self._runtime.connect(uid, int(order.get("port", 0)), account=account))
        raise BadRequest(f"{order.get('do')!r} is none of exec, attach, connect")


class _Connection:
    """To a port, as a session: it has no process, and nothing is left of it when it is closed."""

    framed = False
    refusal = b""

    def __init__(self, line: socket.socket) -> None:
        self.socket = line

    def resize(self, *, columns: int, rows: int) -> None:
        """No terminal."""

    def exit_code(self) -> int:
        return 0

    def hang_up(self) -> None:
        """Closed."""

    def kill(self) -> None:
        """Closed."""

    def close(self) -> None:
        self.socket.close()


class _Streams:
    """A session's streams and its caller's line, until one of them ends. Three flows that never wait for one another:
    what the caller orders, what the process reads, what it writes."""

    def __init__(self, link: Link, opened: Session, *, call: Call, idle_seconds: float) -> None:
        self._link = link
        self._opened = opened
        self._call = call
        self._idle = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._stdin: asyncio.Queue[bytes] = asyncio.Queue()
        """b"" is its end. The line's window bounds it."""
        self._size: JSON | None = None
        self._sized = asyncio.Event()
        self._last = self._loop.time()

    async def run(self) -> bool:
        """Whether the output has ended; else the caller has gone, or was silent for too long."""
        flows = [self._listen(), self._write(), self._resize(), self._watch(), self._link.gone.wait()]
        others = [asyncio.ensure_future(flow) for flow in flows]
        output = asyncio.ensure_future(self._read())
        try:
            stoppers = {output, others[3], others[4]}
            await asyncio.wait(stoppers, return_when=asyncio.FIRST_COMPLETED)
            return output.done() and not output.cancelled() and output.exception() is None
        finally:
            for task in (output, *others):
                task.cancel()
            await asyncio.gather(output, *others, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            frame = await self._link.receive()
            self._last = self._loop.time()
            if frame.kind == Kind.STDIN:
                self._stdin.put_nowait(frame.payload)
            elif frame.kind == Kind.EOF:
                self._stdin.put_nowait(b"")
            elif frame.kind == Kind.SIZE:
                self._size = orjson.loads(frame.payload)
                self._sized.set()

    async def _write(self) -> None:
        """A process that reads no more does not hold up its output."""
        line = self._opened.socket
        with suppress(OSError):
            while data := await self._stdin.get():
                await self._loop.sock_sendall(line, data)
                await self._link.used(len(data))
            line.shutdown(socket.SHUT_WR)
            return
        while data := await self._stdin.get():
            await self._link.used(len(data))

    async def _resize(self) -> None:
        """The newest size alone."""
        while True:
            await self._sized.wait()
            self._sized.clear()
            size = self._size or {}
            columns, rows = int(size.get("columns", 0)), int(size.get("rows", 0))
            if 0 < columns <= _LARGEST and 0 < rows <= _LARGEST:
                await self._call(partial(self._opened.resize, columns=columns, rows=rows))

    async def _read(self) -> None:
        frames, line, first = OutputFrames(), self._opened.socket, True
        while data := await self._received(line):
            self._last = self._loop.time()
            if not self._opened.framed:
                await self._link.send_data(Kind.STDOUT, data)
                continue
            for stream, piece in frames.receive(data):
                refused = first and self._opened.refusal and piece.startswith(self._opened.refusal)
                first = False
                await self._link.send_data(Kind.STDERR if refused or stream == STDERR else Kind.STDOUT, piece)

    async def _received(self, line: socket.socket) -> bytes:
        try:
            return await self._loop.sock_recv(line, CHUNK_BYTES)
        except OSError:
            return b""

    async def _watch(self) -> None:
        """Ends when nothing has come or gone for too long."""
        while (left := self._last + self._idle - self._loop.time()) > 0:
            await asyncio.sleep(left)
        error = f"the session was closed after {self._idle:g} seconds of silence"
        with suppress(Gone):
            await self._link.send(Kind.END, orjson.dumps({"error": error}))


async def _ordered(link: Link) -> JSON:
    """Raises BadRequest, Gone."""
    try:
        async with asyncio.timeout(ORDER_SECONDS):
            frame = await link.receive()
        order = orjson.loads(frame.payload) if frame.kind == Kind.ORDER else None
    except (TimeoutError, orjson.JSONDecodeError):
        order = None
    if not isinstance(order, dict):
        raise BadRequest("a session begins with an order, as JSON")
    return order


def _text(order: JSON, name: str) -> str:
    if value := str(order.get(name) or ""):
        return value
    raise BadRequest(f"{name} is missing")


def _spec(order: JSON) -> ExecSpec:
    command = order.get("command")
    if not isinstance(command, list) or not command:
        raise BadRequest("command is missing")
    wanted = {name: bool(order.get(name)) for name in ("stdin", "stdout", "stderr", "tty")}
    return ExecSpec(tuple(map(str, command)), **wanted)
