"""Containers made while their sandbox is still on its way: to create one takes the daemon as long as to give a sandbox
away, and neither waits for the other. It is started only when the sandbox is the pod's.

Memory only, and only a hint. A container made for a sandbox that another pod got is taken away again; what a dead
worker left behind is known by the sandbox it was made for (`joins`) and is made anew, never started there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from workloads.runtimes.base import RuntimeFault
from workloads.runtimes.daemon import Daemon, Found
from workloads.runtimes.payloads import Body

AT_ONCE = 8
REMEMBERED = 200


@dataclass(frozen=True)
class Made:
    """A container that waits to be started, what it was made from, and the sandbox it joins."""

    id: str
    body: Body
    sandbox: Found


@dataclass
class Making:
    """Taken away again unless it is kept."""

    future: Future[tuple[str, Body]]
    sandbox: Found | None = None

    def keep(self, sandbox: Found) -> None:
        """The sandbox is the pod's."""
        self.sandbox = sandbox


@dataclass
class Ahead:
    _daemon: Daemon
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "ahead"))
    _kept: dict[str, Making] = field(default_factory=dict)

    @contextmanager
    def making(self, name: str, body: Callable[[], Body]) -> Iterator[Making]:
        """Begins to create a container. A daemon that says no is asked again when the container is to be started."""
        making = Making(self._threads.submit(self._create, name, body))
        try:
            yield making
        finally:
            if making.sandbox is None:
                self._undo(making)
            else:
                self._remember(name, making)

    def take(self, name: str) -> Made | None:
        """What was made ahead under this name; whoever takes it has it alone."""
        making = self._kept.pop(name, None)
        if making is None or making.sandbox is None:
            return None
        with suppress(RuntimeFault):
            id, body = making.future.result()
            return Made(id=id, body=body, sandbox=making.sandbox)
        return None

    def _create(self, name: str, body: Callable[[], Body]) -> tuple[str, Body]:
        content = body()
        return self._daemon.create(name, content), content

    def _undo(self, making: Making) -> None:
        with suppress(RuntimeFault):
            id, _ = making.future.result()
            self._daemon.remove(id)

    def _remember(self, name: str, making: Making) -> None:
        """One that nobody takes is forgotten in time; it is found by its name."""
        self._kept[name] = making
        while len(self._kept) > REMEMBERED:
            with suppress(KeyError, RuntimeError):
                del self._kept[next(iter(self._kept))]


def joins(inspected: Mapping[str, Any], sandbox: str) -> bool:
    """Whether a container was made for the sandbox with that id."""
    return bool(inspected["HostConfig"]["NetworkMode"] == f"container:{sandbox}")
