"""The add-on may be killed before or after any write: the next one ends up in the same world.

A pod that uses a ConfigMap, a token and its own name lives from its creation to its end. For each n, the n-th write to
either side is the last one: the add-on is killed before that takes effect, or after it did and before it hears.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from burst import names
from tests.burst.fakeapi import FakeApi
from tests.burst.pods import container, pod
from tests.burst.worlds import CCI_NAMESPACE, World, world

WRITES = 10
"""Of a whole life: size, copy, fields, tokens, pod, status; deletion there, two copies, deletion here."""


class Killer:
    """Kills the add-on at its write number `at`."""

    def __init__(self, at: int, moment: str) -> None:
        self.at, self.moment = at, moment
        self.count = 0
        self.killed = asyncio.Event()

    def watch(self, *fakes: FakeApi) -> None:
        for fake in fakes:
            fake.written = self._written

    def _written(self, moment: str) -> bool:
        if self.killed.is_set():
            return False
        self.count += moment == "before"
        if self.count == self.at and moment == self.moment:
            self.killed.set()
            return False
        return True


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(1, WRITES + 1))
async def test_a_pods_life_is_the_same_wherever_the_add_on_was_killed(at: int, moment: str) -> None:
    async with world() as burst:
        killer = Killer(at, moment)
        killer.watch(burst.cluster, burst.cci)
        burst.start()
        reviver = asyncio.create_task(_revive(burst, killer))
        await _live(burst)
        reviver.cancel()
        assert killer.killed.is_set()
        assert not burst.cluster.named("pods")
        assert not burst.cci.named("pods")
        made = [one for one in burst.cci.log if one[1:3] == ("pods", "ADDED")]
        assert len(made) == 1


async def test_a_life_has_so_many_writes() -> None:
    async with world() as burst:
        killer = Killer(0, "before")
        killer.watch(burst.cluster, burst.cci)
        burst.start()
        await _live(burst)
        assert killer.count >= WRITES


async def _revive(burst: World, killer: Killer) -> None:
    await killer.killed.wait()
    await burst.kill()
    for fake in (burst.cluster, burst.cci):
        fake.written = lambda moment: True
    burst.start()


async def _live(burst: World) -> None:
    burst.cluster.put("configmaps", {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"a": "1"}})
    burst.cluster.put("pods", _pod())
    there = await burst.until(burst.there)
    assert await burst.until(lambda: burst.cci.named("configmaps"))
    burst.run_there()
    await burst.until(lambda: burst.status().get("phase") == "Running")
    annotations = (burst.pod() or {})["metadata"]["annotations"]
    assert annotations[names.CPU_ANNOTATION] == "0.25"
    await burst.cluster_api.delete("pods", namespace="shop", name="web", grace=5)
    await burst.until(lambda: (burst.there() or {})["metadata"].get("deletionTimestamp"))
    assert (burst.there() or {})["metadata"]["uid"] == there["metadata"]["uid"]
    burst.cci.drop("pods", CCI_NAMESPACE, "shop-web")
    await burst.until(lambda: burst.pod() is None)


def _pod() -> dict[str, Any]:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "settings"}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    return pod(containers=[container()], volumes=[{"name": "v", "projected": {"sources": sources}}])
