"""CCI at work beside a test: what relay, queue and workers do together, on the simulated runtime, by the real clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.threads import apart
from tests.workloads.controllers.world import World, clock
from workloads.meta.keys import Key
from workloads.store import doorbell

JSON = dict[str, Any]

_LONGEST_WAIT = 0.2
"""Seconds without a bell. Others' bells are heard at once."""


@dataclass
class Hands(World):
    """They look at whatever has changed as long as they are `free`."""

    free: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _bell: threading.Event = field(default_factory=threading.Event)
    _looking: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def tied(self) -> Iterator[None]:
        """Nothing is done in CCI meanwhile: what is asked of it can be seen."""
        self.free.clear()
        with self._looking:  # what is under way ends first
            pass
        try:
            yield
        finally:
            self.free.set()
            self._bell.set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: apart(self._work), name="hands", daemon=True)
        self.free.set()
        with doorbell.listen(self._bell.set):
            thread.start()
            try:
                yield
            finally:
                self._ended.set()
                self.free.set()
                self._bell.set()
                thread.join(10)

    def happened(self, *pods: JSON) -> None:
        """The runtime's event reaches the queue; who works on it is the hands' own thread."""
        self._ring([Key("acme", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods])
        self._bell.set()

    def _work(self) -> None:
        while not self._ended.is_set():
            self.free.wait()
            self._bell.clear()
            self._read()
            self._probe()
            due = [item for item, at in list(self.due.items()) if at <= clock()]
            for item in due:
                with self._looking:
                    if self.free.is_set():
                        self._look(*item)
            if not due:
                self._bell.wait(_LONGEST_WAIT)

    def _read(self) -> None:
        """Others write to the database, too: there is always something to read."""
        self._drain()
        self.prober.learn()
        self._take_in()
        self.learned = self.prober


def hands(folder: Path, *images: str) -> Hands:
    made = Hands(travel=None, folder=folder)  # time goes by as it does
    for image in images:
        made.runtime.add_image(image)
    return made
