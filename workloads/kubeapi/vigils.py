"""Streams end when their callers' rights do: watches, followed logs, exec, attach and port-forward.

Callers are looked at one after another, each once a round for all of their streams, through the short memory of
`authentication`. Between two rounds is `ROUND_SECONDS` of rest, more when rounds take long: however many streams there
are, one call at a time asks the database for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from functools import partial
from weakref import WeakKeyDictionary

from iam.identities import Identity
from workloads.kubeapi import authentication
from workloads.kubeapi.exchange import Standing
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import Forbidden, StatusError, Unauthorized

ROUND_SECONDS = 3.0
REST = 9
"""At least so many times as long as a round took."""

_log = logging.getLogger(__name__)

Ended = asyncio.Future[StatusError]
"""Has a result when the stream must end: why."""


class _Vigil:
    """Of one event loop. Its task is there while streams are."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[Ended, Standing]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def over(self, standing: Standing) -> Iterator[Ended]:
        ended: Ended = asyncio.get_running_loop().create_future()
        self._kept.setdefault(standing.token, {})[ended] = standing
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._watch())
        try:
            yield ended
        finally:
            self._let_go(standing.token, ended)

    def _let_go(self, token: str, ended: Ended) -> None:
        streams = self._kept[token]
        del streams[ended]
        if not streams:
            del self._kept[token]

    async def _watch(self) -> None:
        now, took = asyncio.get_running_loop().time, 0.0
        while self._kept:
            await asyncio.sleep(max(ROUND_SECONDS, REST * took))
            begun = now()
            for token in list(self._kept):
                await self._look_at(token)
            took = now() - begun

    async def _look_at(self, token: str) -> None:
        """What cannot be asked now (the database is away) is asked in the next round."""
        streams = dict(self._kept.get(token, {}))
        try:
            refusals = await _refusals(token, list(streams.values()))
        except StatusError as error:
            _log.warning("whether open streams may go on cannot be asked: %s", error.message)
            return
        except Exception:
            _log.exception("whether open streams may go on cannot be asked")
            return
        for ended, standing in streams.items():
            if (refusal := refusals.get(standing.question)) is not None and not ended.done():
                ended.set_result(refusal)


_vigils: WeakKeyDictionary[asyncio.AbstractEventLoop, _Vigil] = WeakKeyDictionary()


@contextlib.contextmanager
def over(standing: Standing | None) -> Iterator[Ended | None]:
    """While the stream is open; None stands on nothing that could end. In an event loop."""
    if standing is None:
        yield None
        return
    with _vigils.setdefault(asyncio.get_running_loop(), _Vigil()).over(standing) as ended:
        yield ended


async def _refusals(token: str, standings: list[Standing]) -> dict[tuple[str, ...], StatusError]:
    """Why not, for each question that is not to be answered with yes any more."""
    questions = {standing.question: standing for standing in standings}
    if not standings:
        return {}
    try:
        caller = await authentication.bearing(token, standings[0].address)
    except Unauthorized as refusal:
        return dict.fromkeys(questions, refusal)
    return await in_thread(partial(_denied, caller.identity, questions))


def _denied(identity: Identity, questions: dict[tuple[str, ...], Standing]) -> dict[tuple[str, ...], StatusError]:
    denied: dict[tuple[str, ...], StatusError] = {}
    for question, standing in questions.items():
        try:
            standing.check(identity)
        except Forbidden as refusal:
            denied[question] = refusal
    return denied
