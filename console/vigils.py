"""Streams end when their readers' rights do, as those of the Kubernetes API do (`workloads.kubeapi.vigils`).

Readers are looked at one after another, each question once a round for all streams that stand on it. Between two rounds
is `ROUND_SECONDS` of rest, more when rounds take long: however many streams there are, one at a time asks the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

from workloads.meta.errors import StatusError

ROUND_SECONDS = 3.0
REST = 9
"""At least so many times as long as a round took."""

_log = logging.getLogger(__name__)

Ended = asyncio.Future[StatusError]
"""Has a result when the stream must end: why."""
Check = Callable[[], StatusError | None]
"""Why the stream may not go on; None while it may. May ask the database."""


class _Vigil:
    """Of one event loop. Its task is there while streams are."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[Check, set[Ended]]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def over(self, question: tuple[str, ...], check: Check) -> Iterator[Ended]:
        ended: Ended = asyncio.get_running_loop().create_future()
        streams = self._kept.setdefault(question, (check, set()))[1]
        streams.add(ended)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._watch())
        try:
            yield ended
        finally:
            streams.discard(ended)
            if not streams:
                self._kept.pop(question, None)

    async def _watch(self) -> None:
        now, took = asyncio.get_running_loop().time, 0.0
        while self._kept:
            await asyncio.sleep(max(ROUND_SECONDS, REST * took))
            begun = now()
            for question in list(self._kept):
                await self._look_at(question)
            took = now() - begun

    async def _look_at(self, question: tuple[str, ...]) -> None:
        """What cannot be asked now (the database is away) is asked in the next round."""
        if question not in self._kept:
            return
        check, streams = self._kept[question]
        try:
            refusal = await sync_to_async(check)()
        except Exception:
            _log.exception("whether open streams may go on cannot be asked")
            return
        if refusal is None:
            return
        for ended in list(streams):
            if not ended.done():
                ended.set_result(refusal)


_vigils: WeakKeyDictionary[asyncio.AbstractEventLoop, _Vigil] = WeakKeyDictionary()


@contextlib.contextmanager
def over(question: tuple[str, ...], check: Check) -> Iterator[Ended]:
    """While the stream is open, in an event loop. Streams with the same `question` share the answer of one `check`."""
    with _vigils.setdefault(asyncio.get_running_loop(), _Vigil()).over(question, check) as ended:
        yield ended
