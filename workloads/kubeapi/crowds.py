"""How many this process serves at once, so that memory stays bounded whoever comes.

As upstream, who comes when all places are taken waits a little for one, and is told 429 with `Retry-After` when none
has come free: clients try again by themselves. Upstream has priorities and fair queues for that; here no account (and,
before anybody knows who asks, no address) gets more than its share of the places.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter, deque
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from workloads.meta.errors import TooManyRequests

RETRY_SECONDS = 1
MOST_REQUESTS = 400
"""Requests that are read, worked on and answered at once; a stream counts until it begins."""
MOST_WATCHES = 10_000
"""Fewer where the process may have fewer files open (`RLIMIT_NOFILE`)."""
KEPT_FILES = 600
"""Of these, for all that is not a watch."""


@dataclass
class Crowd:
    """Places of one kind, in one event loop."""

    what: str
    most: int
    of_one: int
    """Of these, for one who."""
    patience: float = 0.0
    """Seconds that somebody waits for a place."""
    _inside: Counter[str] = field(default_factory=Counter)
    _taken: int = 0
    _waiting: deque[tuple[str, asyncio.Future[None]]] = field(default_factory=deque)

    async def enter(self, who: str) -> None:
        """Takes a place, which whoever has it gives back (`leave`). Raises TooManyRequests."""
        if self._has_room(who):
            self._take(who)
            return
        if not self.patience or len(self._waiting) >= self.most:
            raise self._refusal(who)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((who, turn))
        try:
            async with asyncio.timeout(self.patience):
                await turn
        except TimeoutError:
            if not _has_come(turn):
                raise self._refusal(who) from None
        except asyncio.CancelledError:
            if _has_come(turn):
                self.leave(who)  # the place came as its taker went
            raise
        finally:
            if (who, turn) in self._waiting:
                self._waiting.remove((who, turn))

    def leave(self, who: str) -> None:
        self._taken -= 1
        self._inside[who] -= 1
        if not self._inside[who]:
            del self._inside[who]
        self._let_in()

    def _let_in(self) -> None:
        for one in tuple(self._waiting):
            who, turn = one
            if not turn.done() and self._has_room(who):
                self._waiting.remove(one)
                self._take(who)
                turn.set_result(None)
                return

    def _has_room(self, who: str) -> bool:
        return self._taken < self.most and self._inside[who] < self.of_one

    def _take(self, who: str) -> None:
        self._taken += 1
        self._inside[who] += 1

    def _refusal(self, who: str) -> TooManyRequests:
        mine = self._inside[who] >= self.of_one
        number = f"{self.of_one:,} {self.what} of one account" if mine else f"{self.most:,} {self.what}"
        return TooManyRequests(
            f"Too many requests, please try again later: {number} at once are served here", retry_after=RETRY_SECONDS
        )


@dataclass(frozen=True)
class _Crowds:
    requests: Crowd
    watches: Crowd


def requests() -> Crowd:
    """Of this event loop."""
    return _of_this_loop().requests


def watches() -> Crowd:
    """Of this event loop."""
    return _of_this_loop().watches


def forget() -> None:
    """Tests change how many there are."""
    _crowds.clear()


_PATIENCE_SECONDS = 5.0
_crowds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Crowds] = WeakKeyDictionary()


def _of_this_loop() -> _Crowds:
    loop = asyncio.get_running_loop()
    found = _crowds.get(loop)
    if found is None:
        open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = max(1, min(MOST_WATCHES, open_files - KEPT_FILES))
        found = _crowds[loop] = _Crowds(
            Crowd("requests", MOST_REQUESTS, of_one=_share(MOST_REQUESTS), patience=_PATIENCE_SECONDS),
            Crowd("watches", most, of_one=_share(most)),
        )
    return found


def _has_come(turn: asyncio.Future[None]) -> bool:
    return turn.done() and not turn.cancelled()


def _share(most: int) -> int:
    return max(1, most * 3 // 4)
