"""After a crash nothing stays that nobody owns; what may still be on its way is left alone."""

from __future__ import annotations

from datetime import timedelta

from tests.workloads.node.cluster import Clock, Cluster
from workloads.node import orphans
from workloads.runtimes.simulated import Simulated


def test_an_old_sandbox_without_a_pod_is_removed(runtime: Simulated, cluster: Cluster, clock: Clock) -> None:
    pod = cluster.pod(runtime.ensure_network(cluster.network()), stored=False)
    runtime.ensure_sandbox(pod)
    clock.now += timedelta(minutes=3)
    assert [one.uid for one in orphans.sweep_once(runtime)] == [pod.uid]
    assert runtime.sandboxes() == []


def test_a_young_sandbox_is_left_alone(runtime: Simulated, cluster: Cluster, clock: Clock) -> None:
    runtime.ensure_sandbox(cluster.pod(runtime.ensure_network(cluster.network()), stored=False))
    clock.now += timedelta(minutes=1)
    assert orphans.sweep_once(runtime) == []


def test_a_pods_sandbox_is_left_alone_however_old(runtime: Simulated, cluster: Cluster, clock: Clock) -> None:
    runtime.ensure_sandbox(cluster.pod(runtime.ensure_network(cluster.network())))
    clock.now += timedelta(days=30)
    assert orphans.sweep_once(runtime) == []


def test_a_sandbox_of_the_same_name_but_another_life_is_removed(
    runtime: Simulated, cluster: Cluster, clock: Clock
) -> None:
    network = runtime.ensure_network(cluster.network())
    runtime.ensure_sandbox(cluster.pod(network, stored=False))
    cluster.pod(network)
    clock.now += timedelta(minutes=3)
    assert len(orphans.sweep_once(runtime)) == 1
