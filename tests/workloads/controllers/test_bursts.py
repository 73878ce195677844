"""Pods of a cluster elsewhere: they stay as long as it may be there, and not a second longer than the grace time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.kinds import bursting

JSON = dict[str, Any]

NAMESPACE = "cce-burst-c1"
BEAT = 30


@pytest.fixture
def burst(world: World) -> World:
    """A pod that runs for cluster c1, which was heard of just now."""
    world.namespace(NAMESPACE)
    beat(world)
    pod = manifests.pod("shop-web")
    pod["metadata"]["labels"] = {bursting.CLUSTER_LABEL: "c1"}
    world.create(pod, NAMESPACE)
    world.advance(5)
    beat(world)
    return world


def beat(world: World, **annotations: str) -> None:
    """The add-on's clock is wrong by an hour, which does not matter."""
    spec = {"holderIdentity": "c1", "renewTime": f"2026-01-01T09:{datetime.now(UTC):%M:%S.%f}Z"}
    if not world.all("Lease", NAMESPACE):
        metadata = {"name": bursting.LEASE}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        world.create(lease, NAMESPACE)
        return
    world.patch("Lease", bursting.LEASE, {"metadata": {"annotations": annotations}, "spec": spec}, NAMESPACE)


def pods(world: World) -> list[JSON]:
    return [pod for pod in world.all("Pod", NAMESPACE) if "deletionTimestamp" not in pod["metadata"]]


def events(world: World, reason: str) -> list[str]:
    return [event["message"] for event in world.all("Event", NAMESPACE) if event["reason"] == reason]


def test_pods_stay_while_their_cluster_is_heard_of(burst: World) -> None:
    for _ in range(60):
        burst.advance(BEAT)
        beat(burst)
    assert len(pods(burst)) == 1
    assert not events(burst, "BurstClusterSilent")


def test_a_partition_of_ten_minutes_ends_nothing(burst: World) -> None:
    burst.advance(600 + BEAT)
    beat(burst)
    burst.advance(600)
    assert len(pods(burst)) == 1


def test_when_the_grace_time_is_over_they_end_with_an_event(burst: World) -> None:
    burst.advance(899)
    assert len(pods(burst)) == 1
    assert len(events(burst, "BurstClusterSilent")) == 1
    burst.advance(2)
    assert not pods(burst)
    assert "nothing was heard of the cluster for 900 seconds" in events(burst, "BurstClusterGone")[0]
    burst.advance(20)
    assert not burst.all("Pod", NAMESPACE)


def test_the_grace_time_is_the_leases(burst: World) -> None:
    beat(burst, **{bursting.GRACE_ANNOTATION: "120"})
    burst.advance(119)
    assert len(pods(burst)) == 1
    burst.advance(2)
    assert not pods(burst)


def test_a_cluster_that_is_heard_of_at_the_last_moment_keeps_its_pods(burst: World) -> None:
    burst.advance(895)
    beat(burst)
    burst.advance(800)
    assert len(pods(burst)) == 1


def test_a_service_that_was_away_itself_waits_for_the_clusters_to_be_heard(burst: World) -> None:
    burst.travel.shift(3600)
    burst.resync()
    burst.settle()
    assert len(pods(burst)) == 1
    burst.advance(60)
    beat(burst)
    burst.advance(600)
    assert len(pods(burst)) == 1


def test_a_service_that_was_away_itself_ends_what_nobody_speaks_for(burst: World) -> None:
    burst.travel.shift(3600)
    burst.resync()
    burst.advance(91)
    assert not pods(burst)


def test_a_service_that_stopped_after_its_warning_waits_for_the_clusters_to_be_heard(burst: World) -> None:
    burst.advance(850)
    assert events(burst, "BurstClusterSilent")
    burst.travel.shift(600)
    burst.reborn()
    burst.resync()
    burst.settle()
    assert len(pods(burst)) == 1
    burst.advance(60)
    beat(burst)
    burst.advance(600)
    assert len(pods(burst)) == 1


def test_a_service_that_stopped_after_its_warning_ends_what_nobody_speaks_for(burst: World) -> None:
    burst.advance(850)
    burst.travel.shift(600)
    burst.reborn()
    burst.resync()
    burst.advance(91)
    assert not pods(burst)


def test_taking_the_heartbeat_away_does_not_make_pods_run_for_ever(burst: World) -> None:
    burst.delete("Lease", bursting.LEASE, NAMESPACE)
    burst.advance(895)
    assert len(pods(burst)) == 1
    burst.advance(10)
    assert not pods(burst)


def test_pods_that_run_for_no_cluster_are_left_alone(burst: World) -> None:
    burst.create(manifests.pod("mine"), NAMESPACE)
    burst.advance(1000)
    assert [pod["metadata"]["name"] for pod in burst.all("Pod", NAMESPACE)] == ["mine"]
