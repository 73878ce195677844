"""What the add-on does while time passes: nothing but heartbeats while nothing changes, nothing wrong while a side is
away. Minutes pass in moments here."""

from __future__ import annotations

import asyncio
import types
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from burst import election, leader, mirrors, node, pods
from burst.election import Election
from burst.heartbeat import RENEW_SECONDS, Heartbeat
from burst.leader import Leader
from burst.translate import Cluster
from tests.burst.fakeapi import FakeApi
from tests.burst.hurried import hurried
from tests.burst.pods import CLUSTER_ID, pod
from tests.burst.worlds import PLACE, World, world

MINUTE, PODS = 60.0, 4


@pytest.fixture(autouse=True)
def waits_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is hurried but the clock, which every part reads."""
    for room, name, seconds in (
        (mirrors, "FIRST_PAUSE", 0.2),
        (pods, "ORPHAN_SECONDS", 5.0),
        (pods, "LOOK_AGAIN", 0.5),
    ):
        monkeypatch.setattr(room, name, seconds)
    monkeypatch.setattr(leader, "time", types.SimpleNamespace(monotonic=now))


def now() -> float:
    return asyncio.get_running_loop().time()


class Life:
    """The add-on as one replica of it runs, with `PODS` pods on both sides; `alone` it needs no election."""

    def __init__(self, made: World, *, alone: bool) -> None:
        self.made, self._alone = made, alone
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Who loses the lease stands for election again, as new."""
        made = self.made
        elected = Election(made.cluster_api, "one", namespace="kube-system", clock=now)
        while True:
            heartbeat = Heartbeat(made.cci_api, CLUSTER_ID)
            leader = Leader(made.cluster_api, made.cci_api, Cluster(CLUSTER_ID), PLACE, heartbeat)
            leader.pods = made.pods = made.fresh()
            await (leader.run() if self._alone else elected.lead(leader.run))

    async def kill(self) -> None:
        """Nothing is put in order, not even the lease."""
        if self._running is not None:
            self.made.cluster.written = self.made.cci.written = lambda moment: False
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self.made.cluster.written = self.made.cci.written = lambda moment: True

    def uids(self) -> set[str]:
        """Of the pods in CCI that nobody has told to end."""
        there = self.made.cci.named("pods").values()
        return {one["metadata"]["uid"] for one in there if "deletionTimestamp" not in one["metadata"]}


@asynccontextmanager
async def busy(*, alone: bool = False) -> AsyncIterator[Life]:
    async with world() as made:
        life = Life(made, alone=alone)
        life.start()
        for number in range(PODS):
            made.cluster.put("pods", pod(f"web-{number}"))
        await made.until(lambda: len(made.cci.named("pods")) == PODS)
        for name in list(made.cci.named("pods")):
            made.run_there(name)
        await made.until(lambda: all(made.status(f"web-{one}").get("phase") == "Running" for one in range(PODS)))
        await asyncio.sleep(MINUTE)
        try:
            yield life
        finally:
            await life.kill()


def test_in_a_minute_without_news_nothing_is_asked_and_only_leases_are_renewed() -> None:
    async def story() -> None:
        async with busy() as life:
            made = life.made
            before = len(made.cluster.requests), len(made.cci.requests)
            await asyncio.sleep(MINUTE)
            cluster, cci = Counter(made.cluster.requests[before[0] :]), Counter(made.cci.requests[before[1] :])
        leases = "apis/coordination.k8s.io/v1/namespaces"
        assert set(cluster) == {
            ("PUT", f"{leases}/kube-system/leases/cci-burst"),
            ("PATCH", f"{leases}/kube-node-lease/leases/virtual-kubelet"),
        }
        assert set(cci) == {("PATCH", f"{leases}/cce-burst-{CLUSTER_ID}/leases/burst-heartbeat")}
        assert cluster.total() <= MINUTE / election.RETRY + MINUTE / node.HEARTBEAT_SECONDS + 2
        assert cci.total() <= MINUTE / RENEW_SECONDS + 1

    hurried(story)


@pytest.mark.parametrize("side", ["cluster", "cci"])
def test_a_partition_of_ten_minutes_ends_no_pod_and_is_made_up_for(side: str) -> None:
    async def story() -> None:
        async with busy(alone=True) as life:
            made, before = life.made, life.uids()
            gone = made.cluster if side == "cluster" else made.cci
            away(gone, True)
            await asyncio.sleep(10 * MINUTE)
            made.cluster.put("pods", pod("later"))
            away(gone, False)
            await asyncio.sleep(MINUTE)
            assert made.there("shop-later")
            assert before < life.uids() and len(life.uids()) == PODS + 1
            assert deletions(made) == []

    hurried(story)


def test_an_add_on_that_comes_back_to_a_cluster_that_is_slow_to_say_what_it_has_ends_no_pod() -> None:
    async def story() -> None:
        async with busy() as life:
            made, before = life.made, life.uids()
            await life.kill()
            made.cluster.empty = True
            await asyncio.sleep(10 * MINUTE)
            life.start()
            await asyncio.sleep(2 * MINUTE)
            made.cluster.empty = False
            await asyncio.sleep(2 * MINUTE)
            assert life.uids() == before
            assert deletions(made) == []

    hurried(story)


def test_a_pod_that_went_while_the_add_on_was_dead_goes_in_cci_seconds_after_it_is_back() -> None:
    async def story() -> None:
        async with busy() as life:
            made = life.made
            await life.kill()
            made.cluster.drop("pods", "shop", "web-0")
            await asyncio.sleep(10 * MINUTE)
            life.start()
            await asyncio.sleep(pods.ORPHAN_SECONDS + 2 * leader.RETRY_SECONDS)
            assert deletions(made) == ["shop-web-0"]
            await asyncio.sleep(MINUTE)
            assert deletions(made) == ["shop-web-0"]

    hurried(story)


def away(fake: FakeApi, is_away: bool) -> None:
    fake.away = is_away
    fake.wake()


def deletions(made: World) -> list[str]:
    """The pods that somebody was told to end in CCI."""
    asked = [path.rpartition("/")[2] for method, path in made.cci.requests if method == "DELETE" and "/pods/" in path]
    return sorted(set(asked))
