"""A loop whose clock does not wait: as soon as nothing is left to do, it is the time of the next timer.

An hour of the add-on passes in a moment, while what is said over sockets of this process is still said in full.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse, ClientSession

_QUIET = 0.003
"""Real seconds without a word on any socket: both ends are in this process, so nothing is on its way then."""


class HurriedLoop(asyncio.SelectorEventLoop):
    """`flying` are the requests that wait for their answer: as long as there are any, time goes by as it does."""

    def __init__(self) -> None:
        self.ahead, self.flying = 0.0, 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return super().time() + self.ahead


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: HurriedLoop) -> None:
        super().__init__()
        self._of = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0 if timeout is None or timeout <= 0 else min(timeout, _QUIET))
        if found or timeout is None or timeout <= _QUIET:
            return found or (super().select(None) if timeout is None else [])
        if not self._of.flying:
            self._of.ahead += timeout - _QUIET
        return []


def hurried(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    ask = ClientSession._request

    async def counted(self: ClientSession, *args: Any, **more: Any) -> ClientResponse:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HurriedLoop)
        loop.flying += 1
        try:
            return await ask(self, *args, **more)
        finally:
            loop.flying -= 1

    with patch.object(ClientSession, "_request", counted), asyncio.Runner(loop_factory=HurriedLoop) as runner:
        runner.run(story())
