"""A container is not held up by its own CPU limit before it has begun.

The first process in a container's group is the OCI runtime's own, which gets the container ready and takes some 30 ms
of a processor for it. Under a limit of a quarter core it is stopped on the way, for most of a tenth of a second. So
while the start call lasts, limits below one core are one core, the container's and its pod's. Then they are put back,
the container's first: no group may have more than the one above it.

What has to be put back stands in a note beside the volumes before anything is lifted. A worker that died in between
leaves the note, and the next one puts it back as it begins (`put_back`).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

LIFTED_MILLIS = 1000
_TICK = 0.002
Limits = Mapping[Path, tuple[str, str]]
"""By the file of a group's CPU limit, the container's first: what stands there, and what shall while it starts."""


class Headstarts:
    def __init__(self, notes: Path) -> None:
        self._notes = notes

    @contextmanager
    def given(self, container: str, limits: Limits) -> Iterator[None]:
        """Around the start call of the container with that id."""
        note, before = self._notes / container, {str(file): stands for file, (stands, _) in limits.items()}
        try:
            self._notes.mkdir(parents=True, exist_ok=True, mode=0o700)
            note.write_text(json.dumps(before))
        except OSError as error:
            logger.warning("a container starts within its CPU limit: %s", error)
            yield
            return
        over = threading.Event()
        lifting = threading.Thread(target=_lift, args=(limits, over), name="headstart", daemon=True)
        lifting.start()
        try:
            yield
        finally:
            over.set()
            lifting.join()
            _put_back(before, note)

    def put_back(self) -> None:
        """What workers that died have left lifted."""
        with suppress(FileNotFoundError):
            for note in self._notes.iterdir():
                _put_back(_read(note), note)


def _lift(limits: Limits, over: threading.Event) -> None:
    """The group above is there; the container's own comes, and gets its limit, while the start call lasts."""
    upwards = list(limits.items())[::-1]
    while True:
        for file, (before, lifted) in upwards:
            with suppress(OSError):
                if file.read_text().strip() == before:
                    file.write_text(lifted)
        if over.wait(_TICK):
            return


def _read(note: Path) -> dict[str, str]:
    """One that is half written stands for nothing that was lifted."""
    try:
        return dict(json.loads(note.read_text()))
    except (OSError, ValueError):
        return {}


def _put_back(before: Mapping[str, str], note: Path) -> None:
    """A group that is gone needs no limit."""
    for file, stands in before.items():
        with suppress(OSError):
            Path(file).write_text(stands)
    note.unlink(missing_ok=True)
