"""Keeps the product's processes running: starts them, starts again what dies, stops all when told to.

Knows nothing of what the processes do. A child dies with its supervisor (Linux' parent-death signal), so that a
supervisor killed with -9 leaves nothing behind that would stand in the way of the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
STABLE_AFTER = 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
URGENT_NICE = -10


@dataclass(frozen=True)
class Program:
    """One process. `ready` tells when it serves; programs are started in order, each after the one before is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    stop_seconds: float = 8.0
    urgent: bool = False
    """Goes before the others on the processors, where the system lets it: a request in flight waits for it."""


class Supervisor:
    """`say` prints a line for the person at the terminal; what programs say goes to `logs/<name>.log`, or where our own
    words go when `logs` is None."""

    def __init__(
        self, programs: Sequence[Program], *, logs: Path | None, run: Path, say: Callable[[str], None]
    ) -> None:
        self._programs = programs
        self._logs = logs
        self._run = run
        self._say = say
        self._stopping = asyncio.Event()
        self._usual = os.getpriority(os.PRIO_PROCESS, 0)
        self._children: dict[str, asyncio.subprocess.Process] = {}

    def stop(self) -> None:
        self._stopping.set()

    async def run(self, *, started: Callable[[], None]) -> None:
        """Starts every program, calls `started` once all are ready, and returns when all have been stopped."""
        if any(program.urgent for program in self._programs):
            _go_first()  # so does whoever starts it again; its session may be somebody's terminal
        if self._logs is not None:
            self._logs.mkdir(parents=True, exist_ok=True)
        keepers = []
        try:
            for program in self._programs:
                keepers.append(asyncio.create_task(self._keep(program)))
                if not await self._wait_ready(program):
                    return
            started()
            await self._stopping.wait()
        finally:
            self._stopping.set()
            await asyncio.gather(*keepers)

    async def _wait_ready(self, program: Program) -> bool:
        deadline = time.monotonic() + 60
        while not self._stopping.is_set():
            if program.ready():
                return True
            if time.monotonic() > deadline:
                where = f" Its log: {self._logs / program.name}.log" if self._logs is not None else ""
                self._say(f"{program.name} is not ready after 60 s.{where}")
                return False
            await self._pause(0.05)
        return False

    async def _keep(self, program: Program) -> None:
        """Runs the program until told to stop; a death is followed by a start: at once where it had run for long, later
        and later where it keeps dying."""
        pause = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            child = await self._start(program)
            await self._until_death_or_stop(child)
            if self._stopping.is_set():
                await _end(child, program.stop_seconds)
                return
            if time.monotonic() - began > STABLE_AFTER:
                pause = 0.0
            self._say(f"{program.name} ended ({_how(child.returncode)}); starting it again")
            await self._pause(pause)
            pause = min(max(pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        with self._log_of(program) as log:
            child = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **program.environment},
                start_new_session=True,
                preexec_fn=_begin(os.getpid(), urgent=program.urgent, usual=self._usual),
            )
        self._children[program.name] = child
        self._note(program.name, child.pid)
        return child

    def _log_of(self, program: Program) -> AbstractContextManager[IO[bytes] | None]:
        return (self._logs / f"{program.name}.log").open("ab") if self._logs is not None else contextlib.nullcontext()

    def _note(self, name: str, pid: int) -> None:
        """Whole or not at all: who reads the file at this moment gets the old pid or the new one."""
        partial = self._run / f"{name}.pid.part"
        partial.write_text(str(pid))
        partial.replace(self._run / f"{name}.pid")

    async def _until_death_or_stop(self, child: asyncio.subprocess.Process) -> None:
        death = asyncio.create_task(child.wait())
        stop = asyncio.create_task(self._stopping.wait())
        _, left = await asyncio.wait({death, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


async def _end(child: asyncio.subprocess.Process, seconds: float) -> None:
    """SIGTERM to the child's whole process group, SIGKILL after `seconds`."""
    _signal_group(child, signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), seconds)
    except TimeoutError:
        _signal_group(child, signal.SIGKILL)
        await child.wait()


def _signal_group(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _begin(parent: int, *, urgent: bool, usual: int) -> Callable[[], None]:
    """What a child does before it becomes its program."""
    libc = ctypes.CDLL("libc.so.6", use_errno=True)

    def arm() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        if urgent:
            _hurry()
        else:
            os.setpriority(os.PRIO_PROCESS, 0, usual)

    return arm


def _go_first() -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, URGENT_NICE)


def _hurry() -> None:
    """For itself, and for its session, which Linux weighs as a whole where it groups by sessions (autogroup)."""
    _go_first()
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(URGENT_NICE))


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit {code}"
    return f"killed by {signal.Signals(-code).name}"
