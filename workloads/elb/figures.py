"""Envoy's own counters, read when somebody asks: nothing is measured while nobody looks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from pathlib import Path
from typing import Any

import httpx
import orjson

from workloads.routing import figures
from workloads.routing.figures import Sample

JSON = dict[str, Any]

LONGEST_SECONDS = 60.0
"""Rates are over this time at most, where somebody looks again and again."""
SHORTEST_SECONDS = 1.0
_MOST_ELBS = 100


class Away(Exception):
    """Envoy does not answer."""


class Meter:
    """`admin` is Envoy's Unix socket. Keeps the samples of ELBs that were asked for lately."""

    def __init__(self, admin: Path) -> None:
        self._admin = admin
        self._samples: dict[str, deque[Sample]] = {}

    async def of(self, uid: str) -> list[JSON]:
        """Raises Away."""
        new = await self._sample(uid)
        kept = self._samples.pop(uid, deque())
        while kept and new.at - kept[0].at > LONGEST_SECONDS:
            kept.popleft()
        if not kept or new.at - kept[0].at < SHORTEST_SECONDS:
            kept.append(new)
            await asyncio.sleep(SHORTEST_SECONDS)
            new = await self._sample(uid)
        found = figures.between(kept[0], new)
        kept.append(new)
        self._samples[uid] = kept  # behind all others
        while len(self._samples) > _MOST_ELBS:
            del self._samples[next(iter(self._samples))]
        return found

    async def _sample(self, uid: str) -> Sample:
        asked = {"format": "json", "filter": figures.pattern(uid)}
        try:
            transport = httpx.AsyncHTTPTransport(uds=str(self._admin), verify=False)
            async with httpx.AsyncClient(transport=transport, timeout=1.0) as envoy:
                answer = (await envoy.get("http://envoy/stats", params=asked)).raise_for_status()
            return figures.sample(orjson.loads(answer.content)["stats"], at=time.monotonic())
        except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
            raise Away(str(error)) from error
