"""What an API has, kept here: listed once, then followed by a watch. While nothing changes, nothing is asked.

A mirror tells what changed by key. It keeps of each object what `keep` leaves of it, so that thousands of them fit into
little memory.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from burst.api import Api, ApiError, Unreachable

JSON = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0

log = logging.getLogger(__name__)


def key_of(obj: JSON) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def without_managers(obj: JSON) -> JSON:
    obj["metadata"].pop("managedFields", None)
    return obj


class Mirror:
    """`changed(before, now)` is called for each object that came (before is None), changed, or went (now is None)."""

    def __init__(
        self,
        api: Api,
        resource: str,
        namespace: str = "",
        *,
        changed: Callable[[JSON | None, JSON | None], None],
        keep: Callable[[JSON], JSON] = without_managers,
        field: str = "",
        label: str = "",
    ) -> None:
        self.objects: dict[Key, JSON] = {}
        self.listed = asyncio.Event()
        """Set when it was listed for the first time."""
        self.lists = 0
        """How often it was listed."""
        self._api, self._resource, self._namespace = api, resource, namespace
        self._changed, self._keep = changed, keep
        self._selectors = {"fieldSelector": field, "labelSelector": label}
        self._revision = ""

    async def run(self) -> None:
        """For ever. An API that is away is waited for, longer each time."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._follow()
                pause = FIRST_PAUSE
            except ApiError as error:
                if error.expired:
                    self._revision = ""
                    pause = FIRST_PAUSE
                else:
                    log.warning("%s cannot be followed: %s", self._resource, error)
            except Unreachable as error:
                log.info("%s cannot be followed: %s", self._resource, error or type(error).__name__)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _follow(self) -> None:
        """Lists where it must, then follows until the watch ends."""
        if not self._revision:
            await self._list()
        events = self._api.watch(self._resource, self._namespace, since=self._revision, **self._selectors)
        async for kind, obj in events:
            self._revision = str(obj["metadata"].get("resourceVersion") or self._revision)
            if kind == "BOOKMARK":
                continue
            self._put(key_of(obj), None if kind == "DELETED" else self._keep(obj))

    async def _list(self) -> None:
        found, revision = await self._api.listed(self._resource, self._namespace, **self._selectors)
        seen = {}
        for obj in found:
            seen[key_of(obj)] = self._keep(obj)
        self.lists += 1
        for key in [key for key in self.objects if key not in seen]:
            self._put(key, None)
        for key, obj in seen.items():
            self._put(key, obj)
        self._revision = revision
        self.listed.set()

    def _put(self, key: Key, obj: JSON | None) -> None:
        before = self.objects.get(key)
        if obj is None:
            self.objects.pop(key, None)
        else:
            self.objects[key] = obj
        if before is not None or obj is not None:
            self._changed(before, obj)
